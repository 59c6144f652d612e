"""The rollback guard: nothing leaves from a database that is not the one that was left.

What was noted outside (checkpoint.py) is compared at each start that may send, and again in the transaction of each
claim and of each commit point. What does not fit puts the database into quarantine: a row in it and a marker outside,
so that neither a restored database nor a deleted file lifts it. usecases/adopt.py alone does.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.checkpoint import Checkpoint, Marker, Unreadable
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.model import Actor
from dispatcher.domain.rollback import Finding, Note, Quarantined, Said, Sign, Whereabouts, judge, refusal
from dispatcher.store import audit, installation
from dispatcher.store.installation import Installation

from .office import Office

#: Puts into quarantine; lifting it is a person's act.
GUARD = Actor("guard")


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look saw, and what is wrong with it."""

    findings: tuple[Finding, ...]  #: of this look, and of the look that put it into quarantine
    now: tuple[Finding, ...]  #: of this look alone
    row: Installation | None
    note: Note | None
    marker: Marker | None
    machine: str
    where: Whereabouts
    last: int  #: the number of the last audit entry
    adopted_elsewhere: bool = False  #: our marker's quarantine was lifted in the database: ours is to be lifted too

    @property
    def clear(self) -> bool:
        return not self.findings and not (self.row and self.row.quarantine)


async def look(office: Office) -> Standing:
    """Compare; changes nothing. Without a folder to note in, only the quarantine in the database counts."""
    if office.guard is None:
        row = await office.store.read(installation.find)
        return Standing(_kept(row, None), (), row, None, None, "", Whereabouts(), 0)
    seen = await _compare(office, office.guard)
    if seen.row is not None and seen.note is None and not seen.clear:
        return await _compare(office, office.guard)  # another worker's first start came between the two: look again
    return seen


async def _compare(office: Office, guard: Checkpoint) -> Standing:
    """The note first, then the log, which only grows: a note that is read later may be ahead of the log."""
    note, marker, unreadable = await asyncio.to_thread(_read, guard)
    where = await _where(office, guard)

    async def query(connection: AsyncConnection) -> tuple[Installation | None, tuple[int, str]]:
        return await installation.find(connection), await installation.log_at(connection, note.seq if note else 0)

    row, (last, hash_there) = await office.store.read(query)
    machine = await asyncio.to_thread(guard.machine)
    lifted = marker is not None and row is not None and row.adopted == marker.id
    said = _said(row, where, last, hash_there)
    shared = office.store.url.get_backend_name() != "sqlite"
    now = judge(None, said, machine, shared=True) if lifted else judge(note, said, machine, shared=shared)
    now = (*unreadable, *(one for one in now if not (unreadable and one.sign is Sign.GONE)))
    before = _kept(row, None if lifted else marker)
    return Standing(_each_once(before, now), now, row, note, marker, machine, where, last, lifted)


def _read(guard: Checkpoint) -> tuple[Note | None, Marker | None, tuple[Finding, ...]]:
    try:
        return guard.read(), guard.marker(), ()
    except Unreadable as fault:
        return None, None, (Finding(Sign.UNREADABLE, f"checkpoint cannot be read: {fault}"),)


async def _where(office: Office, guard: Checkpoint) -> Whereabouts:
    where = await installation.whereabouts(office.store)
    return replace(where, local=where.local and not guard.shared)


def _said(row: Installation | None, where: Whereabouts, last: int, hash_there: str) -> Said | None:
    if row is None:
        return None
    return Said(row.instance, row.epoch, row.machine, row.home, where, last, hash_there)


def _kept(row: Installation | None, marker: Marker | None) -> tuple[Finding, ...]:
    """Why it was put into quarantine, as both sides wrote it down."""
    why = [*(row.why if row and row.quarantine else ()), *(marker.why if marker else ())]
    return tuple(Finding(Sign(sign), words) for sign, words in why)


