"""The shape of a channel: what it gets, what it gives back, what it says it can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Kind, State

#: The newest line of a relay's log may differ by this from the time at which its file was last written: beyond it, the
#: log's clock is not ours.
CLOCK_TOLERANCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One letter for one address, as one attempt carries it. Everything in it was frozen before approval."""

    attempt_id: str  #: our reference; it goes to the provider
    delivery_id: str
    kind: Kind
    address: str  #: canonical: addr-spec or +E.164
    recipient_name: str
    sender_name: str
    sender_address: str  #: the From address
    return_path: str  #: the envelope sender; '' lets the channel use sender_address
    subject: str
    message_id: str  #: '<…@…>', the same at every attempt of a delivery
    date: datetime  #: of this attempt, aware
    entity: bytes = b""  #: the frozen MIME entity (email); b'' for fax
    document: bytes = b""  #: the frozen fax pages as TIFF (fax); b'' for email
    document_pdf: bytes = b""  #: the same pages as PDF, for gateways that take no TIFF
    pages: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)  #: kept with the try: the words of a fax's header line
    avoid: frozenset[str] = frozenset()  #: routes of this channel that are closed to letters now
    again: bool = False  #: pages of it were printed there before, or may have been: a gateway's own header line says so
    slower: bool = False  #: the last call broke off: where it can be done, this one begins at a lower speed
    automatic: bool = False  #: sent without a person's act (follow-up): RFC 3834 Auto-Submitted


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to pass the point of no return, good until `until` on the monotonic clock (seconds)."""

    until: float


#: Called by the channel just before the point of no return. Records *transmitting*, with the digest of the exact
#: bytes, durably. Raises LostClaim when the attempt is no longer ours: then nothing may leave.
CommitPoint = Callable[[bytes], Awaitable[Permit]]


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a channel can do; the use cases go by this, never by its name."""

    asks: bool = False  #: `ask` can find out what became of an attempt
    only_doubts: bool = False  #: `ask` is for attempts in doubt; of what was accepted it has no more to tell
    speaks_back: bool = False  #: sends callbacks
    only_hints: bool = False  #: what it calls back proves nothing by itself: `hear` asks before it reports anything
    hears_mail: bool = False  #: `hear` reads mails out of our own mailbox
    proves: bool = False  #: gives evidence of delivery; without it, silence is only ever 'presumed'
    confirms_pages: bool = False
    retries_itself: bool = False  #: the provider dials again on its own
    takes_bytes: bool = True
    prints_header: bool = False  #: prints the line with sender, number, date and page at the top of each fax page

    def asks_about(self, state: State) -> bool:
        """Can it be asked about a delivery in this state?"""
        return self.asks and (state is State.IN_DOUBT or not self.only_doubts)


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway over HTTP tells when it is looked at."""

    knock: Outcome  #: as of `probe`
    clock: datetime | None = None  #: its own, in whole seconds (RFC 9110 section 6.6.1); None where it does not say
    balance: str = ""  #: of the account, with its currency; '' where it does not say
    door: str = ""  #: the last part of the callback address that has to be set in the account; '' where none has


@dataclass(frozen=True, slots=True)
class Try:
    """What we ourselves have on record of an attempt, for a far end that does not know our name for it."""

    message_id: str
    opened_at: datetime
    left_at: datetime  #: when its last bytes were about to leave
    relay: str = ""  #: which of our relays had it; '' where its worker was lost before it could say so
    address: str = ""  #: where it went


@dataclass(frozen=True, slots=True)
class Seen:
    """A far end as it was found by signing in, without a letter."""

    release: str  #: what it says that it is
    clock: datetime
    works: bool  #: would a letter be sent now?
    work: str  #: its own words for that
    lines: tuple[str, ...]  #: its modems or lines, each with its state


@dataclass(frozen=True, slots=True)
class Notice:
    """A callback as it came in."""

    headers: Mapping[str, str]  #: names in lower case
    body: bytes
    received: datetime
    remote: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """What every provider looks like from inside."""

    name: str
    kind: Kind
    abilities: Abilities
    routes: tuple[str, ...]  #: its ways out where it has several (relays), in order; () where its name says it all

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        """Try once. Never raises for a delivery failure; UNKNOWN is a verdict.

        Calls `commit` once, just before the point of no return, with the bytes that will have left; if that raises,
        drops the connection so that nothing leaves and lets the exception pass.
        """
        ...

    async def ask(self, attempt_id: str, ref: str, about: Try | None = None) -> Outcome:
        """What became of an earlier attempt, by our name for it. UNKNOWN when the provider cannot tell.

        `about` is what else we know of it; None for an attempt that is not on record.
        """
        ...

    async def probe(self, route: str = "") -> Outcome:
        """Is this route (of `routes`; '' is the whole channel) fit again? A connection without a letter.

        ACCEPTED where it let us in, else UNSENT with the reason. Never raises for what the far end does.
        """
        ...

    async def hear(self, notice: Notice) -> list[Report]:
        """The reports in a callback, verified. Raises NoticeRejected."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
