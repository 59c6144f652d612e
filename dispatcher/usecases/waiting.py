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
from dispatcher.store import campaigns, deliveries, limits, sending

from .fares import fare_of
from .halt import told
from .office import Office
from .pacing import courtesy, is_used, overspent, used_routes
from .ways import Way, Ways


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
    """Every way that it could take is closed or paused."""
    ways, channels = await Ways.now(connection, office), office.ways(row.kind, row.address)
    if any(ways.look(channel) for channel in channels):
        return None
    names = [name for channel in channels for name in (channel, *_inner(office, channel))]
    shut = [ways.known[name] for name in names if name in ways.known and not ways.known[name].takes_letters]
    until = min((one.until for one in shut if one.until), default=None)
    words = "; ".join(f"{one.name}: {one.state} {one.cause} {one.detail}".strip() for one in shut)
    return Waiting(Cause.ROUTE_PAUSED, words or f"no way out by {row.kind} is set", until)


def _inner(office: Office, channel: str) -> tuple[str, ...]:
    return office.channels[channel].routes if channel in office.channels else ()


async def _call(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    since = office.clock.now() - office.limits.call
    if row.kind is not Kind.FAX:
        return None
    other = await deliveries.call_to(connection, row.address, since)
    if other is not None and other.id != row.id:
        until = None if other.state is State.SENDING else other.changed_at + office.limits.call
        return Waiting(Cause.GATE_CALLING, f"fax {other.id} to this number is under way", until)
    begun = await limits.call_begun(connection, row.address, since)
    if begun is None:
        return None
    return Waiting(Cause.GATE_CALLING, f"fax {begun[0]} to this number may be under way", begun[1] + office.limits.call)


async def _domain(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    pace, road = office.limits.domain, lane(row.kind, row.address)
    if row.kind is not Kind.EMAIL or pace == FREELY:
        return None
    rest = (await limits.resting(connection, office.clock.now())).get(road)
    if is_used(pace, (await limits.under_way(connection))[0].get(road, 0), rest):
        return Waiting(Cause.GATE_RATE, f"to {road}: {pace.words}", rest[0] if rest else None)
    return None


async def _ways(connection: AsyncConnection, office: Office, row: Delivery) -> Waiting | None:
    """Every relay or gateway that is open is used as much as it may be."""
    ways, channels = await Ways.now(connection, office), office.ways(row.kind, row.address)
    used = await used_routes(connection, office)
    ways.full |= used.keys()
    if any(ways.look(channel) for channel in channels):
        return None
    mine = [name for channel in channels for name in (channel, *_inner(office, channel)) if name in used]
    until = min((one for one in (used[name] for name in mine) if one), default=None)
    return Waiting(
        Cause.GATE_RATE, "by " + "; ".join(f"{one}: {office.limits.of_route(one).words}" for one in mine), until
    )


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
    way = Way(next(iter(office.ways(row.kind, row.address)), ""))
    fare = await fare_of(connection, office, row, way)
    found = await overspent(connection, office.limits, row.campaign_id, fare, office.clock.now())
    return Waiting(Cause.GATE_SPENDING, found.words, found.until) if found else None


_LOOKS: tuple[Look, ...] = (_switched_off, _hour, _route, _call, _domain, _ways, _office, _day, _money)
