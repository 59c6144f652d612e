"""The one row that says whether anything is sent at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .schema import sending

#: Part of a statement that may let something leave: nothing does while this does not hold.
ON = ~exists().where(sending.c.stopped_at.is_not(None))


_STOPPED = select(sending).where(sending.c.stopped_at.is_not(None))


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing is sent: since when, by whose word, why."""

    since: datetime
    by: str
    reason: str


async def stopped(connection: AsyncConnection) -> Stopped | None:
    """None while letters may leave."""
    row = (await connection.execute(_STOPPED)).first()
    return Stopped(row.stopped_at, row.by, row.reason) if row else None


async def put(connection: AsyncConnection, stop: Stopped | None) -> None:
    """Stop everything, or (None) let it go on."""
    await connection.execute(delete(sending))
    if stop is not None:
        row = {"id": 1, "stopped_at": stop.since, "by": stop.by, "reason": stop.reason}
        await connection.execute(insert(sending).values(row))
