"""The rows of calendars: the closed days of recipients, each kept once under its digest."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.calendars import PLAIN, Calendar, calendar_from
from dispatcher.domain.errors import NotFound

from .schema import calendar


async def put(connection: AsyncConnection, one: Calendar) -> str:
    """Keep the calendar; its digest. Keeping it again does nothing."""
    digest = one.digest
    same = select(calendar.c.digest).where(calendar.c.digest == digest)
    if (await connection.execute(same)).first() is None:
        await connection.execute(insert(calendar).values(digest=digest, data=one.record()))
    return digest


async def get(connection: AsyncConnection, digest: str) -> Calendar:
    """The calendar of that digest; PLAIN for '', which rows from before there were calendars have. Raises NotFound."""
    if not digest:
        return PLAIN
    data = (await connection.execute(select(calendar.c.data).where(calendar.c.digest == digest))).scalar()
    if data is None:
        raise NotFound(f"there is no calendar {digest[:12]}…")
    return calendar_from(data)
