"""Importing contacts: compared before it is applied, applied in one transaction, and undone exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, ImportError_, Problem
from dispatcher.domain.model import Actor
from dispatcher.intake.contacts import Reading, ReadOptions, read_lists
from dispatcher.intake.findings import listing
from dispatcher.store import audit, contact_history, contacts
from dispatcher.store.contact_history import Change, ImportRow
from dispatcher.store.contacts import Kept

from .contact_change import change_all
from .contact_checks import unconfirmed
from .contact_clashes import Beside, clashes
from .follow import Followed, touched
from .office import Office

#: So often the files are compared anew when others change the list meanwhile.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a file says against what the office has: everything that an import would do."""

    reading: Reading
    changes: tuple[Change, ...]  #: of those that are new, changed or retired
    same: int
    missing: tuple[str, ...]  #: ids that the office has and the files do not name
    clashes: tuple[Problem, ...]  #: good rows that cannot be taken beside what the office has
    waiting: int = 0  #: letters that would be moved, held or named; counted for a dry run alone

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.reading.problems, *self.clashes)

    @property
    def new(self) -> tuple[Change, ...]:
        return tuple(one for one in self.changes if _is_new(one))

    @property
    def changed(self) -> tuple[Change, ...]:
        return tuple(one for one in self.changes if not _is_new(one) and not _is_retired(one))

    @property
    def retired(self) -> tuple[Change, ...]:
        return tuple(one for one in self.changes if _is_retired(one))

    def counts(self) -> dict[str, int]:
        lists = {"added": self.new, "changed": self.changed, "retired": self.retired}
        return {name: len(found) for name, found in lists.items()} | {"same": self.same, "missing": len(self.missing)}


@dataclass(frozen=True, slots=True)
class Wishes:
    """How an import is to be made."""

    options: ReadOptions = field(default_factory=ReadOptions)
    partial: bool = False  #: take the good rows although others are bad
    retire_missing: bool = False  #: the files are the whole list: who is not in them is not written to any more
    confirmed: Collection[str] = ()  #: codes of warnings that somebody has looked at


@dataclass(frozen=True, slots=True)
class Imported:
    """An import that was made."""

    number: int  #: 0: nothing was to be changed, and nothing is on record
    comparison: Comparison
    followed: tuple[Followed, ...]  #: what became of letters that waited


def _is_new(change: Change) -> bool:
    return change.before is None or (not change.before.active and bool(change.after and change.after.active))


def _is_retired(change: Change) -> bool:
    return bool(change.before and change.before.active) and not (change.after and change.after.active)


# -- comparing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _List:
    """What the office had at one moment."""

    version: tuple[Any, ...]
    kept: Mapping[str, Kept]


async def _list(connection: AsyncConnection) -> _List:
    return _List(await contacts.version(connection), await contacts.every(connection))


async def compare(office: Office, paths: Sequence[Path], wishes: Wishes | None = None) -> Comparison:
    """What an import of these files would do; nothing is changed. `refusals` tells whether it would be made."""
    wishes = wishes or Wishes()
    comparison = await _compare(await office.store.read(_list), paths, wishes)
    waiting = await office.store.read(lambda connection: _waiting(connection, comparison.changes))
    return replace(comparison, waiting=waiting)


async def _compare(seen: _List, paths: Sequence[Path], wishes: Wishes) -> Comparison:
    """In a thread of its own: a long list takes seconds to read, and everything else goes on meanwhile."""
    return await asyncio.to_thread(_comparison, seen.kept, paths, wishes)


def _comparison(office_has: Mapping[str, Kept], paths: Sequence[Path], wishes: Wishes) -> Comparison:
    reading = read_lists(paths, wishes.options.knowing({name: one.person for name, one in office_has.items()}))
    named = {row.contact.id: Kept(row.contact, True, row.place) for row in reading.rows if row.contact}
    mentioned = _mentioned(reading)
    missing = [name for name, one in office_has.items() if one.active and name not in mentioned]
    retired = missing if wishes.retire_missing else []
    clashing = clashes(Beside(named, office_has, frozenset(retired)))
    changes = [Change(name, office_has.get(name), one) for name, one in named.items() if name not in clashing]
    told = [one for one in changes if not _same(one)]
    same = len(changes) - len(told)
    told += [Change(name, office_has[name], replace(office_has[name], active=False)) for name in retired]
    return Comparison(reading, tuple(told), same, tuple(missing), tuple(clashing.values()))


def _mentioned(reading: Reading) -> set[str]:
    """Ids that the files name, in bad rows too: a row that could not be read does not make its contact missing."""
    return {row.contact_id for row in reading.rows if row.contact_id}


def _same(change: Change) -> bool:
    """Does nothing but the place it was read from differ?"""
    before, after = change.before, change.after
    return before is not None and after is not None and before.active == after.active and before.person == after.person


