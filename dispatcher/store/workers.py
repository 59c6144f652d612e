"""The rows of workers: one a process, from its start until some days after its end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, exists, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.seat import Seat
from dispatcher.domain.words import Asked, Stage, State

from .schema import attempt, delivery, worker

#: Literal, so that it is seen to match its partial index.
_HERE = text("ended_at IS NULL")


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One process that sends, as it announced itself and was last heard of."""

    id: str
    name: str
    seat: Seat
    version: str
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    ending: str  #: 'stopped', 'drained' or 'died'; '' while it is there
    held: int  #: tries in hand at the last heartbeat
    skew: int  #: microseconds that its clock was behind the database's
    asked: Asked
    asked_by: str
    reason: str


_SEAT = tuple(Seat.__slots__)


_EVERY = select(worker).order_by(worker.c.name, worker.c.started_at)
_PRESENT = _EVERY.where(_HERE)


async def every(connection: AsyncConnection, *, ended: bool = False) -> list[WorkerRow]:
    """Those that are there, by name; with `ended` also those that have ended, as long as they are remembered."""
    rows = (await connection.execute(_EVERY if ended else _PRESENT)).mappings()
    return [_from({**row}) for row in rows]


def _from(row: dict[str, object]) -> WorkerRow:
    seat = Seat(**{name: row.pop(name) for name in _SEAT})  # type: ignore[arg-type]  # the columns have these types
    return WorkerRow(**{**row, "seat": seat, "asked": Asked(str(row["asked"]))})  # type: ignore[arg-type]


async def named(connection: AsyncConnection, name: str) -> WorkerRow | None:
    """The one of this name that is there."""
    row = (await connection.execute(select(worker).where(worker.c.name == name, _HERE))).mappings().first()
    return _from({**row}) if row else None


_ASKED = select(worker.c.asked).where(worker.c.name == bindparam("who"), _HERE)


async def asked(connection: AsyncConnection, name: str) -> Asked:
    """What is asked of it; one that never announced itself is asked nothing, and so runs."""
    found = await connection.execute(_ASKED, {"who": name})
    return Asked(found.scalar() or Asked.RUN)


async def server_time(connection: AsyncConnection) -> datetime | None:
    """What the server's clock says; None of a file, which is on the machine of all its workers."""
    if connection.dialect.name == "sqlite":
        return None
    now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now


async def add(connection: AsyncConnection, one: WorkerRow) -> None:
    """The index refuses a second one of a name."""
    row = asdict(one)
    await connection.execute(insert(worker).values({**row.pop("seat"), **row}))


_OWN = update(worker).where(worker.c.id == bindparam("key"), _HERE)


async def beat(connection: AsyncConnection, worker_id: str, now: datetime, held: int, skew: int) -> bool:
    """It lives; False when somebody has ended its row."""
    row = {"key": worker_id, "heartbeat_at": now, "held": held, "skew": skew}
    return (await connection.execute(_OWN, row)).rowcount == 1


async def end(connection: AsyncConnection, worker_id: str, how: str, now: datetime) -> bool:
    """False when it was ended before."""
    row = {"key": worker_id, "ended_at": now, "ending": how, "held": 0}
    return (await connection.execute(_OWN, row)).rowcount == 1


async def ask(connection: AsyncConnection, ids: Collection[str], what: Asked, by: str, reason: str) -> None:
    theirs = update(worker).where(worker.c.id.in_(list(ids)), _HERE)
    await connection.execute(theirs.values(asked=what, asked_by=by, reason=reason))


async def clear(connection: AsyncConnection, before: datetime) -> int:
    """Forget those that ended, or were last heard of, before this; how many."""
    old = delete(worker).where(worker.c.heartbeat_at < before)
    return (await connection.execute(old)).rowcount


async def end_leases(connection: AsyncConnection, name: str, since: datetime, now: datetime) -> int:
    """The leases of this worker's tries since then end now, instead of when they would; how many.

    What becomes of each is the sweep's affair, which goes by the stage of the try.
    """
    theirs = exists().where(
        attempt.c.delivery_id == delivery.c.id,
        attempt.c.fence == delivery.c.fence,
        attempt.c.stage != Stage.CLOSED,
        attempt.c.worker == name,
        attempt.c.opened_at >= since,
    )
    held = update(delivery).where(delivery.c.state == State.SENDING, delivery.c.due > now, theirs)
    return (await connection.execute(held.values(due=now))).rowcount
