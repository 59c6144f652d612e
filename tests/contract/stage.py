"""What an adapter's test file gives the suite, and the letter and the commit point that the suite plays."""

from __future__ import annotations

import asyncio
import hashlib
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from dispatcher.channels.base import Channel, Notice, Parcel, Permit
from dispatcher.domain.errors import LostClaim
from dispatcher.domain.words import Kind, Verdict

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAGES = 3


#: Seconds after which a far end that is TOO_MANY asks us to come back.
WAIT = 90


class Lacks(Exception):
    """What this far end cannot do, as a matter of its protocol. The case is skipped with these words."""


class Case(StrEnum):
    """What a far end does with a letter. Those above the line every adapter stages."""

    TAKES = "takes it"
    REFUSES = "refuses it for good"
    PASSES = "refuses it for now"
    SILENT = "takes it and never answers"
    DROPS_AFTER = "takes it and breaks the connection"
    AWAY = "is gone, or breaks off before the point of no return"
    ODD = "answers after the point of no return with what nobody has heard of"
    # -- only where the channel is told, or can ask, what became of it later
    SHORT = "says later that it was delivered, with a page too few"
    ODD_LATER = "says later what nobody has heard of"
    BUSY_LATER = "says later that it failed for now"
    TWICE = "says the same thing twice"
    # -- a far end that cannot behave so says why: see Lacks
    TOO_MANY = "has no room for now, and says when it will"
    NO_KEY = "does not let us in"
    BACKWARDS = "says how it ended before it says that it began"
    NEVER_CALLS = "delivers it, and never calls back"
    EARLY = "calls back before it answers the request"
    GONE = "is not there at all"


AT_ONCE = (Case.TAKES, Case.REFUSES, Case.PASSES, Case.SILENT, Case.DROPS_AFTER, Case.AWAY, Case.ODD)
NOT_SENT = (Verdict.DEFERRED, Verdict.UNSENT)


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter in the far end's own ledger."""

    name: str  #: what the far end knows of our name for it: see Stage.name_of
    sha256: str  #: of the bytes that came


class Stage(Protocol):
    """What an adapter's test file gives."""

    channel: Channel  #: waits for less than a second
    now: datetime  #: the channel's and the far end's clock; set to let time pass

    async def address_for(self, case: Case) -> str:
        """An address at which the far end behaves so from now on. May stop or start far ends. May raise Lacks."""
        ...

    def another(self) -> Channel:
        """The same channel anew, as after a crash: it remembers nothing."""
        ...

    def name_of(self, parcel: Parcel) -> str:
        """Our name for a letter as the far end's ledger has it."""
        ...

    def taken(self) -> list[Taken]:
        """The far end's ledger."""
        ...

    def break_off(self) -> None:
        """The far end breaks every connection that is open now."""
        ...

    async def notices(self) -> list[Notice]:
        """Every callback that comes, time being let pass until none is due. Only where the channel `speaks_back`."""
        ...

    async def let_end(self) -> None:
        """Time passes until nothing is under way at the far end; nobody need have called back. May raise Lacks."""
        ...

    def forge(self, body: bytes) -> Notice:
        """A callback with any body, signed as the far end signs. Only where the channel `speaks_back`."""
        ...

    def lie(self, genuine: Notice) -> Notice:
        """The callback with the contrary in it: delivered where it failed. Only where the channel has `only_hints`."""
        ...


@dataclass
class Leave:
    """The commit point as the suite plays it: keeps what it was asked, and what the far end had taken by then."""

    stage: Stage
    until: float = math.inf
    lost: bool = False
    breaks: bool = False  #: the far end breaks off while it is asked
    gate: asyncio.Event | None = None  #: waits for this before it answers
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    asked_for: list[str] = field(default_factory=list)  #: digests
    taken_before: list[Taken] = field(default_factory=list)

    async def __call__(self, sent: bytes) -> Permit:
        self.asked_for.append(hashlib.sha256(sent).hexdigest())
        self.taken_before = self.stage.taken()
        self.reached.set()
        if self.gate:
            await self.gate.wait()
        if self.breaks:
            self.stage.break_off()
            for _ in range(5):  # turns of the loop, in which the news can come in
                await asyncio.sleep(0)
        if self.lost:
            raise LostClaim("the lease is no longer ours")
        return Permit(self.until)


def parcel(kind: Kind, address: str, document: bytes, attempt_id: str = "attempt-1", pages: int = PAGES) -> Parcel:
    """A letter as the dispatcher packs it."""
    fax = kind is Kind.FAX
    return Parcel(
        attempt_id=attempt_id,
        delivery_id=attempt_id.replace("attempt", "delivery"),
        kind=kind,
        address=address,
        recipient_name="Permanent Mission",
        sender_name="The Foundation",
        sender_address="letters@foundation.example",
        return_path="r-1@foundation.example",
        subject="A letter",
        message_id=f"<{attempt_id}@foundation.example>",
        date=NOON,
        entity=b"" if fax else b'Content-Type: text/plain; charset="us-ascii"\r\n\r\nExcellency,\r\n',
        document=document if fax else b"",
        document_pdf=b"%PDF-1.7\n%%EOF\n" if fax else b"",
        pages=pages if fax else 1,
    )