def _each_once(before: tuple[Finding, ...], now: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Of each sign the words in which it was first found: the log goes on growing in quarantine."""
    return tuple({one.sign: one for one in (*reversed(now), *reversed(before))}.values())


# -- at a start --------------------------------------------------------------------------------------------------------


async def enter(office: Office) -> None:
    """Letters may leave from here: or Quarantined is raised, and the quarantine stands in both places.

    At a first start it makes the installation's row and note.
    """
    seen = await look(office)
    if not seen.clear:
        await shut(office, seen)
        raise Quarantined(refusal(seen.findings))
    if office.guard is not None:
        await _settle_in(office, office.guard, seen)


async def shut(office: Office, seen: Standing) -> str:
    """Put it into quarantine in both places, if it is not yet; the quarantine's id."""
    wanted = seen.marker.id if seen.marker and not seen.adopted_elsewhere else secrets.token_hex(8)
    why = [[one.sign.value, one.words] for one in seen.findings]
    try:
        row = await office.store.write(lambda connection: _shut(connection, office, wanted, why))
        wanted = row.quarantine if row else wanted
    finally:
        if office.guard is not None:
            await asyncio.to_thread(office.guard.mark, Marker(wanted, why))
    return wanted


async def _shut(
    connection: AsyncConnection, office: Office, quarantine_id: str, why: list[list[str]]
) -> Installation | None:
    before = await installation.find(connection)
    row = await installation.quarantine(connection, quarantine_id, why)
    if row is not None and before is not None and not before.quarantine:
        data = {"quarantine": quarantine_id, "signs": [sign for sign, _ in why]}
        event = AuditEvent(str(GUARD), "guard.quarantine", "installation", data=data)
        await audit.append(connection, event, office.clock.now())
    return row


async def _settle_in(office: Office, guard: Checkpoint, seen: Standing) -> None:
    """Nothing is wrong: take the note as it is, or put down a new one where this machine has none that counts."""
    row, note = seen.row, seen.note
    if row is None:
        row, note = await _first_start(office, guard, seen), None
    same = note is not None and (note.instance, note.epoch, note.machine) == (row.instance, row.epoch, seen.machine)
    if note is not None and same and not seen.adopted_elsewhere:
        guard.known = note
        return
    await put_down(office, guard, row, seen)
    if seen.marker is not None:
        await asyncio.to_thread(guard.unmark)


async def _first_start(office: Office, guard: Checkpoint, seen: Standing) -> Installation:
    """The note comes first: a crash in between leaves a note of epoch 0, which the next start brings to its end."""
    begun = Note(secrets.token_hex(16), 0, 0, "", seen.machine, seen.where)
    note = await asyncio.to_thread(guard.begin, begun)
    machine = seen.machine if seen.where.local else ""
    return await office.store.write(lambda one: installation.begin(one, note.instance, machine, seen.where.for_all()))


async def put_down(office: Office, guard: Checkpoint, row: Installation, seen: Standing) -> None:
    """Note the end of the log as it is now, in the place of whatever was noted."""

    async def query(connection: AsyncConnection) -> tuple[int, str]:
        last, _ = await installation.log_at(connection, 0)
        return await installation.log_at(connection, last)

    seq, digest = await office.store.read(query)
    note = Note(row.instance, row.epoch, seq, digest, seen.machine, seen.where)
    await asyncio.to_thread(guard.put, note)


async def banner(office: Office) -> str:
    """The line that every command shows while nothing may leave; '' while all is well."""
    seen = await look(office)
    return "" if seen.clear else f"in quarantine, nothing is sent: {refusal(seen.findings)}"


# -- while it runs -----------------------------------------------------------------------------------------------------


async def stand(office: Office) -> None:
    """The short look before a worker does anything. Raises Quarantined."""
    if office.guard is not None and office.guard.known is None:
        await enter(office)
    try:
        await office.store.read(lambda connection: require(connection, office))
    except Quarantined:
        await enter(office)  # somebody adopted it meanwhile, or it goes into quarantine now


async def require(connection: AsyncConnection, office: Office) -> None:
    """In the transaction of a claim or a commit point: is this still the log that we noted? Raises Quarantined."""
    known = office.guard.known if office.guard else None
    line = known.where.timeline if known else ""
    found = await installation.glance(connection, known.seq if known else 0, with_timeline=bool(line))
    if found is not None and found.quarantine:
        raise Quarantined("E_ADOPT the database is in quarantine; run: dispatcher adopt")
    if known is None:
        return
    same = found is not None and (found.instance, found.epoch, found.timeline) == (known.instance, known.epoch, line)
    if found is None or not same or (known.seq and found.hash_there != known.hash):
        raise Quarantined("E_ADOPT the database is not as it was left; run: dispatcher adopt")


async def note(office: Office, seq: int, digest: str) -> None:
    """Entry `seq` is on the disk: note it outside before the dot leaves. Raises OSError when that cannot be done."""
    if office.guard is not None:
        await office.guard.reach(seq, digest)


async def note_end(office: Office) -> None:
    """Note how far the log, and the server behind it, have come: what other machines wrote counts too."""
    guard = office.guard
    if guard is None or guard.known is None:
        return
    await stand(office)
    last = await office.store.read(lambda connection: audit.tail(connection, 1))
    where, known = await _where(office, guard), guard.known
    same = (where.server, where.timeline) == (known.where.server, known.where.timeline)
    reached = replace(known.where, written=where.written) if same else known.where
    for entry in last:
        await asyncio.to_thread(guard.raise_to, replace(known, seq=entry.seq, hash=entry.hash, where=reached))
