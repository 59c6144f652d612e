"""What people look at: lists with filters, counts, groups. Reads only; nothing here locks or changes a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.model import Delivery
from dispatcher.domain.words import Cause, Kind, State, Verdict

from .campaigns import RUNNING
from .deliveries import from_row
from .parts import in_parts
from .schema import CLAIMABLE_ROWS, attempt, campaign, contact, delivery


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter on deliveries; what is not said does not filter."""

    campaign_id: str = ""
    states: tuple[State, ...] = ()
    cause: Cause | None = None
    kind: Kind | None = None
    contact_id: str = ""
    step: int | None = None
    occurrence: str = ""  #: the local key of one time of a campaign that repeats
    domain: str = ""  #: of the recipients' email addresses, in its canonical form
    since: datetime | None = None  #: moved to where they stand at this instant or later
    awake_at: datetime | None = None  #: not put aside at this instant
    asleep_at: datetime | None = None  #: put aside at this instant

    def as_record(self) -> dict[str, Any]:
        """What is said in it, for the audit log."""
        said = {name: value for name in self.__slots__ if (value := getattr(self, name)) not in ("", (), None)}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()}

    def clause(self) -> ColumnElement[bool]:
        d = delivery.c
        parts = (
            d.campaign_id == self.campaign_id if self.campaign_id else None,
            d.state.in_([state.value for state in self.states]) if self.states else None,
            d.cause == self.cause.value if self.cause is not None else None,
            d.kind == self.kind.value if self.kind is not None else None,
            d.contact_id == self.contact_id if self.contact_id else None,
            d.step == self.step if self.step is not None else None,
            d.occurrence == self.occurrence if self.occurrence else None,
            d.address.endswith(f"@{self.domain}", autoescape=True) if self.domain else None,
            d.changed_at >= self.since if self.since is not None else None,
            or_(d.snoozed_until.is_(None), d.snoozed_until <= self.awake_at) if self.awake_at is not None else None,
            d.snoozed_until > self.asleep_at if self.asleep_at is not None else None,
        )
        return and_(true(), *(part for part in parts if part is not None))


@dataclass(frozen=True, slots=True)
class Listed:
    """A delivery as a list shows it."""

    delivery: Delivery
    attempts: int  #: tries that were made; what was turned back before anything left is not one
    contact_name: str


async def list_deliveries(connection: AsyncConnection, wanted: Wanted, limit: int = 0) -> list[Listed]:
    """Deliveries in order of campaign, step, contact and kind."""
    made = (attempt.c.delivery_id == delivery.c.id) & (attempt.c.verdict != Verdict.UNSENT)
    tries = select(func.count()).where(made).scalar_subquery()
    query: Select[Any] = select(delivery, tries.label("attempts"), contact.c.data).join(
        contact, contact.c.id == delivery.c.contact_id
    )
    query = query.where(wanted.clause()).order_by(*ORDER)
    rows = await connection.execute(query.limit(limit) if limit else query)
    return [Listed(from_row(row), row.attempts, row.data.get("name", "")) for row in rows]


#: In which order a list shows them.
ORDER = (delivery.c.campaign_id, delivery.c.step, delivery.c.contact_id, delivery.c.kind, delivery.c.id)


async def ids(connection: AsyncConnection, wanted: Wanted) -> Sequence[str]:
    """The ids of those deliveries, in the order in which a list shows them."""
    return (await connection.execute(select(delivery.c.id).where(wanted.clause()).order_by(*ORDER))).scalars().all()


async def counts(connection: AsyncConnection, campaign_id: str = "") -> dict[State, int]:
    """How many deliveries are in each state; states with none are left out."""
    query = select(delivery.c.state, func.count()).where(Wanted(campaign_id).clause()).group_by(delivery.c.state)
    found = {row[0]: row[1] for row in await connection.execute(query)}
    return {state: found[state] for state in State if state in found}


async def by_occurrence(connection: AsyncConnection, campaign_id: str) -> dict[str, dict[State, int]]:
    """How many deliveries of each time of a campaign are in each state, by local key; '' for one that happens once."""
    d, found = delivery.c, dict[str, dict[State, int]]()
    query = select(d.occurrence, d.state, func.count()).group_by(d.occurrence, d.state)
    for key, state, count in await connection.execute(query.where(d.campaign_id == campaign_id)):
        found.setdefault(key, {})[State(state)] = count
    return found


