"""What limits are counted by: tries of a road, of a campaign's day, of a month's money; and the roads that rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Role, Stage, State, Verdict

from .schema import CLAIMABLE_ROWS, PAID_ROWS, TAKEN_ROWS, attempt, delivery, evidence, letter, rest

#: A try that is under way, or that something may have left by.
_COUNTS = attempt.c.verdict != Verdict.UNSENT
#: Literal, so that it is seen to match its partial index.
_OPEN = text(f"attempt.stage <> '{Stage.CLOSED}'")
_DID_NOT_GO = [Verdict.UNSENT.value, Verdict.DEFERRED.value, Verdict.REFUSED.value]
_MAY_BE_CALLING = [Verdict.ACCEPTED.value, Verdict.UNKNOWN.value]
_CALLED, _HEARD = attempt.alias("called"), evidence.alias("heard")  # made once: it costs as much as a query
_GONE = [one.value for one in (State.SENDING, State.ACCEPTED, State.IN_DOUBT, State.PRESUMED, State.DELIVERED)]


# -- roads -------------------------------------------------------------------------------------------------------------


_UNDER_WAY = select(attempt.c.lane, attempt.c.via, func.count()).where(_OPEN).group_by(attempt.c.lane, attempt.c.via)


async def under_way(connection: AsyncConnection) -> tuple[dict[str, int], dict[str, int]]:
    """How many tries are under way: by lane, and by relay or line."""
    lanes: dict[str, int] = {}
    vias: dict[str, int] = {}
    for road, via, count in await connection.execute(_UNDER_WAY):
        lanes[road] = lanes.get(road, 0) + count
        vias[via] = vias.get(via, 0) + count
    return lanes, vias


async def leaving(connection: AsyncConnection) -> int:
    """How many letters are past the point of no return."""
    query = select(func.count()).select_from(attempt).where(_OPEN, attempt.c.stage == Stage.TRANSMITTING)
    return int((await connection.execute(query)).scalar_one())


async def taken_calls(connection: AsyncConnection, channel: str, since: datetime) -> int:
    """How many faxes this gateway took, or may have taken, after `since` and has said nothing of."""
    mine = (delivery.c.channel == channel) & (delivery.c.changed_at > since)
    return int((await connection.execute(select(func.count()).where(TAKEN_ROWS, mine))).scalar_one())


def call_goes_on(number: ColumnElement[str], since: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """May a gateway be calling this number for us? It took a fax since, or may have, and has not told of its end.

    Whatever became of that delivery: who gives it up, or has it sent again, does not end the call.
    """
    told = or_(_HEARD.c.source.startswith("channel:") & (_HEARD.c.verdict != Verdict.ACCEPTED.value),
               _HEARD.c.verdict == Verdict.DELIVERED.value)  # fmt: skip
    ended = exists().where(_HEARD.c.delivery_id == _CALLED.c.delivery_id, _HEARD.c.attempt_id == _CALLED.c.id, told)
    taken = (_CALLED.c.stage == Stage.CLOSED.value) & _CALLED.c.verdict.in_(_MAY_BE_CALLING)
    return exists().where(_CALLED.c.lane == number, _CALLED.c.opened_at > since, taken, ~ended)


async def call_begun(connection: AsyncConnection, number: str, since: datetime) -> tuple[str, datetime] | None:
    """The delivery and the hour of the latest such call; None: nobody is calling this number for us."""
    query = select(attempt.c.delivery_id, attempt.c.opened_at).where(
        attempt.c.lane == number, attempt.c.opened_at > since, call_goes_on(attempt.c.lane, since)
    )
    row = (await connection.execute(query.order_by(attempt.c.opened_at.desc()).limit(1))).first()
    return (row.delivery_id, row.opened_at) if row else None


async def starts(connection: AsyncConnection, column: str, name: str, since: datetime, most: int) -> list[datetime]:
    """When the latest tries of this lane ('lane'), or of this relay or line ('via'), began; the latest first."""
    mine = (attempt.c[column] == name) & (attempt.c.opened_at > since) & _COUNTS
    query = select(attempt.c.opened_at).where(mine).order_by(attempt.c.opened_at.desc()).limit(most)
    return list((await connection.execute(query)).scalars())


async def put_to_rest(connection: AsyncConnection, name: str, until: datetime | None, by: str) -> None:
    """This road rests until then, by that limit; None: it does not."""
    await connection.execute(delete(rest).where(rest.c.name == name))
    if until is not None:
        await connection.execute(insert(rest).values(name=name, until=until, by=by))


_FORGET_RESTED = delete(rest).where(rest.c.until <= bindparam("now"))


async def forget_rested(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(_FORGET_RESTED, {"now": now})


_RESTING = select(rest).where(rest.c.until > bindparam("now")).order_by(rest.c.until, rest.c.name)


async def resting(connection: AsyncConnection, now: datetime) -> dict[str, tuple[datetime, str]]:
    """Until when each road rests, and by which limit."""
    found = await connection.execute(_RESTING, {"now": now})
    return {row.name: (row.until, row.by) for row in found}


async def next_free(connection: AsyncConnection, now: datetime, call: timedelta) -> datetime | None:
    """When the next road has rested, or the next call without news is taken to be over; None: all are free."""
    rested = select(func.min(rest.c.until)).where(rest.c.until > now)
    over = select(func.min(delivery.c.changed_at)).where(TAKEN_ROWS, delivery.c.changed_at > now - call)
    waits = and_(CLAIMABLE_ROWS, delivery.c.due <= now, call_goes_on(delivery.c.lane, now - call))
    calls = select(func.min(attempt.c.opened_at)).join(delivery, delivery.c.lane == attempt.c.lane)
    calls = calls.where(waits, attempt.c.opened_at > now - call)
    begun = [(await connection.execute(query)).scalar() for query in (over, calls)]
    all_ = ((await connection.execute(rested)).scalar(), *(one + call for one in begun if one))
    return min((one for one in all_ if one is not None), default=None)


#: For a claim: the roads that rest `now` `by` a limit.
RESTING_NAMES = select(rest.c.name).where(rest.c.until > bindparam("now"), rest.c.by == bindparam("by"))


def full_lanes(at_once: int) -> Select[tuple[str]]:
    """For a claim: the lanes on which so many tries are under way."""
    return select(attempt.c.lane).where(_OPEN).group_by(attempt.c.lane).having(func.count() >= at_once)


# -- a campaign's day --------------------------------------------------------------------------------------------------


async def letters_since(connection: AsyncConnection, campaign_id: str, since: datetime) -> set[str]:
    """The letters of a campaign that have been tried since; a letter's copies and its fax are the same letter."""
    mine = (attempt.c.campaign_id == campaign_id) & (attempt.c.opened_at >= since) & _COUNTS
    query = select(delivery.c.letter).join(attempt, attempt.c.delivery_id == delivery.c.id).where(mine).distinct()
    return set((await connection.execute(query)).scalars())


