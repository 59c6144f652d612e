"""Importing contacts: compared before it is applied, applied in one transaction, and undone exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, ImportError_, Problem
from dispatcher.domain.model import Actor, Address
from dispatcher.intake.contacts import Reading, ReadOptions, read_lists
from dispatcher.store import audit, contact_history, contacts
from dispatcher.store.contact_history import Change, ImportRow
from dispatcher.store.contacts import Kept

from .contact_change import change_all
from .follow import Followed, waiting
from .office import Office

#: A warning of these codes is an error until somebody has looked and said so.
TO_CONFIRM = frozenset({"W_CONFUSABLE"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a file says against what the office has: everything that an import would do."""

    reading: Reading
    changes: tuple[Change, ...]  #: of those that are new, changed or retired
    same: int
    missing: tuple[str, ...]  #: ids that the office has and the files do not name
    clashes: tuple[Problem, ...]  #: good rows that cannot be taken beside what the office has
    waiting: int  #: letters that wait at an address, or for an office-holder, that would change

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


async def compare(office: Office, paths: Sequence[Path], wishes: Wishes | None = None) -> Comparison:
    """What an import of these files would do; nothing is changed."""
    return await office.store.read(lambda connection: _compare(connection, paths, wishes or Wishes()))


async def _compare(connection: AsyncConnection, paths: Sequence[Path], wishes: Wishes) -> Comparison:
    office_has = await contacts.every(connection)
    reading = read_lists(paths, wishes.options.knowing({name: one.person for name, one in office_has.items()}))
    named = {row.contact.id: Kept(row.contact, True, row.place) for row in reading.rows if row.contact}
    clashes = await _clashes(connection, named, office_has, retiring=wishes.retire_missing)
    good = {name: one for name, one in named.items() if name not in clashes}
    missing = [name for name, one in office_has.items() if one.active and name not in _mentioned(reading)]
    changes = [Change(name, office_has.get(name), one) for name, one in good.items()]
    told = [one for one in changes if not _same(one)]
    same = len(changes) - len(told)
    if wishes.retire_missing:
        told += [Change(name, office_has[name], replace(office_has[name], active=False)) for name in missing]
    pairs = [(one.before.person, one.after.person) for one in told if one.before and one.after]
    wait = sum([len(await waiting(connection, before, after)) for before, after in pairs])
    return Comparison(reading, tuple(told), same, tuple(missing), tuple(clashes.values()), wait)


def _mentioned(reading: Reading) -> set[str]:
    """Ids that the files name, in bad rows too: a row that could not be read does not make its contact missing."""
    return {row.contact_id for row in reading.rows if row.contact_id}


def _same(change: Change) -> bool:
    """Does nothing but the place it was read from differ?"""
    before, after = change.before, change.after
    return before is not None and after is not None and before.active == after.active and before.person == after.person


async def _clashes(
    connection: AsyncConnection, named: Mapping[str, Kept], office_has: Mapping[str, Kept], *, retiring: bool
) -> dict[str, Problem]:
    """Rows whose address belongs to a contact that the files leave as it is."""
    found: dict[str, Problem] = {}
    for name, one in named.items():
        for address in one.person.addresses:
            holder = await contacts.owner(connection, address)
            if holder and holder != name and holder not in named and not retiring:
                found[name] = _clash(one, address, office_has[holder])
    return found


def _clash(one: Kept, address: Address, other: Kept) -> Problem:
    cause = f"{address.kind}: {address.value} belongs to the contact '{other.person.id}' already"
    way_out = f"Correct one of the two, or use the id {other.person.id} if they are one office"
    return Problem(one.source, cause, way_out, "E_DUP")


# -- applying ----------------------------------------------------------------------------------------------------------


async def import_contacts(
    office: Office, paths: Sequence[Path], actor: Actor, wishes: Wishes | None = None
) -> Imported:
    """Take what the files say into the office's list, in one transaction. Letters that wait follow their contacts.

    Raises ImportError_ with every problem; then nothing was imported. With `partial`, bad rows are left out instead.
    """

    wishes = wishes or Wishes()

    async def unit(connection: AsyncConnection) -> Imported:
        # Compared again inside the transaction: what a person was shown may have changed since.
        comparison = await _compare(connection, paths, wishes)
        _require_good(comparison, wishes)
        return await _apply(connection, office, paths, comparison, actor)

    return await office.store.write(unit)


def _require_good(comparison: Comparison, wishes: Wishes) -> None:
    faults = comparison.reading.faults if wishes.partial else comparison.problems
    unseen = [one for one in comparison.reading.warnings if one.code in TO_CONFIRM - set(wishes.confirmed)]
    if faults or unseen:
        raise ImportError_([*faults, *(_to_confirm(one) for one in unseen)])
    if wishes.partial and wishes.retire_missing:
        _require_named(comparison.reading)
    if wishes.partial and not comparison.changes and not comparison.same:
        raise ImportError_(comparison.problems)


def _require_named(reading: Reading) -> None:
    """A bad row that does not say whose it is may be anybody's: then nobody can be called missing."""
    nameless = [row.place for row in reading.rows if row.problems and not row.contact_id]
    if nameless:
        way_out = "Mend these rows first, or leave --retire-missing out"
        cause = "nobody can tell whose row this is, so nobody can be called missing"
        raise ImportError_([Problem(place, cause, way_out, "E_WHOSE") for place in nameless])


def _to_confirm(one: Problem) -> Problem:
    return Problem(one.place, one.cause, f"{one.way_out}; when it is right, say --confirm {one.code}", one.code)


async def _apply(
    connection: AsyncConnection, office: Office, paths: Sequence[Path], comparison: Comparison, actor: Actor
) -> Imported:
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


async def _require_untouched(connection: AsyncConnection, number: int, changes: Iterable[Change]) -> None:
    touched = [one.contact_id for one in changes if await contacts.kept(connection, one.contact_id) != one.after]
    if touched:
        names = ", ".join(touched[:8]) + (f" and {len(touched) - 8} more" if len(touched) > 8 else "")
        raise Conflict(
            f"import {number} cannot be undone: {names} changed again since (contacts show ID tells how); "
            "undo what came later first, or repair them one by one"
        )


async def list_imports(office: Office) -> list[ImportRow]:
    """Every import, the latest first."""
    return await office.store.read(contact_history.imports)


def summed(followed: Iterable[Followed]) -> dict[str, int]:
    """How many waiting letters met which fate."""
    return dict(Counter(one.fate for one in followed))
