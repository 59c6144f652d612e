"""Who may go now: measures each due letter, at its claim, against every limit. What may not costs no try.

Everything is counted from rows in the transaction of the claim, so that it holds over all workers and hosts.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.limits import FREELY, Limits, Pace, day_of, lane, money, month_of, rests_until, units
from dispatcher.domain.model import Actor, Delivery
from dispatcher.domain.words import Cause, Kind, Role
from dispatcher.store import audit, campaigns, deliveries, limits, sending
from dispatcher.store.attempts import Fare
from dispatcher.store.deliveries import Offer

from .fares import fare_of
from .moves import wait
from .office import Office
from .ways import Way, Ways

log = logging.getLogger(__name__)

#: So often one claim looks for more while each look finds something that has to wait.
LOOKS = 40
#: The longest span of a pace: older tries do not count.
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A row that may go now, by which way, and what its try is given."""

    row: Delivery
    way: Way
    fare: Fare


async def tickets(connection: AsyncConnection, office: Office, worker: Actor, most: int) -> AsyncIterator[Ticket]:
    """At most `most` rows that may go now, one after the other: each must be leased before the next is asked for."""
    if await sending.stopped(connection):
        return
    turn = await _begin(connection, office, worker)
    for _ in range(LOOKS):
        rows = await deliveries.claimable(connection, turn.offer(most), most) if most > 0 else []
        if not rows:
            return
        for row in rows:
            if (ticket := await turn.admit(row)) is not None:
                yield ticket
                await turn.took(ticket)
                most -= 1


async def _begin(connection: AsyncConnection, office: Office, worker: Actor) -> _Turn:
    now = office.clock.now()
    await limits.forget_rested(connection, now)
    lanes, vias = await limits.under_way(connection)
    ways, rests = await Ways.now(connection, office), await limits.resting(connection, now)
    turn = _Turn(connection, office, worker, ways, lanes, vias, rests)
    await turn.look_at_days()
    await turn.look_at_routes()
    return turn


