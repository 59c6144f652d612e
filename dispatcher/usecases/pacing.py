"""Who may go now: measures each due letter, at its claim, against every limit. What may not costs no try.

Everything is counted from rows in the transaction of the claim, so that it holds over all workers and hosts.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
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

log = logging.getLogger(__name__)

#: So often one claim looks for more while each look finds something that has to wait.
LOOKS = 40
#: The longest span of a pace: older tries do not count.
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A row that may go now, and what its try is given."""

    row: Delivery
    fare: Fare


async def tickets(
    connection: AsyncConnection, office: Office, room: Mapping[Kind, int], most: int, worker: Actor
) -> AsyncIterator[Ticket]:
    """At most `most` rows that may go now, one after the other: each must be leased before the next is asked for."""
    if await sending.stopped(connection):
        return
    turn = await _begin(connection, office, dict(room), worker)
    for _ in range(LOOKS):
        rows = await deliveries.claimable(connection, turn.offer(), most) if most > 0 else []
        if not rows:
            return
        for row in rows:
            if (fare := await turn.admit(row)) is not None:
                yield Ticket(row, fare)
                await turn.took(row, fare)
                most -= 1


async def _begin(connection: AsyncConnection, office: Office, room: dict[Kind, int], worker: Actor) -> _Turn:
    now = office.clock.now()
    await limits.forget_rested(connection, now)
    lanes, vias = await limits.under_way(connection)
    turn = _Turn(connection, office, room, worker, now, lanes, vias, await limits.resting(connection, now))
    await turn.look_at_days()
    return turn


@dataclass(slots=True)
class _Turn:
    """One claim's account of what is used up."""

    connection: AsyncConnection
    office: Office
    room: dict[Kind, int]
    worker: Actor
    now: datetime
    lanes: dict[str, int]  #: tries under way
    vias: dict[str, int]
    rests: dict[str, tuple[datetime, str]]
    full_days: dict[str, tuple[int, set[str]]] = field(default_factory=dict)  #: campaign → most a day, letters of today
    not_by: set[tuple[str, Kind]] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)  #: being called by this claim

    @property
    def limits(self) -> Limits:
        return self.office.limits

    def offer(self) -> Offer:
        only = {name: letters for name, (most, letters) in self.full_days.items() if len(letters) >= most}
        return Offer(self.now, self.room, self.limits.domain, self.now - self.limits.call, only, self.not_by)

    async def look_at_days(self) -> None:
        since, _ = day_of(self.now, self.limits.zone)
        for name in await deliveries.campaigns_with_work(self.connection, self.now):
            if most := (await campaigns.get(self.connection, name)).limits.a_day(self.limits):
                self.full_days[name] = most, await limits.letters_since(self.connection, name, since)

    async def admit(self, row: Delivery) -> Fare | None:
        """The fare of this row's try; None where it has to wait."""
        if self.room.get(row.kind, 0) <= 0 or (row.campaign_id, row.kind) in self.not_by or self._road_is_used(row):
            return None
        if self._day_is_full(row) or await self._too_soon(row):
            return None
        via = await self._way(row)
        return None if via is None else await self._paid(row, via)

    def _road_is_used(self, row: Delivery) -> bool:
        """By a row before it in the same look; the next look leaves such rows out."""
        if row.kind is Kind.FAX:
            return row.address in self.numbers
        pace, road = self.limits.domain, lane(row.kind, row.address)
        return _is_used(road, pace, self.lanes, self.rests)

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

    async def _way(self, row: Delivery) -> str | None:
        """The first relay or line that is free; '' where none is limited by name, None where all are used."""
        channel = self.office.outgoing[row.kind]
        ways = self.limits.ways_of(channel)
        for via, pace in ways.items():
            if not _is_used(via, pace, await self._calls(row.kind, channel, via), self.rests):
                return via
        if ways:
            self.room[row.kind] = 0
            return None
        return ""

    async def _calls(self, kind: Kind, channel: str, via: str) -> dict[str, int]:
        """A line is used as well by the faxes that its gateway took and has not told the end of."""
        if kind is not Kind.FAX or not self.limits.ways_of(channel)[via].at_once:
            return self.vias
        taken = await limits.taken_calls(self.connection, channel, self.now - self.limits.call)
        return {via: self.vias.get(via, 0) + taken}

    async def _paid(self, row: Delivery, via: str) -> Fare | None:
        if row.kind is not Kind.FAX:
            return Fare(via)
        fare = await fare_of(self.connection, self.office, row, via)
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
            self.room[Kind.FAX] = 0
        name = f"spending:{row.campaign_id}" if reached.of_campaign else "spending"
        if self.rests.get(name, (None, ""))[1] == reached.limit:
            return
        until = reached.until or self.now + timedelta(days=3650)
        await limits.put_to_rest(self.connection, name, until, reached.limit)
        log.warning("W_SPENDING faxes wait: %s", reached.words)
        event = AuditEvent(str(self.worker), "limit.spending", name, data={"limit": reached.limit})
        await audit.append(self.connection, event, self.now)

    async def took(self, row: Delivery, fare: Fare) -> None:
        """It was leased: what it used is used."""
        self.room[row.kind] -= 1
        road = lane(row.kind, row.address)
        self.lanes[road] = self.lanes.get(road, 0) + 1
        self.vias[fare.via] = self.vias.get(fare.via, 0) + 1
        if row.kind is Kind.FAX:
            self.numbers.add(row.address)
        if row.campaign_id in self.full_days:
            self.full_days[row.campaign_id][1].add(row.letter)
        await self._rest("lane", road, self.limits.domain if row.kind is Kind.EMAIL else FREELY)
        await self._rest("via", fare.via, self.limits.ways_of(self.office.outgoing[row.kind]).get(fare.via, FREELY))

    async def _rest(self, column: str, name: str, pace: Pace) -> None:
        until = await note_rest(self.connection, column, name, pace, self.now)
        if until is not None:
            self.rests[name] = until, pace.words


def _is_used(name: str, pace: Pace, under_way: Mapping[str, int], rests: Mapping[str, tuple[datetime, str]]) -> bool:
    full = pace.at_once and under_way.get(name, 0) >= pace.at_once
    return bool(full) or (name in rests and rests[name][1] == pace.words)


async def note_rest(connection: AsyncConnection, column: str, name: str, pace: Pace, now: datetime) -> datetime | None:
    """Put a road to rest as its tries so far demand; until when. Counted anew each time: a try that was turned back
    before anything left has used nothing up."""
    if not pace.spans:
        return None
    most = max(count for count, _ in pace.spans)
    until = rests_until(pace, await limits.starts(connection, column, name, now - _LONGEST, most))
    until = until if until and until > now else None
    await limits.put_to_rest(connection, name, until, pace.words)
    return until


async def give_back(connection: AsyncConnection, office: Office, row: Delivery, via: str) -> None:
    """A try was turned back before anything left: its road is as free as if it had never been."""
    now = office.clock.now()
    if row.kind is Kind.EMAIL:
        await note_rest(connection, "lane", lane(row.kind, row.address), office.limits.domain, now)
    ways = office.limits.ways_of(row.channel)
    await note_rest(connection, "via", via, ways.get(via, FREELY), now)


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
