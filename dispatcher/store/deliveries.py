"""The rows of deliveries: claims, the compare-and-swap behind every move, and the lists of what is due."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, insert, select, text, true, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Conflict, NotFound
from dispatcher.domain.limits import Pace, lane
from dispatcher.domain.model import Delivery
from dispatcher.domain.routes import Lot
from dispatcher.domain.words import Cause, Kind, Role, State

from .campaigns import RUNNING
from .limits import RESTING_NAMES, call_goes_on, full_lanes
from .parts import in_parts
from .schema import CLAIMABLE_ROWS, WATCHED_ROWS, campaign, delivery


def from_row(row: Row[Any]) -> Delivery:
    mapping = row._mapping
    fields = {name: mapping[name] for name in Delivery.__slots__}
    words = {"kind": Kind(row.kind), "role": Role(row.role), "state": State(row.state), "cause": Cause(row.cause)}
    return Delivery(**{**fields, **words})


async def add(connection: AsyncConnection, one: Delivery) -> bool:
    """Insert a new row; False (and nothing happens) when a delivery of this id exists."""
    if await find(connection, one.id) is not None:
        return False
    await connection.execute(insert(delivery).values(_as_row(one)))
    return True


def _as_row(one: Delivery) -> dict[str, Any]:
    return {**{name: getattr(one, name) for name in Delivery.__slots__}, "lane": lane(one.kind, one.address)}


async def add_all(connection: AsyncConnection, rows: Sequence[Delivery]) -> int:
    """The same for many, a few statements for all of them; how many were new."""
    added = 0
    for part in in_parts(rows):
        known = select(delivery.c.id).where(delivery.c.id.in_([one.id for one in part]))
        there = set((await connection.execute(known)).scalars())
        new = [_as_row(one) for one in part if one.id not in there]
        if new:
            await connection.execute(insert(delivery), new)
        added += len(new)
    return added


#: Asked many times for every letter: making a statement anew takes longer than answering it.
_BY_ID = select(delivery).where(delivery.c.id == bindparam("key"))


async def find(connection: AsyncConnection, delivery_id: str) -> Delivery | None:
    row = (await connection.execute(_BY_ID, {"key": delivery_id})).first()
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


_CHANGE = (
    update(delivery)
    .where(delivery.c.id == bindparam("seen_id"), delivery.c.state == bindparam("seen_state"))
    .where(delivery.c.version == bindparam("seen_version"))
    .returning(delivery)
)


async def change(connection: AsyncConnection, seen: Delivery, **values: Any) -> Delivery:
    """Compare-and-swap on (state, version): the row as `seen`, or Conflict, never an overwrite."""
    known = {"seen_id": seen.id, "seen_state": seen.state, "seen_version": seen.version}
    row = (await connection.execute(_CHANGE, {**known, "version": seen.version + 1, **values})).first()
    if row is None:
        raise Conflict(f"delivery {seen.id} was changed meanwhile by somebody else; look again")
    return from_row(row)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a claim may take now."""

    now: datetime
    room: Mapping[Lot, int]  #: of each lot, so many at most
    domain: Pace  #: of each domain that mail goes to
    calls_since: datetime  #: a fax that a gateway took later than this counts as a call that goes on
    only: Mapping[str, Collection[str]] = field(default_factory=dict)  #: of these campaigns, these letters alone
    not_by: Collection[tuple[str, Kind]] = ()  #: of these campaigns, none of that kind


async def claimable(connection: AsyncConnection, offer: Offer, limit: int) -> list[Delivery]:
    """Rows to claim now: at most `limit`, and the room of each lot, dealt in turn over lots and running campaigns."""
    campaigns = await campaigns_with_work(connection, offer.now)
    random.shuffle(campaigns)  # with one free place, chance is fairer than any fixed order
    found = []
    for lot, most in offer.room.items():
        mine = [one for one in campaigns if (one, lot.kind) not in offer.not_by]
        rows = [await _due_of(connection, one, lot, offer, min(most, limit)) for one in mine]
        found.append(_deal(rows, most))
    return _deal(found, limit)


_WITH_WORK = select(campaign.c.id).where(
    RUNNING,
    exists().where(delivery.c.campaign_id == campaign.c.id, CLAIMABLE_ROWS, delivery.c.due <= bindparam("now")),
)


async def campaigns_with_work(connection: AsyncConnection, now: datetime) -> list[str]:
    """The running campaigns of which something is due."""
    return list((await connection.execute(_WITH_WORK, {"now": now})).scalars())


