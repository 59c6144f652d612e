"""Takes messages that came in: archived before anything is parsed, on record once, read in a child, filed once.

A crash at any point leaves the message untaken (whoever brought it has it still), unread, or filed: never twice.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.channels.base import Notice
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import NoticeRejected
from dispatcher.domain.incoming import Reading
from dispatcher.domain.matching import Match
from dispatcher.domain.model import Address
from dispatcher.domain.outcome import Report, escape
from dispatcher.domain.words import Filing, Incoming
from dispatcher.inbox.reader import Quarantined
from dispatcher.store import audit, contacts, incoming
from dispatcher.store.engine import StoreFault
from dispatcher.store.incoming import Item

from .match import find_letter
from .news import INBOX, Done, News, act
from .office import Office

log = logging.getLogger(__name__)

#: Messages that one look reads; the rest at the next.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is ours now, whatever becomes of this process."""

    id: str
    new: bool  #: False: it was taken before


async def receive(office: Office, raw: bytes, way: str, envelope: Sequence[str] = ()) -> Received:
    """Archive the message and put it on record. When this returns, whoever brought it may forget it.

    `envelope`: for whom it came, as the mail system said. Raises StoreFault or OSError when it could not be kept.
    """
    digest = await office.archive.put(raw)
    now = office.clock.now()

    async def unit(connection: AsyncConnection) -> Received:
        new = await incoming.add(connection, digest, way, envelope, len(raw), now)
        if new:
            event = AuditEvent(f"{INBOX}:{way}", "incoming.receive", _about(digest), data={"bytes": len(raw)})
            await audit.append(connection, event, now)
        return Received(digest, new)

    return await office.store.write(unit)


async def take_in(office: Office, raw: bytes, way: str, envelope: Sequence[str] = ()) -> Received:
    """Receive it, and read it at once if that is possible; else a worker does so later."""
    received = await receive(office, raw, way, envelope)
    if received.new:
        try:
            await read(office, received.id)
        except (StoreFault, OSError) as fault:
            log.warning("message %s is read later: %s", received.id[:12], fault)
    return received


async def read_waiting(office: Office) -> int:
    """Read what is on record and was not read, and lift the bars whose time is over; how many of both."""
    waiting = await office.store.read(lambda connection: incoming.unread(connection, BATCH))
    for item in waiting:
        await read(office, item.id)
    return len(waiting) + await lift_what_ended(office)


async def read(office: Office, digest: str) -> Item:
    """Read one message in the child, and file it: what it does, its row and the audit entry in one transaction.

    Raises StoreFault or OSError when that has to be done later. Any other fault is the message's own: a person sees it.
    """
    try:
        return await _read(office, digest)
    except (StoreFault, OSError):
        raise
    except Exception as fault:
        log.exception("message %s is left to a person", digest[:12])
        why = f"a fault while it was filed: {type(fault).__name__}"
        return await _write(office, digest, Quarantined(why), ())


async def _read(office: Office, digest: str) -> Item:
    raw = await office.archive.get(digest)
    found = await office.read(raw)
    return await _write(office, digest, found, await _fax_reports(office, raw))


async def _write(office: Office, digest: str, found: Reading | Quarantined, reports: Sequence[Report]) -> Item:
    async def unit(connection: AsyncConnection) -> Item:
        item = await incoming.get(connection, digest)
        return item if item.filing is not Filing.RECEIVED else await _file(connection, office, item, found, reports)

    return await office.store.write(unit)


async def _fax_reports(office: Office, raw: bytes) -> list[Report]:
    """What the channels of faxes by mail read in it."""
    found: list[Report] = []
    for channel in office.channels.values():
        if channel.abilities.hears_mail:
            try:
                found += await channel.hear(Notice({}, raw, office.clock.now(), "", {"mailbox": "inbox"}))
            except NoticeRejected:
                continue
    return found


async def _file(
    connection: AsyncConnection, office: Office, item: Item, found: Reading | Quarantined, reports: Sequence[Report]
) -> Item:
    if isinstance(found, Quarantined):
        reading, match, done = Reading(Incoming.UNKNOWN), Match(), Done(Filing.HELD, f"not read: {found.why}")
    else:
        reading = found
        match, against = await find_letter(connection, office, reading, item.envelope)
        done = await act(connection, office, News(item, reading, match, against, reports))
    filed = await incoming.file(connection, item, done.filing, **_columns(reading, match, done))
    data = {"kind": filed.kind, "tie": filed.tie.value, "delivery": filed.delivery_id or ""}
    event = AuditEvent(str(INBOX), "incoming.file", _about(item.id), before=item.filing, after=filed.filing, data=data)
    await audit.append(connection, event, office.clock.now())
    return filed


def _columns(reading: Reading, match: Match, done: Done) -> dict[str, Any]:
    said = "; ".join(f"{one.address} {one.status} {one.detail}".strip() for one in reading.recipients[:3])
    seen = match.delivery
    return {
        "kind": reading.kind,
        "sender": escape(reading.sender, 254),
        "subject": escape(reading.subject, 200),
        "said": escape(said),
        "why": escape(done.why),
        "delivery_id": seen.id if seen else None,
        "attempt_id": match.attempt_id,
        "tie": match.tie,
        "score": match.score,
        "reasons": list(match.reasons),
        "campaign_id": seen.campaign_id if seen else "",
        "addressee_id": seen.addressee_id if seen else "",
        "away_until": done.away_until,
    }


def _about(digest: str) -> str:
    return f"incoming:{digest[:20]}"


# -- addresses that are barred for a time ------------------------------------------------------------------------------


async def lift_what_ended(office: Office) -> int:
    """Take the addresses off the suppression list whose time on it is over; how many."""
    now = office.clock.now()
    if not await office.store.read(lambda connection: contacts.suppressed_until(connection, now)):
        return 0

    async def unit(connection: AsyncConnection) -> int:
        ended = await contacts.suppressed_until(connection, now)
        for one in ended:
            await _lift(connection, one)
        return len(ended)

    async def _lift(connection: AsyncConnection, one: Address) -> None:
        await contacts.lift(connection, one)
        event = AuditEvent("clock", "address.allow", f"address:{one.kind}", reason="its time on the list is over")
        await audit.append(connection, event, now)

    return await office.store.write(unit)
