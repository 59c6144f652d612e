"""The rows of deliveries: claims, the compare-and-swap behind every move, and the lists of what is due."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, insert, select, text, true, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Conflict, NotFound
from dispatcher.domain.model import Delivery
from dispatcher.domain.routes import Lot
from dispatcher.domain.words import Cause, Kind, Role, State

from .campaigns import RUNNING
from .parts import in_parts
from .schema import CLAIMABLE_ROWS, WATCHED_ROWS, campaign, delivery


def from_row(row: Row[Any]) -> Delivery:
    fields = {name: row._mapping[name] for name in Delivery.__slots__}
    words = {"kind": Kind(row.kind), "role": Role(row.role), "state": State(row.state), "cause": Cause(row.cause)}
    return Delivery(**{**fields, **words})


async def add(connection: AsyncConnection, one: Delivery) -> bool:
    """Insert a new row; False (and nothing happens) when a delivery of this id exists."""
    if await find(connection, one.id) is not None:
        return False
    await connection.execute(insert(delivery).values({name: getattr(one, name) for name in Delivery.__slots__}))
    return True


async def add_all(connection: AsyncConnection, rows: Sequence[Delivery]) -> int:
    """The same for many, a few statements for all of them; how many were new."""
    added = 0
    for part in in_parts(rows):
        known = select(delivery.c.id).where(delivery.c.id.in_([one.id for one in part]))
        there = set((await connection.execute(known)).scalars())
        new = [{name: getattr(one, name) for name in Delivery.__slots__} for one in part if one.id not in there]
        if new:
            await connection.execute(insert(delivery), new)
        added += len(new)
    return added


async def find(connection: AsyncConnection, delivery_id: str) -> Delivery | None:
    row = (await connection.execute(select(delivery).where(delivery.c.id == delivery_id))).first()
    return from_row(row) if row else None


async def get(connection: AsyncConnection, delivery_id: str) -> Delivery:
    """By id, or by an unambiguous beginning of it of at least four characters. Raises NotFound, Conflict."""
    found = await find(connection, delivery_id)
    if found is not None:
        return found
    near = delivery.c.id.startswith(delivery_id, autoescape=True)
    rows = (await connection.execute(select(delivery).where(near).limit(2))).all() if len(delivery_id) >= 4 else []
    if len(rows) > 1:
        raise Conflict(f"'{delivery_id}' begins the id of more than one delivery; give more of it")
    if not rows:
        raise NotFound(f"there is no delivery '{delivery_id}'; deliveries list shows them")
    return from_row(rows[0])


async def change(connection: AsyncConnection, seen: Delivery, **values: Any) -> Delivery:
    """Compare-and-swap on (state, version): the row as `seen`, or Conflict, never an overwrite."""
    same = (delivery.c.id == seen.id) & (delivery.c.state == seen.state) & (delivery.c.version == seen.version)
    result = await connection.execute(update(delivery).where(same).values(version=seen.version + 1, **values))
    if result.rowcount != 1:
        raise Conflict(f"delivery {seen.id} was changed meanwhile by somebody else; look again")
    return await get(connection, seen.id)


async def claimable(connection: AsyncConnection, now: datetime, room: dict[Lot, int], limit: int) -> list[Delivery]:
    """Rows to claim now: at most `limit`, and `room` of each lot, dealt in turn over lots and running campaigns."""
    campaigns = await _campaigns_with_work(connection, now)
    random.shuffle(campaigns)  # with one free place, chance is fairer than any fixed order
    found = []
    for lot, most in room.items():
        rows = [await _due_of(connection, one, lot, now, min(most, limit)) for one in campaigns]
        found.append(_deal(rows, most))
    return _deal(found, limit)


async def _campaigns_with_work(connection: AsyncConnection, now: datetime) -> list[str]:
    due = exists().where(delivery.c.campaign_id == campaign.c.id, CLAIMABLE_ROWS, delivery.c.due <= now)
    return list((await connection.execute(select(campaign.c.id).where(RUNNING, due))).scalars())


async def _due_of(
    connection: AsyncConnection, campaign_id: str, lot: Lot, now: datetime, limit: int
) -> Sequence[Delivery]:
    """The oldest due rows; of the faxes, none to a number with an open call, and one to each other number."""
    mine = (delivery.c.campaign_id == campaign_id) & (delivery.c.kind == lot.kind) & (delivery.c.due <= now)
    mine &= delivery.c.address.startswith(lot.begins, autoescape=True) if lot.begins else true()
    for other in lot.but:
        mine &= ~delivery.c.address.startswith(other, autoescape=True)
    query = select(delivery).where(mine, CLAIMABLE_ROWS).order_by(delivery.c.due, delivery.c.id).limit(limit)
    if lot.kind is Kind.FAX:
        query = query.where(delivery.c.address.not_in(_NUMBERS_BEING_CALLED))
    rows = await connection.execute(query.with_for_update(skip_locked=True))
    return [from_row(row) for row in rows]


#: Literal, so that it is seen to match its partial index.
_NUMBERS_BEING_CALLED = select(delivery.alias("calls").c.address).where(
    text(f"calls.state = '{State.SENDING}' AND calls.kind = '{Kind.FAX}'")
)


def _deal(rows: Sequence[Sequence[Delivery]], limit: int) -> list[Delivery]:
    """One from each in turn, until `limit` are dealt."""
    dealt: list[Delivery] = []
    for turn in range(max(map(len, rows), default=0)):
        dealt += [own[turn] for own in rows if turn < len(own)]
    return dealt[:limit]


async def in_states(connection: AsyncConnection, states: Collection[State]) -> list[Delivery]:
    """Every row in one of these states, campaign by campaign."""
    mine = delivery.c.state.in_([state.value for state in states])
    query = select(delivery).where(mine).order_by(delivery.c.campaign_id, delivery.c.id)
    return [from_row(row) for row in await connection.execute(query)]


async def watched(connection: AsyncConnection, now: datetime, states: Collection[State], limit: int) -> list[Delivery]:
    """Rows in these states that need us for something else than a send, the longest due first."""
    mine = delivery.c.state.in_([state.value for state in states])
    query = select(delivery).where(WATCHED_ROWS, mine, delivery.c.due <= now).order_by(delivery.c.due).limit(limit)
    return [from_row(row) for row in await connection.execute(query)]


async def next_instant(connection: AsyncConnection) -> datetime | None:
    """When the next row needs us, over all running campaigns and everything watched; None if nothing will."""
    claim = select(func.min(delivery.c.due)).join(campaign).where(CLAIMABLE_ROWS, RUNNING)
    watch = select(func.min(delivery.c.due)).where(WATCHED_ROWS)
    both = [(await connection.execute(query)).scalar() for query in (claim, watch)]
    return min((one for one in both if one is not None), default=None)


async def sisters(connection: AsyncConnection, one: Delivery) -> list[Delivery]:
    """The other deliveries of the same letter to the same contact."""
    same = (delivery.c.campaign_id == one.campaign_id) & (delivery.c.contact_id == one.contact_id)
    own = (delivery.c.step == one.step) & (delivery.c.addressee_id == one.addressee_id) & (delivery.c.id != one.id)
    own &= delivery.c.occurrence == one.occurrence
    return [from_row(row) for row in await connection.execute(select(delivery).where(same, own))]


async def bring_forward(connection: AsyncConnection, email_id: str, now: datetime) -> list[str]:
    """The faxes that waited for the proof of a failed email are due at once; says which."""
    waiting = (delivery.c.fallback_for == email_id) & (delivery.c.state == State.QUEUED) & (delivery.c.due > now)
    rows = (await connection.execute(select(delivery).where(waiting))).all()
    for row in rows:
        await change(connection, from_row(row), due=now, not_before=now)
    return [row.id for row in rows]


async def relink_fallback(connection: AsyncConnection, email_id: str, new_id: str) -> None:
    """Those that still wait for the proof of one email wait for the proof of another."""
    waiting = delivery.c.state.in_([state.value for state in (State.QUEUED, State.DEFERRED, State.HELD)])
    rows = (await connection.execute(select(delivery).where(delivery.c.fallback_for == email_id, waiting))).all()
    for row in rows:
        await change(connection, from_row(row), fallback_for=new_id)


async def extend_leases(connection: AsyncConnection, held: Collection[tuple[str, int]], until: datetime) -> None:
    """Move the end of the lease of these (id, fence), where the attempt has not begun to transmit."""
    from_open = "NOT EXISTS (SELECT 1 FROM attempt a WHERE a.delivery_id = delivery.id AND a.stage = 'transmitting')"
    for delivery_id, fence in held:
        mine = (delivery.c.id == delivery_id) & (delivery.c.fence == fence) & (delivery.c.state == State.SENDING)
        await connection.execute(update(delivery).where(mine, text(from_open)).values(due=until))


async def waiting_of(connection: AsyncConnection, campaign_id: str, limit: int) -> list[Delivery]:
    """Deliveries of a campaign that have not begun to leave: queued, deferred or held."""
    states = delivery.c.state.in_([state.value for state in (State.QUEUED, State.DEFERRED, State.HELD)])
    query = select(delivery).where(delivery.c.campaign_id == campaign_id, states).limit(limit)
    return [from_row(row) for row in await connection.execute(query)]


async def of_contact(connection: AsyncConnection, contact_id: str, states: Collection[State]) -> list[Delivery]:
    """What is on its way to a contact in these states, over all campaigns, the oldest first."""
    mine = (delivery.c.contact_id == contact_id) & delivery.c.state.in_([state.value for state in states])
    query = select(delivery).where(mine).order_by(delivery.c.created_at, delivery.c.id)
    return [from_row(row) for row in await connection.execute(query)]


async def follow_ups_waiting(connection: AsyncConnection, campaign_id: str, addressee_id: str) -> list[Delivery]:
    """The follow-ups to an addressee, and to those who receive copies, that have not begun to leave."""
    theirs = (delivery.c.campaign_id == campaign_id) & (delivery.c.addressee_id == addressee_id) & (delivery.c.step > 0)
    states = delivery.c.state.in_([state.value for state in (State.QUEUED, State.DEFERRED, State.HELD)])
    return [from_row(row) for row in await connection.execute(select(delivery).where(theirs, states))]