async def _due_of(
    connection: AsyncConnection, campaign_id: str, lot: Lot, offer: Offer, limit: int
) -> Sequence[Delivery]:
    """The oldest due rows whose road is free: what waits for its turn holds up nothing behind it."""
    given = {"campaign": campaign_id, "now": offer.now, "since": offer.calls_since, "by": offer.domain.words}
    letters = offer.only.get(campaign_id)
    query = _due_rows(lot, bool(offer.domain.spans), offer.domain.at_once or 0, letters is not None)
    rows = await connection.execute(query, {**given, "most": limit, "letters": list(letters or ())})
    return [from_row(row) for row in rows]


@lru_cache
def _due_rows(lot: Lot, with_rests: bool, at_once: int, only_some: bool) -> Select[Any]:
    """Of one campaign; `only_some`: of certain letters alone."""
    mine = (delivery.c.campaign_id == bindparam("campaign")) & (delivery.c.kind == lot.kind)
    mine &= delivery.c.due <= bindparam("now")
    mine &= delivery.c.lane.startswith(lot.begins, autoescape=True) if lot.begins else true()
    for other in lot.but:
        mine &= ~delivery.c.lane.startswith(other, autoescape=True)
    query = select(delivery).where(mine, CLAIMABLE_ROWS, *_free_roads(lot.kind, with_rests, at_once))
    if only_some:
        query = query.where(delivery.c.letter.in_(bindparam("letters", expanding=True)))
    query = query.order_by(delivery.c.due, delivery.c.id).limit(bindparam("most"))
    return query.with_for_update(skip_locked=True)


def _free_roads(kind: Kind, with_rests: bool, at_once: int) -> list[ColumnElement[bool]]:
    road = delivery.c.lane
    if kind is Kind.FAX:
        goes_on = call_goes_on(road, bindparam("since"))
        return [road.not_in(_NUMBERS_BEING_CALLED), road.not_in(_TAKEN_NUMBERS), ~goes_on]
    rested = [road.not_in(RESTING_NAMES)] if with_rests else []
    return [*rested, *([road.not_in(full_lanes(at_once))] if at_once else [])]


#: Literal, so that it is seen to match its partial index.
_NUMBERS_BEING_CALLED = select(delivery.alias("calls").c.address).where(
    text(f"calls.state = '{State.SENDING}' AND calls.kind = '{Kind.FAX}'")
)


def _taken_numbers() -> Select[tuple[str]]:
    """Numbers that a gateway may be calling for us at this moment: it took the fax, and has said nothing `since`."""
    taken = delivery.alias("taken")
    states = f"taken.kind = '{Kind.FAX}' AND taken.state IN ('{State.ACCEPTED}', '{State.IN_DOUBT}')"
    return select(taken.c.address).where(text(states), taken.c.changed_at > bindparam("since"))


_TAKEN_NUMBERS = _taken_numbers()


async def call_to(connection: AsyncConnection, number: str, since: datetime) -> Delivery | None:
    """The fax to this number that is under way, or that a gateway took after `since` and has said nothing of."""
    states = [one.value for one in (State.SENDING, State.ACCEPTED, State.IN_DOUBT)]
    theirs = (delivery.c.kind == Kind.FAX) & (delivery.c.address == number) & delivery.c.state.in_(states)
    now_or_lately = (delivery.c.state == State.SENDING) | (delivery.c.changed_at > since)
    query = select(delivery).where(theirs, now_or_lately).order_by(delivery.c.changed_at.desc()).limit(1)
    row = (await connection.execute(query)).first()
    return from_row(row) if row else None


async def met_a_person(connection: AsyncConnection, one: Delivery) -> str:
    """Another fax to its number at which a person answered, and that nobody has settled yet; '' where none is."""
    if one.kind is not Kind.FAX:
        return ""
    theirs = (delivery.c.kind == Kind.FAX) & (delivery.c.address == one.address) & (delivery.c.id != one.id)
    failed = (delivery.c.state == State.FAILED) & (delivery.c.cause == Cause.FAX_VOICE)
    return str((await connection.execute(select(delivery.c.id).where(theirs, failed).limit(1))).scalar() or "")


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


async def of_campaign(connection: AsyncConnection, campaign_id: str) -> list[Delivery]:
    """All of a campaign's rows, step by step."""
    query = select(delivery).where(delivery.c.campaign_id == campaign_id).order_by(delivery.c.step, delivery.c.id)
    return [from_row(row) for row in await connection.execute(query)]


_WATCHED = (
    select(delivery)
    .where(WATCHED_ROWS, delivery.c.state.in_(bindparam("states", expanding=True)), delivery.c.due <= bindparam("now"))
    .order_by(delivery.c.due)
    .limit(bindparam("most"))
)