@dataclass(slots=True)
class _Turn:
    """One claim's account of what is used up."""

    connection: AsyncConnection
    office: Office
    worker: Actor
    ways: Ways
    lanes: dict[str, int]  #: tries under way
    vias: dict[str, int]  #: the same by route; of a gateway, with the faxes that it took and has said nothing of
    rests: dict[str, tuple[datetime, str]]
    full_days: dict[str, tuple[int, set[str]]] = field(default_factory=dict)  #: campaign → most a day, letters of today
    not_by: set[tuple[str, Kind]] = field(default_factory=set)
    no_money: bool = False
    numbers: set[str] = field(default_factory=set)  #: being called by this claim

    @property
    def now(self) -> datetime:
        return self.ways.at

    @property
    def limits(self) -> Limits:
        return self.office.limits

    def offer(self, most: int) -> Offer:
        room = {lot: count for lot, count in self.ways.shares(most).items() if not self._is_poor(lot.kind)}
        only = {name: letters for name, (count, letters) in self.full_days.items() if len(letters) >= count}
        return Offer(self.now, room, self.limits.domain, self.now - self.limits.call, only, self.not_by)

    def _is_poor(self, kind: Kind) -> bool:
        return kind is Kind.FAX and self.no_money

    async def look_at_days(self) -> None:
        since, _ = day_of(self.now, self.limits.zone)
        for name in await deliveries.campaigns_with_work(self.connection, self.now):
            if most := (await campaigns.get(self.connection, name)).limits.a_day(self.limits):
                self.full_days[name] = most, await limits.letters_since(self.connection, name, since)

    async def look_at_routes(self) -> None:
        """Which of them are used as much as they may be."""
        for name, taken in (await calls_taken(self.connection, self.office)).items():
            self.vias[name] = self.vias.get(name, 0) + taken
        self.ways.full |= {name for name, pace in self.limits.routes.items() if self._route_is_used(name, pace)}

    def _route_is_used(self, name: str, pace: Pace) -> bool:
        return is_used(pace, self.vias.get(name, 0), self.rests.get(resting_name(name)))

    async def admit(self, row: Delivery) -> Ticket | None:
        """The ticket of this row; None where it has to wait."""
        if self._is_poor(row.kind) or (row.campaign_id, row.kind) in self.not_by or self._road_is_used(row):
            return None
        if self._day_is_full(row) or await self._too_soon(row):
            return None
        way = await self.ways.find(row)
        fare = await self._paid(row, way) if way else None
        if way is None or fare is None:
            return None
        await self.ways.take_place(way)
        return Ticket(row, way, fare)

    def _road_is_used(self, row: Delivery) -> bool:
        """By a row before it in the same look; the next look leaves such rows out."""
        if row.kind is Kind.FAX:
            return row.address in self.numbers
        pace, road = self.limits.domain, lane(row.kind, row.address)
        return is_used(pace, self.lanes.get(road, 0), self.rests.get(road))

    def _day_is_full(self, row: Delivery) -> bool:
        if row.campaign_id not in self.full_days:
            return False
        most, letters = self.full_days[row.campaign_id]
        return len(letters) >= most and row.letter not in letters

    async def _too_soon(self, row: Delivery) -> bool:
        """Was another letter sent to this office only lately? Then it waits, and says so."""
        if row.role is not Role.TO or row.fallback_for:
            return False
        campaign = await campaigns.get(self.connection, row.campaign_id)
        found = await courtesy(self.connection, row, campaign.limits.gap(self.limits), self.now)
        if found is not None:
            until, words = found
            await wait(self.connection, self.office, row, until, Cause.GATE_COURTESY, words, self.worker)
        return found is not None

    async def _paid(self, row: Delivery, way: Way) -> Fare | None:
        if row.kind is not Kind.FAX:
            return Fare(way.via)
        fare = await fare_of(self.connection, self.office, row, way)
        reached = await overspent(self.connection, self.limits, row.campaign_id, fare, self.now)
        if reached is None:
            return fare
        await self._no_money(row, reached)
        return None

    async def _no_money(self, row: Delivery, reached: Reached) -> None:
        """Faxes wait: all of them, or those of the campaign; told once for each time that it comes about."""
        if reached.of_campaign:
            self.not_by.add((row.campaign_id, Kind.FAX))
        else:
            self.no_money = True
        name = f"spending:{row.campaign_id}" if reached.of_campaign else "spending"
        if self.rests.get(name, (None, ""))[1] == reached.limit:
            return
        until = reached.until or self.now + timedelta(days=3650)
        await limits.put_to_rest(self.connection, name, until, reached.limit)
        log.warning("W_SPENDING faxes wait: %s", reached.words)
        event = AuditEvent(str(self.worker), "limit.spending", name, data={"limit": reached.limit})
        await audit.append(self.connection, event, self.now)

    async def took(self, ticket: Ticket) -> None:
        """It was leased: what it used is used."""
        row, via = ticket.row, ticket.way.via
        road = lane(row.kind, row.address)
        self.lanes[road] = self.lanes.get(road, 0) + 1
        self.vias[via] = self.vias.get(via, 0) + 1
        if row.kind is Kind.FAX:
            self.numbers.add(row.address)
        if row.campaign_id in self.full_days:
            self.full_days[row.campaign_id][1].add(row.letter)
        for name, until, pace in await note_rests(self.connection, self.office, row, via):
            if until is not None:
                self.rests[name] = until, pace.words
        if self._route_is_used(via, self.limits.of_route(via)):
            self.ways.full.add(via)


def is_used(pace: Pace, under_way: int, rest: tuple[datetime, str] | None) -> bool:
    """Is this road used as much as it may be? A rest counts by the limit that has set it."""
    return bool(pace.at_once and under_way >= pace.at_once) or (rest is not None and rest[1] == pace.words)


def resting_name(route: str) -> str:
    """A route's name among the roads that rest, where no domain has it."""
    return f"route:{route}"


async def calls_taken(connection: AsyncConnection, office: Office) -> dict[str, int]:
    """How many calls each gateway may be making for us: faxes that it took, and has said nothing of."""
    since = office.clock.now() - office.limits.call
    limited = [name for name, pace in office.limits.routes.items() if pace.at_once and name in office.channels]
    return {name: await limits.taken_calls(connection, name, since) for name in limited}


