"""The rows that remember: every import of contacts, and what each contact was before and after each change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import NotFound

from .contacts import Kept, kept_from_data
from .schema import contact_change, contact_import


@dataclass(frozen=True, slots=True)
class Change:
    """A contact before and after; None is: there was none, or there is none any more."""

    contact_id: str
    before: Kept | None
    after: Kept | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A change on record."""

    change: Change
    at: datetime
    by: str
    reason: str
    import_number: int | None


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An import on record."""

    number: int
    at: datetime
    by: str
    files: tuple[str, ...]
    counts: dict[str, int]
    undone_at: datetime | None
    undone_by: str


async def add_import(
    connection: AsyncConnection, files: list[str], counts: dict[str, int], by: str, now: datetime
) -> int:
    """The new import's number."""
    row = {"at": now, "by": by, "files": files, "counts": counts}
    made = await connection.execute(insert(contact_import).values(row).returning(contact_import.c.number))
    return int(made.scalar_one())


async def add_changes(
    connection: AsyncConnection,
    changes: Sequence[Change],
    by: str,
    now: datetime,
    *,
    import_number: int | None = None,
    reason: str = "",
) -> None:
    """Put these changes on record, in their order."""
    same = {"at": now, "by": by, "import_number": import_number, "reason": reason}
    rows = [{"contact_id": one.contact_id, **same, **_states(one)} for one in changes]
    if rows:
        await connection.execute(insert(contact_change), rows)


def _states(change: Change) -> dict[str, Any]:
    return {name: one.as_data() if one else None for name, one in (("before", change.before), ("after", change.after))}


async def get_import(connection: AsyncConnection, number: int) -> ImportRow:
    """Raises NotFound."""
    row = (await connection.execute(select(contact_import).where(contact_import.c.number == number))).first()
    if row is None:
        raise NotFound(f"there is no import number {number}; contacts imports shows those that were made")
    return _import(row)


async def imports(connection: AsyncConnection) -> list[ImportRow]:
    """All imports, the latest first."""
    return [
        _import(row)
        for row in await connection.execute(select(contact_import).order_by(contact_import.c.number.desc()))
    ]


async def changes_of_import(connection: AsyncConnection, number: int) -> list[Change]:
    """What the import changed, in its order."""
    rows = await connection.execute(
        select(contact_change).where(contact_change.c.import_number == number).order_by(contact_change.c.number)
    )
    return [_change(row) for row in rows]


async def close_import(connection: AsyncConnection, number: int, by: str, now: datetime) -> None:
    """Note that the import was undone."""
    this = contact_import.c.number == number
    await connection.execute(update(contact_import).where(this).values(undone_at=now, undone_by=by))


async def history(connection: AsyncConnection, contact_id: str) -> list[Recorded]:
    """Every change of a contact, the oldest first."""
    mine = contact_change.c.contact_id == contact_id
    rows = await connection.execute(select(contact_change).where(mine).order_by(contact_change.c.number))
    return [Recorded(_change(row), row.at, row.by, row.reason, row.import_number) for row in rows]


def _import(row: Row[Any]) -> ImportRow:
    return ImportRow(row.number, row.at, row.by, tuple(row.files), row.counts, row.undone_at, row.undone_by)


def _change(row: Row[Any]) -> Change:
    before, after = (kept_from_data(data) if data else None for data in (row.before, row.after))
    return Change(row.contact_id, before, after)