async def _waiting(connection: AsyncConnection, changes: Sequence[Change]) -> int:
    written_to = await contacts.written_to(connection, [one.contact_id for one in changes])
    concerned = [one for one in changes if one.contact_id in written_to]
    return sum([len(await touched(connection, one.before, one.after)) for one in concerned if one.before])


# -- applying ----------------------------------------------------------------------------------------------------------


class _Moved(Exception):
    """The office's list was changed after the files were compared with it."""


async def import_contacts(
    office: Office, paths: Sequence[Path], actor: Actor, wishes: Wishes | None = None
) -> Imported:
    """Take what the files say into the office's list, in one transaction. Letters that wait follow their contacts.

    The files are read and compared before the transaction, as nobody else can write during it; where the list was
    changed meanwhile, they are compared anew. Raises ImportError_ with every problem, and Conflict where others go on
    changing the list; then nothing was imported. With `partial`, bad rows are left out instead.
    """
    wishes = wishes or Wishes()
    for _ in range(_TRIES):
        seen = await office.store.read(_list)
        comparison = await _compare(seen, paths, wishes)
        if refused := refusals(comparison, wishes):
            raise ImportError_(refused)
        with suppress(_Moved):
            return await office.store.write(partial(_apply, office, paths, comparison, seen.version, actor))
    raise Conflict("the list of contacts is being changed by others at this moment; import again in a minute")


def refusals(comparison: Comparison, wishes: Wishes) -> list[Problem]:
    """Every problem for which an import is not made; none where it is."""
    reading = comparison.reading
    stopping = [*(reading.faults if wishes.partial else comparison.problems)]
    stopping += unconfirmed(reading.warnings, wishes.confirmed)
    if wishes.partial and wishes.retire_missing:
        stopping += _nameless(reading)
    nothing_good = wishes.partial and not comparison.changes and not comparison.same
    return list(dict.fromkeys([*stopping, *comparison.problems] if nothing_good else stopping))


def _nameless(reading: Reading) -> list[Problem]:
    """A bad row that does not say whose it is may be anybody's: then nobody can be called missing."""
    way_out = "Mend these rows first, or leave --retire-missing out"
    cause = "nobody can tell whose row this is, so nobody can be called missing"
    places = [row.place for row in reading.rows if row.problems and not row.contact_id]
    return [Problem(place, cause, way_out, "E_WHOSE") for place in places]


async def _apply(
    office: Office,
    paths: Sequence[Path],
    comparison: Comparison,
    version: tuple[Any, ...],
    actor: Actor,
    connection: AsyncConnection,
) -> Imported:
    if await contacts.version(connection) != version:
        raise _Moved
    if not comparison.changes:
        return Imported(0, comparison, ())
    now = office.clock.now()
    counts, names = comparison.counts(), [path.name for path in paths]
    number = await contact_history.add_import(connection, names, counts, str(actor), now)
    event = AuditEvent(str(actor), "contacts.import", f"import:{number}", data={**counts, "files": names})
    await audit.append(connection, event, now)
    followed = await change_all(connection, office, comparison.changes, actor, import_number=number)
    return Imported(number, comparison, tuple(followed))


# -- undoing -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Undone:
    """An import that was taken back."""

    number: int
    restored: tuple[str, ...]  #: ids that are as they were before
    followed: tuple[Followed, ...]


async def undo_import(office: Office, number: int, reason: str, actor: Actor) -> Undone:
    """Make every contact that the import changed exactly what it was before.

    Raises NotFound, or Conflict when it was undone already or a contact was changed again since; then nothing changes.
    """

    async def unit(connection: AsyncConnection) -> Undone:
        known = await contact_history.get_import(connection, number)
        if known.undone_at is not None:
            raise Conflict(f"import {number} was undone on {known.undone_at:%d %B %Y} by {known.undone_by}")
        changes = await contact_history.changes_of_import(connection, number)
        await _require_untouched(connection, number, changes)
        back = [Change(one.contact_id, one.after, one.before) for one in changes]
        why = f"import {number} undone: {reason}"
        now = office.clock.now()
        data = {"contacts": len(back)}
        event = AuditEvent(str(actor), "contacts.undo", f"import:{number}", reason=reason, data=data)
        await audit.append(connection, event, now)
        followed = await change_all(connection, office, back, actor, reason=why)
        await contact_history.close_import(connection, number, str(actor), now)
        return Undone(number, tuple(one.contact_id for one in back), tuple(followed))

    return await office.store.write(unit)


async def _require_untouched(connection: AsyncConnection, number: int, changes: Sequence[Change]) -> None:
    now = await contacts.kept_among(connection, [one.contact_id for one in changes])
    built_upon = [one.contact_id for one in changes if now.get(one.contact_id) != one.after]
    if built_upon:
        names = listing(built_upon)
        raise Conflict(
            f"import {number} cannot be undone: {names} changed again since (contacts show ID tells how); "
            "undo what came later first, or repair them one by one"
        )


async def list_imports(office: Office) -> list[ImportRow]:
    """Every import, the latest first."""
    return await office.store.read(contact_history.imports)
