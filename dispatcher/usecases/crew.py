"""The workers: they announce themselves, are heard of, are asked to pause or to drain, and the dead are found.

A worker of this machine that is surely gone has its leases ended at once; any other keeps them until they end. What
then becomes of its letters is the sweep's affair, which goes by the stage of each try.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher import __version__
from dispatcher.domain import clock
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, NotFound, Problem, UserError
from dispatcher.domain.model import Actor
from dispatcher.domain.seat import Seat, began, is_gone
from dispatcher.domain.words import Asked
from dispatcher.store import audit, workers
from dispatcher.store.workers import WorkerRow

from .office import Office

CLOCK = Actor("clock")
#: Workers that ended, or were lost, so long ago are forgotten.
REMEMBERED = timedelta(days=7)
__all__ = ["WorkerRow"]


# -- a worker's own life -----------------------------------------------------------------------------------------------


async def enter(office: Office, name: str, seat: Seat, *, given: bool) -> WorkerRow:
    """Announce a worker. Raises Conflict (E_INSTANCE_RUNNING) where another of this `given` name may be alive.

    A name that nobody gave gets an end of its own instead: two containers may have one host's name.
    """

    async def unit(connection: AsyncConnection) -> WorkerRow:
        chosen, asked = name, Asked.RUN
        there = await workers.named(connection, name)
        if there is not None and await _make_room(connection, office, there, seat):
            asked = Asked.PAUSE if there.asked is Asked.PAUSE else Asked.RUN  # a person's word outlives a restart
        elif there is not None and given:
            raise _running(there, office)
        elif there is not None:
            chosen = f"{name}-{secrets.token_hex(2)}"
        return await _announce(connection, office, _new(chosen, seat, asked, there, office.clock.now()))

    return await office.store.write(unit)


def _new(name: str, seat: Seat, asked: Asked, before: WorkerRow | None, now: datetime) -> WorkerRow:
    by, reason = (before.asked_by, before.reason) if before and asked is Asked.PAUSE else ("", "")
    return WorkerRow(secrets.token_hex(8), name, seat, __version__, now, now, None, "", 0, 0, asked, by, reason)


async def _announce(connection: AsyncConnection, office: Office, one: WorkerRow) -> WorkerRow:
    await workers.clear(connection, one.started_at - REMEMBERED)
    await workers.add(connection, one)
    data = {"version": one.version}
    event = AuditEvent(f"worker:{one.name}", "worker.start", f"worker:{one.name}", data=data)
    await audit.append(connection, event, one.started_at)
    return one


async def _make_room(connection: AsyncConnection, office: Office, there: WorkerRow, seat: Seat) -> bool:
    """End the row of one that has the name but is gone, or is not heard of any more; False where it may be alive."""
    now = office.clock.now()
    if there.seat == seat:  # this very process begins anew
        return await workers.end(connection, there.id, "stopped", now)
    if _is_dead(there, seat, now):
        await _bury(connection, there, now)
        return True
    if there.heartbeat_at + office.policy.lease <= now:  # its leases have ended, or end by themselves
        return await workers.end(connection, there.id, "lost", now)
    return False


def _running(there: WorkerRow, office: Office) -> Conflict:
    until = there.heartbeat_at + office.policy.lease
    return Conflict(
        f"E_INSTANCE_RUNNING a worker named '{there.name}' runs already: process {there.seat.pid} on "
        f"{there.seat.host}, heard of at {there.heartbeat_at:%H:%M:%S} UTC; end that one, give this one another "
        f"worker.name, or wait: it counts as lost if it is not heard of until {until:%H:%M:%S} UTC"
    )


async def beat(office: Office, one: WorkerRow, held: int, skew: timedelta = timedelta()) -> bool:
    """It lives. False when its row was ended meanwhile: others took it for dead.

    `skew`: how far its clock is behind the server's, by which its word is dated, so that others judge it rightly.
    """
    now, micros = office.clock.now() + skew, skew // timedelta(microseconds=1)
    return await office.store.write(lambda connection: workers.beat(connection, one.id, now, held, micros))


async def asked(office: Office, one: WorkerRow) -> Asked:
    """What is asked of it now."""
    return await office.store.read(lambda connection: workers.asked(connection, one.name))


async def behind(office: Office) -> timedelta:
    """How far this machine's clock is behind the server's; negative: ahead."""

    async def query(connection: AsyncConnection) -> timedelta:
        before = office.clock.now()
        there = await workers.server_time(connection)
        return timedelta() if there is None else clock.behind(before, there, office.clock.now())

    return await office.store.read(query)


def is_off(skew: timedelta, limit: timedelta | None) -> bool:
    """May a worker with such a clock not take letters, nor judge what is due and whose lease has ended?"""
    return limit is not None and abs(skew) > limit


async def leave(office: Office, one: WorkerRow, how: str) -> None:
    """A clean end: `how` is 'stopped' or 'drained'."""

    async def unit(connection: AsyncConnection) -> None:
        now = office.clock.now()
        if await workers.end(connection, one.id, how, now):
            event = AuditEvent(f"worker:{one.name}", "worker.end", f"worker:{one.name}", after=how)
            await audit.append(connection, event, now)

    await office.store.write(unit)


# -- the dead ----------------------------------------------------------------------------------------------------------


async def reap(office: Office, seat: Seat) -> list[str]:
    """End the leases of workers of this machine that are surely gone; their names."""
    dead = await office.store.read(lambda connection: _dead(connection, office, seat))
    if not dead:
        return []

    async def unit(connection: AsyncConnection) -> list[str]:
        still = await _dead(connection, office, seat)
        for one in still:
            await _bury(connection, one, office.clock.now())
        return [one.name for one in still]

    return await office.store.write(unit)


async def _dead(connection: AsyncConnection, office: Office, seat: Seat) -> list[WorkerRow]:
    now = office.clock.now()
    return [one for one in await workers.every(connection) if _is_dead(one, seat, now)]


def _is_dead(one: WorkerRow, seat: Seat, now: datetime) -> bool:
    return one.seat != seat and is_gone(one.seat, seat, one.heartbeat_at, now - began())


async def _bury(connection: AsyncConnection, one: WorkerRow, now: datetime) -> None:
    if not await workers.end(connection, one.id, "died", now):
        return
    freed = await workers.end_leases(connection, f"worker:{one.name}", one.started_at, now)
    event = AuditEvent(str(CLOCK), "worker.died", f"worker:{one.name}", after="died", data={"leases": freed})
    await audit.append(connection, event, now)


# -- what people ask of them -------------------------------------------------------------------------------------------


async def ask(office: Office, name: str, what: Asked, reason: str, actor: Actor) -> list[WorkerRow]:
    """Ask one worker, or with '' every one that is there; those that were asked. From each one's next claim on.

    Raises NotFound for one that is not there, UserError where a pause or drain has no reason.
    """
    if what is not Asked.RUN and not reason.strip():
        raise UserError(
            Problem("reason", "a reason is needed: others will wonder why nothing leaves", "Give --reason.")
        )

    async def unit(connection: AsyncConnection) -> list[WorkerRow]:
        there = [one for one in await workers.every(connection) if name in ("", one.name)]
        if name and not there:
            raise NotFound(f"there is no worker '{name}'; workers list shows them")
        changed = [one for one in there if one.asked is not what]
        await workers.ask(connection, [one.id for one in changed], what, str(actor), reason)
        for one in changed:
            await _audit(connection, office, one, what, reason, actor)
        return [replace(one, asked=what) for one in there]

    return await office.store.write(unit)


async def _audit(
    connection: AsyncConnection, office: Office, one: WorkerRow, what: Asked, reason: str, actor: Actor
) -> None:
    about = f"worker:{one.name}"
    event = AuditEvent(str(actor), f"worker.{what}", about, before=one.asked, after=what, reason=reason)
    await audit.append(connection, event, office.clock.now())


# -- who is there ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Member:
    """A worker as it is shown."""

    row: WorkerRow
    state: str  #: 'works', 'clock off', 'paused', 'draining', 'not heard of', 'stopped', 'drained', 'died', 'lost'


async def roster(office: Office, *, ended: bool = False) -> list[Member]:
    """Who is there; with `ended` also who was, in the last days."""
    rows = await office.store.read(lambda connection: workers.every(connection, ended=ended))
    return members(rows, office.clock.now(), office.policy.lease, office.policy.clock_limit)


def members(rows: Sequence[WorkerRow], now: datetime, lease: timedelta, limit: timedelta | None = None) -> list[Member]:
    """`lease`: unheard of for so long, one counts as lost; `limit`: of how far a clock may be off."""
    return [Member(one, _state(one, now, lease, limit)) for one in rows]


def _state(one: WorkerRow, now: datetime, lease: timedelta, limit: timedelta | None) -> str:
    if one.ended_at is not None:
        return one.ending
    if one.heartbeat_at + lease <= now:
        return "not heard of"
    if one.asked is Asked.RUN and is_off(timedelta(microseconds=one.skew), limit):
        return "clock off"
    return {Asked.RUN: "works", Asked.PAUSE: "paused", Asked.DRAIN: "draining"}[one.asked]