# -- courtesy ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """A letter that went, or may have gone, to an office."""

    campaign_id: str
    step: int
    occurrence: str
    at: datetime


async def written_to(connection: AsyncConnection, contact_id: str, since: datetime) -> list[Written]:
    """The letters that went to this office since, the latest first; copies and fall-back faxes are left out."""
    d, a = delivery.c, attempt.c
    theirs = and_(d.contact_id == contact_id, d.role == Role.TO, d.fallback_for == "", d.state.in_(_GONE))
    went = and_(a.opened_at > since, or_(a.stage != Stage.CLOSED, a.verdict.not_in(_DID_NOT_GO)))
    query = (
        select(d.campaign_id, d.step, d.occurrence, func.max(a.opened_at).label("at"))
        .join(attempt, a.delivery_id == d.id)
        .where(theirs, went)
        .group_by(d.campaign_id, d.step, d.occurrence)
    )
    found = [Written(row.campaign_id, row.step, row.occurrence, row.at) for row in await connection.execute(query)]
    return sorted(found, key=lambda one: one.at, reverse=True)


# -- money -------------------------------------------------------------------------------------------------------------


async def spent(
    connection: AsyncConnection, currency: str, since: datetime | None = None, campaign_id: str = ""
) -> int:
    """What faxes cost, in ten-thousandths: since then, of that campaign."""
    query = select(func.coalesce(func.sum(attempt.c.cost), 0)).where(PAID_ROWS, attempt.c.currency == currency)
    if since is not None:
        query = query.where(attempt.c.opened_at >= since)
    if campaign_id:
        query = query.where(attempt.c.campaign_id == campaign_id)
    return int((await connection.execute(query)).scalar_one())


async def correct_cost(connection: AsyncConnection, attempt_id: str, outcome: Outcome) -> None:
    """A call that failed costs what its pages cost: nothing where nobody took one."""
    if outcome.verdict.value not in _DID_NOT_GO:
        return
    share = 0 if outcome.verdict is Verdict.UNSENT else max(outcome.pages or 0, 0)
    whole = (
        select(letter.c.fax_pages)
        .join(delivery, delivery.c.letter == letter.c.digest)
        .where(delivery.c.id == attempt.c.delivery_id)
        .scalar_subquery()
    )
    part = case((whole > share, attempt.c.cost * share // whole), else_=attempt.c.cost) if share else 0
    await connection.execute(update(attempt).where(attempt.c.id == attempt_id, PAID_ROWS).values(cost=part))


async def campaigns_that_paid(connection: AsyncConnection, currency: str) -> Sequence[tuple[str, int]]:
    """Which campaign's faxes cost how much, the dearest first."""
    total = func.sum(attempt.c.cost)
    query = select(attempt.c.campaign_id, total).where(PAID_ROWS, attempt.c.currency == currency)
    rows = await connection.execute(query.group_by(attempt.c.campaign_id).order_by(total.desc()))
    return [(row[0], int(row[1])) for row in rows]
