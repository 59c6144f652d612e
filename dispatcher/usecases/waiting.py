"""Says why a letter that waits has not left yet, and until when: out of the same rows that a claim goes by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.lifecycle import CLAIMABLE
from dispatcher.domain.limits import FREELY, day_of, lane
from dispatcher.domain.model import Delivery
from dispatcher.domain.words import Cause, Kind, Role, State
from dispatcher.store import campaigns, deliveries, limits, routes, sending

from .fares import fare_of
from .halt import told
from .office import Office
from .pacing import courtesy, overspent


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a letter waits, in words, and until when; None: until something else happens."""

    cause: Cause
    words: str
    until: datetime | None


Look = Callable[[AsyncConnection, Office, Delivery], Awaitable[Waiting | None]]


async def why_waiting(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    """The first reason, in the order in which a person would want to hear it; None where its turn is now, or it does
    not wait to be sent."""
    if row.state not in CLAIMABLE:
        return None
    for look in _LOOKS:
        if found := await look(connection, office, row):
            return found
    return None


async def _switched_off(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    if stop := await sending.stopped(connection):
        return Waiting(Cause.GATE_HALTED, told(stop), None)
    campaign = await campaigns.get(connection, row.campaign_id)
    return None if campaign.running else Waiting(Cause.GATE_PAUSED, f"its campaign is {campaign.phase}", None)


async def _hour(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    if row.due is None or row.due <= office.clock.now():
        return None
    return Waiting(row.cause, row.detail or "its hour has not come", row.due)


async def _route(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    route = (await routes.every(connection)).get(office.outgoing.get(row.kind, ""))
    if route is None or route.paused_until <= office.clock.now():
        return None
    return Waiting(Cause.ROUTE_PAUSED, f"{route.name} is paused: {route.cause} {route.detail}", route.paused_until)


async def _call(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    since = office.clock.now() - office.limits.call
    other = await deliveries.call_to(connection, row.address, since) if row.kind is Kind.FAX else None
    if other is None or other.id == row.id:
        return None
    until = None if other.state is State.SENDING else other.changed_at + office.limits.call
    return Waiting(Cause.GATE_CALLING, f"fax {other.id} to this number is under way", until)


async def _domain(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    pace, road = office.limits.domain, lane(row.kind, row.address)
    if row.kind is not Kind.EMAIL or pace == FREELY:
        return None
    until, by = (await limits.resting(connection, office.clock.now())).get(road, (None, ""))
    full = pace.at_once and (await limits.under_way(connection))[0].get(road, 0) >= pace.at_once
    if full or (until and by == pace.words):
        return Waiting(Cause.GATE_RATE, f"to {road}: {pace.words}", until)
    return None


async def _ways(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    """Every relay or line is used as much as it may be."""
    channel, now = office.outgoing.get(row.kind, ""), office.clock.now()
    ways, rests = office.limits.ways_of(channel), await limits.resting(connection, now)
    _, under_way = await limits.under_way(connection)
    taken = await limits.taken_calls(connection, channel, now - office.limits.call) if row.kind is Kind.FAX else 0
    told_of: list[tuple[str, datetime | None]] = []
    for via, pace in ways.items():
        until, by = rests.get(via, (None, ""))
        full = pace.at_once and under_way.get(via, 0) + taken >= pace.at_once
        if not full and not (until and by == pace.words):
            return None
        told_of.append((f"{via.partition(':')[2]}: {pace.words}", until))
    if not told_of:
        return None
    until = min((one for _, one in told_of if one), default=None)
    return Waiting(Cause.GATE_RATE, "by " + "; ".join(words for words, _ in told_of), until)


async def _office(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    if row.role is not Role.TO or row.fallback_for:
        return None
    gap = (await campaigns.get(connection, row.campaign_id)).limits.gap(office.limits)
    found = await courtesy(connection, row, gap, office.clock.now())
    return Waiting(Cause.GATE_COURTESY, found[1], found[0]) if found else None


async def _day(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    most = (await campaigns.get(connection, row.campaign_id)).limits.a_day(office.limits)
    since, until = day_of(office.clock.now(), office.limits.zone)
    letters = await limits.letters_since(connection, row.campaign_id, since) if most else set()
    if most and len(letters) >= most and row.letter not in letters:
        return Waiting(Cause.GATE_DAY, f"{most} letters a day, and {len(letters)} were sent today", until)
    return None


async def _money(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    if row.kind is not Kind.FAX or not office.limits.spending.limited:
        return None
    fare = await fare_of(connection, office, row, "")
    found = await overspent(connection, office.limits, row.campaign_id, fare, office.clock.now())
    return Waiting(Cause.GATE_SPENDING, found.words, found.until) if found else None


_LOOKS: tuple[Look, ...] = (_switched_off, _hour, _route, _call, _domain, _ways, _office, _day, _money)
