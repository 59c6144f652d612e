"""What the use cases work with. Made by the composition root, handed in, never looked up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dispatcher.archive import Archive
from dispatcher.channels.base import Channel
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.clock import Clock
from dispatcher.domain.estimate import Tariff
from dispatcher.domain.incoming import Reading
from dispatcher.domain.limits import UNLIMITED, Limits
from dispatcher.domain.schedule import Policy
from dispatcher.domain.words import Kind
from dispatcher.inbox.reader import Quarantined
from dispatcher.intake.almanac import Almanac
from dispatcher.intake.almanac_files import shipped
from dispatcher.letters import Order, Rendered
from dispatcher.letters.header_line import FaxHeader
from dispatcher.seals import Seals
from dispatcher.settings import Signer
from dispatcher.store.engine import Store


def nobodys(text: str) -> str | None:
    """For an office that signs nothing: no name that comes back is its own."""
    return None


async def unread(raw: bytes) -> Reading | Quarantined:
    """For an office without a mailbox."""
    return Quarantined("this office reads no mail")


@dataclass(frozen=True, slots=True)
class Office:
    """The store, the archive, the channels, the press, the clock, and the administrator's figures."""

    store: Store
    archive: Archive
    clock: Clock
    policy: Policy
    channels: Mapping[str, Channel]  #: by name
    outgoing: Mapping[Kind, str]  #: which channel carries letters of a kind
    render: Callable[[Order], Awaitable[Rendered]]
    domain: str  #: right side of Message-IDs
    return_path: Callable[[str], str]  #: attempt id → envelope sender; '' for the sender's own address
    folder: Path  #: for what is kept beside the database: outcomes it did not take, heads of the audit log
    fax_gateways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: in order, by the number's beginning
    signed: Callable[[str], str | None] = nobodys  #: a local part or ENVID → the attempt that we signed into it
    read: Callable[[bytes], Awaitable[Reading | Quarantined]] = unread  #: what a message that came in is
    mail_bytes: int = 10_000_000  #: of the largest mail that is sent
    fax_header: FaxHeader | None = None  #: the line at the top of fax pages; None: switched off
    tariffs: tuple[Tariff, ...] = ()  #: what fax calls cost
    limits: Limits = UNLIMITED  #: how fast, how many, for how much
    guard: Checkpoint | None = None  #: what is noted outside the database; None: only the database itself is asked
    seals: Seals | None = None  #: of the audit log; None: it is not sealed
    signer: Signer | None = None  #: whose electronic signature letters carry; None: none
    almanac: Almanac = field(default_factory=shipped)  #: the closed days of offices

    def ways(self, kind: Kind, address: str = "") -> tuple[str, ...]:
        """The channels that may carry a letter to this address, in order; () where none does."""
        first = (self.outgoing[kind],) if kind in self.outgoing else ()
        if kind is not Kind.FAX:
            return first
        begins = max((one for one in self.fax_gateways if address.startswith(one)), key=len, default=None)
        return first if begins is None else self.fax_gateways[begins]