async def watched(connection: AsyncConnection, now: datetime, states: Collection[State], limit: int) -> list[Delivery]:
    """Rows in these states that need us for something else than a send, the longest due first."""
    given = {"states": [state.value for state in states], "now": now, "most": limit}
    return [from_row(row) for row in await connection.execute(_WATCHED, given)]


async def next_instant(connection: AsyncConnection, now: datetime) -> tuple[datetime | None, bool]:
    """When the next row needs us, over all running campaigns and everything watched; None if nothing will.

    And whether some are due already, and wait for their turn: they need us when a road has rested, too.
    """
    ahead = select(func.min(delivery.c.due)).join(campaign).where(CLAIMABLE_ROWS, RUNNING)
    watch = select(func.min(delivery.c.due)).where(WATCHED_ROWS)
    first = (await connection.execute(ahead)).scalar()
    late = first is not None and first <= now
    both = [(await connection.execute(ahead.where(delivery.c.due > now))).scalar() if late else first]
    both.append((await connection.execute(watch)).scalar())
    return min((one for one in both if one is not None), default=None), late


async def only_doubts_wait(connection: AsyncConnection) -> bool:
    """Does every row that is due some time wait for a doubt that only a person can settle?"""
    doubt = delivery.alias("doubt")
    same = [doubt.c[name] == delivery.c[name] for name in ("campaign_id", "contact_id", "addressee_id", "occurrence")]
    settled = (doubt.c.state == State.IN_DOUBT) & doubt.c.due.is_(None)
    behind = exists().where(*same, settled, doubt.c.step <= delivery.c.step)
    waits = (delivery.c.cause == Cause.GATE_DOUBT) | delivery.c.state.in_([State.PRESUMED, State.DELIVERED])
    query = select(exists().where(delivery.c.due.is_not(None), ~(waits & behind)))
    return not (await connection.execute(query)).scalar()


_SAME_LETTER = ("campaign_id", "contact_id", "step", "addressee_id", "occurrence")
_SISTERS = select(delivery).where(
    *(delivery.c[name] == bindparam(name) for name in _SAME_LETTER), delivery.c.id != bindparam("id")
)


async def sisters(connection: AsyncConnection, one: Delivery) -> list[Delivery]:
    """The other deliveries of the same letter to the same contact."""
    given = {name: getattr(one, name) for name in (*_SAME_LETTER, "id")}
    return [from_row(row) for row in await connection.execute(_SISTERS, given)]


async def instead_of(connection: AsyncConnection, delivery_id: str) -> list[Delivery]:
    """The deliveries that took the place of this one, the first first."""
    query = select(delivery).where(delivery.c.instead_of == delivery_id, text("instead_of <> ''"))
    return [from_row(row) for row in await connection.execute(query.order_by(delivery.c.created_at, delivery.c.id))]


async def bring_forward(connection: AsyncConnection, email_id: str, now: datetime) -> list[str]:
    """The faxes that waited for the proof of a failed email are due at once; says which."""
    waiting = (delivery.c.fallback_for == email_id) & (delivery.c.state == State.QUEUED) & (delivery.c.due > now)
    rows = (await connection.execute(select(delivery).where(waiting))).all()
    for row in rows:
        await change(connection, from_row(row), due=now, not_before=now)
    return [row.id for row in rows]


async def waiting_for(connection: AsyncConnection, email_id: str) -> list[Delivery]:
    """The faxes that wait for the proof of this email and were never tried."""
    waiting = (delivery.c.fallback_for == email_id) & (delivery.c.state == State.QUEUED) & (delivery.c.tries == 0)
    return [from_row(row) for row in await connection.execute(select(delivery).where(waiting))]


async def following(connection: AsyncConnection, seen: Delivery) -> list[Delivery]:
    """The follow-ups by the same kind to the same recipient that have not begun to leave."""
    same = (delivery.c.campaign_id == seen.campaign_id) & (delivery.c.contact_id == seen.contact_id)
    same &= (delivery.c.addressee_id == seen.addressee_id) & (delivery.c.occurrence == seen.occurrence)
    later = (delivery.c.step > seen.step) & (delivery.c.kind == seen.kind)
    states = delivery.c.state.in_([state.value for state in (State.QUEUED, State.DEFERRED, State.HELD)])
    return [from_row(row) for row in await connection.execute(select(delivery).where(same, later, states))]


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
    """The follow-ups to an addressee, and to those who receive copies, that wait to leave or are leaving."""
    theirs = (delivery.c.campaign_id == campaign_id) & (delivery.c.addressee_id == addressee_id) & (delivery.c.step > 0)
    states = delivery.c.state.in_([state.value for state in (State.QUEUED, State.DEFERRED, State.HELD, State.SENDING)])
    return [from_row(row) for row in await connection.execute(select(delivery).where(theirs, states))]
