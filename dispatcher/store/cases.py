"""Deliveries with all that decides what a person may do with them, in one query however many they are. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, exists, func, select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.verbs import Case
from dispatcher.domain.words import Kind, State

from .deliveries import from_row
from .parts import in_parts
from .schema import address, answer, campaign, delivery, occurrence, suppression
from .views import ORDER, Wanted

_d = delivery.c
_OTHER = case((_d.kind == Kind.EMAIL.value, Kind.FAX.value), else_=Kind.EMAIL.value)


async def matching(connection: AsyncConnection, wanted: Wanted, now: datetime) -> list[Case]:
    """In the order in which a list shows them."""
    rows = await connection.execute(_QUERY.where(wanted.clause()).order_by(*ORDER))
    return [_from_row(row, now) for row in rows]


async def named(connection: AsyncConnection, ids: Sequence[str], now: datetime) -> dict[str, Case]:
    """By id; those that there are."""
    found: dict[str, Case] = {}
    for part in in_parts(ids):
        found |= {row.id: _from_row(row, now) for row in await connection.execute(_QUERY.where(_d.id.in_(part)))}
    return found


def _from_row(row: Row[Any], now: datetime) -> Case:
    return Case(
        delivery=from_row(row),
        now=now,
        stopped=bool(row.stopped),
        suppressed=bool(row.suppressed),
        present=bool(row.present),
        answered=bool(row.answered),
        proven=bool(row.proven),
        doubtful_sister=row.doubtful_sister or "",
        other_address=row.other_address or "",
        other_suppressed=bool(row.other_suppressed),
        other_sister=row.other_sister or "",
    )


def _query() -> Select[Any]:
    other_address = _address_of(_OTHER)
    return select(
        delivery,
        exists().where(campaign.c.id == _d.campaign_id, campaign.c.stopped_at.is_not(None)).label("stopped"),
        _suppressed(_d.kind, _d.address).label("suppressed"),
        _has(_d.kind, _d.address).label("present"),
        _answered().label("answered"),
        _proven().label("proven"),
        _sister(lambda s: s.state == State.IN_DOUBT.value).label("doubtful_sister"),
        _sister(lambda s: and_(s.kind == _OTHER, s.state != State.CANCELLED.value)).label("other_sister"),
        other_address.label("other_address"),
        _suppressed(_OTHER, other_address).label("other_suppressed"),
    )


def _suppressed(kind: Any, value: Any) -> ColumnElement[bool]:
    here = (suppression.c.kind == kind) & (suppression.c.value == value)
    return exists(select(suppression.c.value).where(here).correlate(delivery))


def _has(kind: Any, value: Any) -> ColumnElement[bool]:
    """Does the contact have this address still? Whoever was taken off the list has none."""
    return exists().where(address.c.contact_id == _d.contact_id, address.c.kind == kind, address.c.value == value)


def _address_of(kind: Any) -> Any:
    theirs = (address.c.contact_id == _d.contact_id) & (address.c.kind == kind)
    return select(address.c.value).where(theirs).correlate(delivery).scalar_subquery()


def _answered() -> ColumnElement[bool]:
    """As `contacts.has_answered` has it: an answer counts for what left before it."""
    mine = (answer.c.campaign_id == _d.campaign_id) & (answer.c.contact_id == _d.addressee_id)
    here = (occurrence.c.campaign_id == _d.campaign_id) & (occurrence.c.local_key == _d.occurrence)
    later = exists(select(occurrence.c.at).where(here, occurrence.c.at > answer.c.at).correlate(answer, delivery))
    return exists(select(answer.c.id).where(mine, ~later).correlate(delivery))


def _proven() -> ColumnElement[bool]:
    email = delivery.alias("email")
    arrived = (email.c.id == _d.fallback_for) & (email.c.state == State.DELIVERED.value)
    return exists(select(email.c.id).where(arrived).correlate(delivery))


def _sister(which: Any) -> Any:
    """The id of one other delivery of the same letter to the same contact for which `which` holds."""
    s: FromClause = delivery.alias("sister")
    same = [s.c[name] == _d[name] for name in ("campaign_id", "contact_id", "step", "addressee_id", "occurrence")]
    of = select(func.min(s.c.id)).where(*same, s.c.id != _d.id, which(s.c))
    return of.correlate(delivery).scalar_subquery()


#: Made once: making it takes longer than running it.
_QUERY = _query()