async def by_cause(connection: AsyncConnection, campaign_id: str = "") -> list[tuple[Cause, Kind, int]]:
    """Failures grouped by cause and kind, the largest group first."""
    d = delivery.c
    query = select(d.cause, d.kind, func.count().label("count")).group_by(d.cause, d.kind)
    query = query.where(Wanted(campaign_id, (State.FAILED,)).clause())
    rows = (await connection.execute(query.order_by(func.count().desc(), d.cause))).all()
    return [(Cause(row.cause), Kind(row.kind), row[2]) for row in rows]


@dataclass(frozen=True, slots=True)
class Group:
    """Letters that stand in one state for one cause."""

    state: State
    cause: Cause
    kind: Kind
    campaign_id: str
    occurrence: str
    count: int
    snoozed: int  #: further ones, which are put aside
    since: datetime  #: when the first of all of them came to stand there


async def groups(connection: AsyncConnection, wanted: Wanted, now: datetime) -> list[Group]:
    """What the filter finds, grouped; the largest group first. `count` leaves out what is put aside at this instant."""
    d = delivery.c
    asleep = func.sum(case((d.snoozed_until > now, 1), else_=0))
    of = (d.state, d.cause, d.kind, d.campaign_id, d.occurrence)
    query = select(*of, func.count(), asleep, func.min(d.changed_at)).where(wanted.clause()).group_by(*of)
    rows = (await connection.execute(query.order_by(func.count().desc(), *of))).all()
    return [
        Group(State(row[0]), Cause(row[1]), Kind(row[2]), row[3], row[4], row[5] - row[6], int(row[6]), row[7])
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Letters of running campaigns that were due at some instant, by kind."""

    kind: Kind
    count: int
    since: datetime


async def overdue(connection: AsyncConnection, before: datetime) -> list[Waiting]:
    """What was due before that instant, and was not claimed."""
    d = delivery.c
    query = select(d.kind, func.count(), func.min(d.due)).join(campaign, campaign.c.id == d.campaign_id)
    rows = await connection.execute(query.where(CLAIMABLE_ROWS, RUNNING, d.due < before).group_by(d.kind))
    return [Waiting(Kind(row[0]), row[1], row[2]) for row in rows]


async def returning(connection: AsyncConnection, now: datetime, before: datetime) -> tuple[int, datetime | None]:
    """How many letters that are put aside now return before that instant, and when the first of them does."""
    d = delivery.c
    query = select(func.count(), func.min(d.snoozed_until)).where(d.snoozed_until > now, d.snoozed_until < before)
    row = (await connection.execute(query)).one()
    return row[0], row[1]


@dataclass(frozen=True, slots=True)
class Record:
    """What letters to one address came to."""

    kind: Kind
    address: str
    arrived: int  #: deliveries that arrived, by evidence or presumption
    arrived_at: datetime | None  #: the latest of them
    failed: int
    failed_at: datetime | None
    cause: Cause  #: of the latest failure


async def records(connection: AsyncConnection, addresses: Sequence[str]) -> list[Record]:
    """What letters to these addresses came to; an address without an ended delivery is left out."""
    d, found = delivery.c, list[Record]()
    of_any_kind = d.kind.in_([kind.value for kind in Kind])  # said because the index begins with the kind
    for values in in_parts(addresses):
        part = of_any_kind & d.address.in_(values)
        ended = d.state.in_([State.DELIVERED.value, State.PRESUMED.value, State.FAILED.value])
        rows = await connection.execute(
            select(d.kind, d.address, d.state, d.arrived_at, d.changed_at, d.cause).where(part, ended)
        )
        by_address: dict[tuple[str, str], list[Any]] = {}
        for row in rows:
            by_address.setdefault((row.kind, row.address), []).append(row)
        found += [_record(Kind(kind), address, group) for (kind, address), group in by_address.items()]
    return found


def _record(kind: Kind, address: str, rows: Sequence[Any]) -> Record:
    arrived = [row.arrived_at for row in rows if row.arrived_at is not None]
    failed = sorted((row for row in rows if row.state == State.FAILED), key=lambda row: row.changed_at)
    return Record(
        kind=kind,
        address=address,
        arrived=len(arrived),
        arrived_at=max(arrived, default=None),
        failed=len(failed),
        failed_at=failed[-1].changed_at if failed else None,
        cause=Cause(failed[-1].cause) if failed else Cause.NONE,
    )
