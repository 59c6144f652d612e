"""The rows of routes (a channel's way out) that are unfit for every letter, until when, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.outcome import Outcome

from .schema import route

_FIRST = timedelta(minutes=2)
_LONGEST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Route:
    """A route that failed as such: closed until `paused_until`, then tried with one letter."""

    name: str
    paused_at: datetime
    paused_until: datetime
    cause: str
    detail: str


async def every(connection: AsyncConnection) -> dict[str, Route]:
    return {row.name: Route(**row._mapping) for row in await connection.execute(select(route))}


async def pause(connection: AsyncConnection, name: str, outcome: Outcome, now: datetime) -> datetime | None:
    """Close the route; each failed trial letter makes the wait longer, up to a quarter of an hour.

    Returns until when; None where it is closed already.
    """
    known = (await every(connection)).get(name)
    if known and known.paused_until > now:
        return None
    since = known.paused_at if known else now
    until = now + max(_FIRST, min(2 * (now - since), _LONGEST))
    await connection.execute(delete(route).where(route.c.name == name))
    row = {"name": name, "paused_at": since, "paused_until": until, "cause": outcome.cause, "detail": outcome.detail}
    await connection.execute(insert(route).values(row))
    return until


async def resume(connection: AsyncConnection, name: str) -> bool:
    """Open the route again; False when it was not closed."""
    return (await connection.execute(delete(route).where(route.c.name == name))).rowcount == 1
