"""The rows of routes of which something is to be remembered: faults, a closure, a person's pause."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.routes import Route
from dispatcher.domain.words import Cause, RouteState

from .schema import route

_EVERY = select(route).order_by(route.c.name)


async def every(connection: AsyncConnection) -> dict[str, Route]:
    """By name; a route without a row is open."""
    rows = await connection.execute(_EVERY)
    words = ({**row, "state": RouteState(row["state"]), "cause": Cause(row["cause"])} for row in rows.mappings())
    return {row["name"]: Route(**row) for row in words}


async def put(connection: AsyncConnection, one: Route) -> None:
    await forget(connection, one.name)
    await connection.execute(insert(route).values(asdict(one)))


async def forget(connection: AsyncConnection, name: str) -> None:
    """Nothing is remembered of it: it is open."""
    await connection.execute(delete(route).where(route.c.name == name))
