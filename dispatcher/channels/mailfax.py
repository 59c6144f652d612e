"""Fax by email: the pages go to a gateway's address that holds the number. 'Accepted' means handed in, never faxed.

A relay's 250, and a DSN that comes after it, speak of the mail to the gateway alone (RFC 3965 section 3); only the
gateway's own status mail, or a person, can say that a page was received.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dispatcher.domain.address import parse_fax
from dispatcher.domain.errors import NoticeRejected, Problem, SettingsError, UserError
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Kind, Verdict

from . import mailfax_feedback
from .base import Abilities, CommitPoint, Notice, Parcel, Try
from .message import Heading, address_problems, stamp
from .relay import Relay
from .smtp import checked_envelope, unfit
from .submission import Submission

#: What a relay's answer about a mail to the gateway means for the fax in it. Causes not named here stand as they are.
AS_FAX: dict[Cause, Cause] = {
    Cause.EMAIL_NO_MAILBOX: Cause.FAX_PROVIDER_REJECTED,
    Cause.EMAIL_BLOCKED: Cause.FAX_PROVIDER_REJECTED,
    Cause.EMAIL_REFUSED: Cause.FAX_PROVIDER_REJECTED,
    Cause.EMAIL_TOO_BIG: Cause.FAX_PROVIDER_REJECTED,
    Cause.EMAIL_MAILBOX_FULL: Cause.FAX_GATEWAY_UNREACHABLE,
    Cause.EMAIL_GREYLISTED: Cause.FAX_GATEWAY_UNREACHABLE,
    Cause.SMTP_CONNECT: Cause.FAX_GATEWAY_UNREACHABLE,
    Cause.EMAIL_NO_ANSWER_AFTER_DATA: Cause.FAX_NO_ANSWER_AFTER_SUBMIT,
}
#: The addresses of gateways that document one.
PATTERNS = {
    "interfax": "{e164}@fax.tc",
    "sinch": "{e164}@sinchfax.com",
    "documo": "{digits}@send.mfax.io",
}
FORMATS = {"pdf": ("application/pdf", "letter.pdf"), "tiff": ("image/tiff", "letter.tif")}
_BODY = re.compile(r"[ -~]{0,200}")


@dataclass(frozen=True, slots=True)
class Gateway:
    """How an email-to-fax gateway wants its mail.

    `pattern` is the address, with {e164} (+ and digits) or {digits} in its local part: 'FAX={e164}@gateway.example' is
    the form of RFC 3192 section 2. Raises SettingsError for a pattern that gives no address, or an unknown format.
    """

    name: str
    pattern: str
    attach: str = "pdf"  #: 'pdf' or 'tiff'
    body: str = ""  #: one fixed ASCII line, where a gateway wants one; most put any text on a cover page
    sender: str = ""  #: the From address that the gateway knows us by; '' takes the letter's
    subject: str = "{attempt}"  #: {attempt} is our reference; some gateways want switches or a number there
    prints_header: bool = False  #: it prints the line with sender, number, date and page by itself

    def __post_init__(self) -> None:
        problems = list(_gateway_problems(self))
        if problems:
            raise SettingsError(problems)

    def address(self, number: str) -> str:
        """The mail address of a +E.164 number."""
        return self.pattern.replace("{e164}", number).replace("{digits}", number.removeprefix("+"))


def preset(name: str, pattern: str, number: str, *, prints_header: bool = False) -> Gateway:
    """A gateway as its vendor documents it: 'rfc3192' takes `pattern`, and so does one of which we know nothing ('').

    interfax: Upland, "Email to fax" and "Subject line modifiers": /bn no body, /hn no header. sinch: OpenAPI "Fax API
    3.0", Fax to Email: the subject is the number to send from. documo: mFax, "Send a fax by email". As of 2026-11.
    """
    subject = {"interfax": "{attempt} /bn /hn", "sinch": number}.get(name, "{attempt}")
    if name == "interfax" and prints_header:
        subject = "{attempt} /bn"
    return Gateway("mailfax", PATTERNS.get(name, pattern), prints_header=prints_header, subject=subject)


def _gateway_problems(gateway: Gateway) -> list[Problem]:
    place = f"gateway {gateway.name}"
    problems = address_problems(place, gateway.address("+12025550100"))
    if "{e164}" not in gateway.pattern.partition("@")[0] and "{digits}" not in gateway.pattern.partition("@")[0]:
        problems.append(Problem(place, "the pattern has no {e164} or {digits} before @", "", "E_CONF"))
    if gateway.attach not in FORMATS:
        problems.append(Problem(place, f"'{gateway.attach}' is no format", "use pdf or tiff", "E_CONF"))
    if not _BODY.fullmatch(gateway.body):
        problems.append(Problem(place, "the body is not one line of at most 200 ASCII characters", "", "E_CONF"))
    if gateway.sender:
        problems += address_problems(place, gateway.sender)
    return problems


class MailFaxChannel:
    """The channel 'mailfax'. It cannot ask and hears no callback: an accepted fax waits for a person or for a status
    mail of the gateway's, which comes to `hear` out of our own mailbox."""

    name = "mailfax"
    kind = Kind.FAX

    def __init__(self, gateway: Gateway, relays: Sequence[Relay], clock: Callable[[], float] = time.monotonic) -> None:
        """`relays` are tried in order. `clock` counts the seconds of a Permit. Raises ValueError without relays."""
        self._gateway = gateway
        self.abilities = Abilities(hears_mail=True, prints_header=gateway.prints_header)
        self._submission = Submission(relays, clock)
        self.routes = self._submission.routes

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        """Hand the fax in, once; ACCEPTED is submission only. `commit` gets the mail as the gateway will get it."""
        try:
            message = compose(self._gateway, parcel)
            sender = parcel.return_path or self._gateway.sender or parcel.sender_address
            envelope = checked_envelope(sender, self._gateway.address(parcel.address), parcel.attempt_id)
        except UserError as exc:
            return unfit(exc)
        outcome = await self._submission.submit(envelope, message, commit, parcel.avoid)
        facts = outcome.facts | {"gateway": self._gateway.name}
        return replace(outcome, cause=AS_FAX.get(outcome.cause, outcome.cause), facts=facts)

    async def ask(self, attempt_id: str, ref: str, about: Try | None = None) -> Outcome:
        """Nobody can be asked by mail."""
        return Outcome(Verdict.UNKNOWN, Cause.FAX_NO_PROOF, "a gateway by mail cannot be asked", ref)

    async def probe(self, route: str = "") -> Outcome:
        """Knock at the relay; the gateway behind it cannot be asked."""
        return await self._submission.probe(route)

    async def hear(self, notice: Notice) -> list[Report]:
        """What a mail out of our own mailbox says (`extra` has mailbox=its name). Gateways by mail do not call back
        over HTTP; whoever does is not one."""
        if not notice.extra.get("mailbox"):
            raise NoticeRejected("no callback is expected for fax by email")
        if not (reports := mailfax_feedback.read(notice.body)):
            raise NoticeRejected("the mail tells of no fax of ours in a form that we know")
        return reports

    async def aclose(self) -> None:
        """Hang up idle connections."""
        await self._submission.aclose()


