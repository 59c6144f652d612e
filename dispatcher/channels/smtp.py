"""Email: one letter to one recipient through our own relays. A try is at best 'accepted', never 'delivered'."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from dispatcher.domain.errors import NoticeRejected, UserError
from dispatcher.domain.outcome import Outcome, Report, escape
from dispatcher.domain.words import Cause, Kind, Verdict

from .base import Abilities, CommitPoint, Notice, Parcel, Try
from .message import address_problems, heading_of, stamp
from .relay import Relay
from .relay_log import RelayLogs
from .submission import Envelope, Submission


class SmtpChannel:
    """The channel 'smtp'. It gives no proof: bounces and DSNs come by mail. A relay whose log we may read is asked."""

    name = "smtp"
    kind = Kind.EMAIL

    def __init__(
        self, relays: Sequence[Relay], clock: Callable[[], float] = time.monotonic, logs: RelayLogs | None = None
    ) -> None:
        """`relays` are tried in order. `clock` counts the seconds of a Permit. Raises ValueError without relays."""
        self._submission = Submission(relays, clock)
        self._logs = logs or RelayLogs({})
        self.abilities = Abilities(asks=bool(logs), only_doubts=True)
        self.routes = self._submission.routes

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        """Try once; `commit` gets the message as its recipient will get it. A letter unfit to send is REFUSED here."""
        sender = parcel.return_path or parcel.sender_address
        try:
            message = stamp(heading_of(parcel), parcel.entity)
            # A report that carries it shows that whoever wrote it has seen our envelope: only we can sign it.
            name = parcel.return_path.rpartition("@")[0] or parcel.attempt_id
            envelope = checked_envelope(sender, parcel.address, name)
        except UserError as exc:
            return unfit(exc)
        return await self._submission.submit(envelope, message, commit, parcel.avoid)

    async def ask(self, attempt_id: str, ref: str, about: Try | None = None) -> Outcome:
        """What the relays' logs prove of it; nothing where we may not read them."""
        return await self._logs.ask(attempt_id, about)

    async def probe(self, route: str = "") -> Outcome:
        """Connect, say EHLO, start TLS, log in, say QUIT."""
        return await self._submission.probe(route)

    async def hear(self, notice: Notice) -> list[Report]:
        """Relays do not call back; whoever does is not one."""
        raise NoticeRejected("no callback is expected for email")

    async def aclose(self) -> None:
        """Hang up idle connections."""
        await self._submission.aclose()


def checked_envelope(sender: str, recipient: str, name: str) -> Envelope:
    """An envelope whose two addresses are surely what they look like. Raises UserError."""
    problems = [*address_problems("return_path", sender), *address_problems("recipient", recipient)]
    if problems:
        raise UserError(problems)
    return Envelope(sender, recipient, name)


def unfit(exc: UserError) -> Outcome:
    """The outcome of a letter that must not be sent as it is: no relay was spoken to, and no other try will mend it."""
    at_fault = {problem.place for problem in exc.problems}
    cause = Cause.ADDRESS_INVALID if at_fault == {"recipient"} else Cause.CONTENT_INVALID
    return Outcome(Verdict.REFUSED, cause, escape("; ".join(map(str, exc.problems))))
