"""The rows of trials: which one letter of a group was tried first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.model import Delivery

from .schema import trial


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One letter of a group was tried by itself."""

    delivery_id: str
    fence: int  #: its fencing number when it was chosen
    at: datetime
    by: str


async def note(connection: AsyncConnection, scope: str, one: Delivery, by: str, now: datetime) -> None:
    row = {"scope": scope, "delivery_id": one.id, "fence": one.fence, "at": now, "by": by}
    await connection.execute(insert(trial).values(row))


async def latest(connection: AsyncConnection, scope: str) -> TrialRow | None:
    """The last one of the group with this filter; None where none was tried."""
    query = select(trial.c.delivery_id, trial.c.fence, trial.c.at, trial.c.by).where(trial.c.scope == scope)
    row = (await connection.execute(query.order_by(trial.c.number.desc()).limit(1))).first()
    return TrialRow(*row) if row else None