def compose(gateway: Gateway, parcel: Parcel) -> bytes:
    """The mail to the gateway: our reference as subject, one attachment. Raises UserError when it is unfit to send."""
    document = parcel.document_pdf if gateway.attach == "pdf" else parcel.document
    _check_number(parcel.address)
    if not document:
        raise UserError(Problem("document", f"there are no pages as {gateway.attach}", "", "E_ATT_EMPTY"))
    heading = Heading(
        sender_name=parcel.sender_name,
        sender_address=gateway.sender or parcel.sender_address,
        recipient_name="",
        recipient=gateway.address(parcel.address),
        subject=gateway.subject.replace("{attempt}", parcel.attempt_id),
        message_id=parcel.message_id,
        date=parcel.date,
        automatic=parcel.automatic,
    )
    return stamp(heading, _entity(gateway, document))


def _check_number(number: str) -> None:
    try:
        canonical = parse_fax(number)
    except UserError as exc:
        raise UserError([replace(problem, place="recipient") for problem in exc.problems]) from exc
    if canonical != number:
        raise UserError(Problem("recipient", "the number is not in canonical form", "", "E_FAX_FORM"))


def _entity(gateway: Gateway, document: bytes) -> bytes:
    """A text part, empty unless the gateway wants a line, and the pages: never multipart/alternative (RFC 3249).

    The same document gives the same bytes. A base64 line holds no '_', so the boundary can stand in no part.
    """
    media, filename = FORMATS[gateway.attach]
    boundary = "part_" + hashlib.sha256(document).hexdigest()[:32]
    lines = [
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        gateway.body,
        f"--{boundary}",
        f'Content-Type: {media}; name="{filename}"',
        f'Content-Disposition: attachment; filename="{filename}"',
        "Content-Transfer-Encoding: base64",
        "",
        *base64.encodebytes(document).decode("ascii").splitlines(),
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")