async def used_routes(connection: AsyncConnection, office: Office) -> dict[str, datetime | None]:
    """The relays and gateways that are used as much as they may be, with when each is free again, if that is known."""
    _, vias = await limits.under_way(connection)
    taken, rests = await calls_taken(connection, office), await limits.resting(connection, office.clock.now())
    found: dict[str, datetime | None] = {}
    for name, pace in office.limits.routes.items():
        rest = rests.get(resting_name(name))
        if is_used(pace, vias.get(name, 0) + taken.get(name, 0), rest):
            found[name] = rest[0] if rest and rest[1] == pace.words else None
    return found


async def note_rests(
    connection: AsyncConnection, office: Office, row: Delivery, via: str
) -> list[tuple[str, datetime | None, Pace]]:
    """Put the roads of a try to rest as their tries so far demand: (name, until when, by which limit).

    Counted anew each time: a try that was turned back before anything left has used nothing up.
    """
    road = lane(row.kind, row.address)
    domain = office.limits.domain if row.kind is Kind.EMAIL else FREELY
    roads = (("lane", road, road, domain), ("via", via, resting_name(via), office.limits.of_route(via)))
    noted = []
    for column, value, name, pace in roads:
        if pace.spans:
            noted.append((name, await _note_rest(connection, column, value, name, pace, office.clock.now()), pace))
    return noted


async def _note_rest(
    connection: AsyncConnection, column: str, value: str, name: str, pace: Pace, now: datetime
) -> datetime | None:
    most = max(count for count, _ in pace.spans)
    until = rests_until(pace, await limits.starts(connection, column, value, now - _LONGEST, most))
    until = until if until and until > now else None
    await limits.put_to_rest(connection, name, until, pace.words)
    return until


async def courtesy(
    connection: AsyncConnection, row: Delivery, gap: timedelta, now: datetime
) -> tuple[datetime, str] | None:
    """Until when this letter has to wait for another one to the same office, and in words; None where it has not."""
    if not gap:
        return None
    mine = (row.campaign_id, row.step, row.occurrence)
    for one in await limits.written_to(connection, row.contact_id, now - gap):
        if (one.campaign_id, one.step, one.occurrence) != mine:
            hours = f"{gap.total_seconds() / 3600:g} hours"
            which = f"letter {one.step + 1} of '{one.campaign_id}'"
            return one.at + gap, f"{which} went to them at {one.at:%d %B %H:%M} UTC; {hours} lie between two letters"
    return None


# -- money -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reached:
    """A spending limit that leaves no money for a fax."""

    limit: str  #: 'EUR 50.00 a day'
    words: str  #: with what is spent
    until: datetime | None  #: None: until somebody raises it
    of_campaign: bool = False


async def overspent(
    connection: AsyncConnection, known: Limits, campaign_id: str, fare: Fare, now: datetime
) -> Reached | None:
    """The first limit that a fax of this fare would pass; None where there is money for it."""
    given = known.spending
    if not given.limited or not fare.cost or fare.currency != given.currency:
        return None
    for what, limit, since, until in (
        ("a day", given.per_day, *day_of(now, known.zone)),
        ("a month", given.per_month, *month_of(now, known.zone)),
    ):
        used = await limits.spent(connection, given.currency, since) if limit else 0
        if limit and used + fare.cost > units(limit):
            return _reached(used, units(limit), given.currency, what, until)
    used = await limits.spent(connection, given.currency, None, campaign_id) if given.per_campaign else 0
    if given.per_campaign and used + fare.cost > units(given.per_campaign):
        return _reached(used, units(given.per_campaign), given.currency, f"for campaign '{campaign_id}'", None)
    return None


def _reached(used: int, most: int, currency: str, what: str, until: datetime | None) -> Reached:
    limit = f"{money(most, currency)} {what}"
    words = f"{money(used, currency)} of {limit} are spent, and the next fax would pass that"
    return Reached(limit, words, until, of_campaign=until is None)
