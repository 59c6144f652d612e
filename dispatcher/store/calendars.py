"""The rows of calendars: the closed days of recipients, each kept once under its digest."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.calendars import PLAIN, Calendar, calendar_from
from dispatcher.domain.errors import NotFound

from .parts import in_parts
from .schema import calendar


async def put_all(connection: AsyncConnection, some: Iterable[Calendar]) -> None:
    """Keep calendars, in a few statements; keeping one again does nothing."""
    for part in in_parts([(one.digest, one.record()) for one in some]):
        known = select(calendar.c.digest).where(calendar.c.digest.in_([digest for digest, _ in part]))
        there = set((await connection.execute(known)).scalars())
        rows = [{"digest": digest, "data": data} for digest, data in part if digest not in there]
        if rows:
            await connection.execute(insert(calendar), rows)


async def get(connection: AsyncConnection, digest: str) -> Calendar:
    """The calendar of that digest; PLAIN for '', which rows from before there were calendars have. Raises NotFound."""
    if not digest:
        return PLAIN
    data = (await connection.execute(select(calendar.c.data).where(calendar.c.digest == digest))).scalar()
    if data is None:
        raise NotFound(f"there is no calendar {digest[:12]}…")
    return calendar_from(data)
