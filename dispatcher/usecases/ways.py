"""Which way a letter goes: the first of its channels that is open, and one at a time on trial where one may be.

A letter moves to another gateway only when its latest try is closed and surely came to nothing; see `surely_unsent`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.model import Attempt, Delivery
from dispatcher.domain.routes import Lot, Route
from dispatcher.domain.schedule import SHORT_WAIT
from dispatcher.domain.words import Cause, Kind, Stage, Verdict
from dispatcher.store import attempts, deliveries, routes

from .office import Office

#: Verdicts that prove that nothing arrived.
NOTHING_ARRIVED = frozenset({Verdict.DEFERRED, Verdict.REFUSED, Verdict.UNSENT})
#: After these the fault is the gateway's or our account's there: another one may do better.
TRY_ELSEWHERE = frozenset(
    {
        Cause.FAX_GATEWAY_UNREACHABLE,
        Cause.FAX_NO_CREDIT,
        Cause.FAX_PROVIDER_REJECTED,
        Cause.ROUTE_PAUSED,
        Cause.SMTP_CONNECT,
        Cause.SMTP_TLS,
        Cause.SMTP_AUTH,
        Cause.SMTP_REFUSED,
        Cause.SMTP_BUSY,
    }
)


@dataclass(frozen=True, slots=True)
class Way:
    """How one letter goes."""

    channel: str
    avoid: frozenset[str] = frozenset()  #: routes of the channel that it must not take
    trial: str = ""  #: the route that is tried with it
    via: str = ""  #: the route that it is counted by: a mail's first relay, a fax's gateway


async def surely_unsent(connection: AsyncConnection, delivery_id: str) -> bool:
    """Is the latest try that was made closed, and is it certain that nothing of it arrived? True where there was none.

    The last word that counted decides: a gateway's 'we never had it', or a bounce, after an acceptance is such proof.
    """
    attempt = await attempts.last_made(connection, delivery_id)
    return attempt is None or _is_proven(attempt, await attempts.evidence_of(connection, delivery_id))


async def never_arrived(connection: AsyncConnection, delivery_id: str) -> bool:
    """The same of all its tries: a second one, made knowingly, that was refused says nothing of the first."""
    evidence = await attempts.evidence_of(connection, delivery_id)
    return all(_is_proven(one, evidence) for one in await attempts.of_delivery(connection, delivery_id))


def _is_proven(attempt: Attempt, evidence: Sequence[Mapping[str, Any]]) -> bool:
    counted = [one["verdict"] for one in evidence if one["attempt_id"] == attempt.id and one["applied"]]
    return attempt.stage is Stage.CLOSED and (counted[-1] if counted else attempt.verdict) in NOTHING_ARRIVED


@dataclass(slots=True)
class Ways:
    """The routes as they stand in this transaction."""

    connection: AsyncConnection
    office: Office
    at: datetime
    known: dict[str, Route]
    full: set[str] = field(default_factory=set)  #: routes that are used as much as they may be, see `pacing`

    @classmethod
    async def now(cls, connection: AsyncConnection, office: Office) -> Ways:
        return cls(connection, office, office.clock.now(), await routes.every(connection))

    def shares(self, room: int) -> dict[Lot, int]:
        """How many of each lot: none while all its ways are closed, one letter while one of them is on trial."""
        return {lot: most for lot in self._lots() if (most := self._room(lot, room))}

    def _lots(self) -> list[Lot]:
        beginnings = sorted({"", *self.office.fax_gateways})
        lots = [Lot(kind) for kind in self.office.outgoing if kind is not Kind.FAX]
        if Kind.FAX in self.office.outgoing:
            lots += [Lot(Kind.FAX, one, tuple(b for b in beginnings if b != one and b.startswith(one)))
                     for one in beginnings]  # fmt: skip
        return lots

    def _room(self, lot: Lot, room: int) -> int:
        found = [self.look(channel) for channel in self.office.ways(lot.kind, lot.begins)]
        if any(way is not None and not way.trial for way in found):
            return room
        return 1 if any(found) else 0

    def look(self, channel: str) -> Way | None:
        """How a letter could go by this channel; None: not at all."""
        own = self.known.get(channel)
        shut = own is not None and not own.takes_letters and not own.trial_is_free(self.at)
        if shut or channel in self.full or channel not in self.office.channels:
            return None
        trial = "" if own is None or own.takes_letters else channel
        inner = self.office.channels[channel].routes
        free = [one for one in inner if one not in self.full]
        open_ones = [one for one in free if one not in self.known or self.known[one].takes_letters]
        on_trial = [one for one in free if one in self.known and self.known[one].trial_is_free(self.at)]
        if inner and not open_ones:
            return self._by(channel, on_trial[:1], on_trial[0]) if on_trial else None
        return self._by(channel, open_ones, trial)

    def _by(self, channel: str, routes: list[str], trial: str) -> Way:
        """By these routes of the channel and no other, where it has several."""
        made = self.office.channels[channel]
        via = routes[0] if routes and made.kind is Kind.EMAIL else channel
        return Way(channel, frozenset(made.routes) - {*routes}, trial, via)

    def _knock(self, channel: str, way: Way) -> Way:
        """Of many letters over open relays, one tries the relay that was let in by a look."""
        inner = self.office.channels[channel].routes
        free = [one for one in inner if one not in self.full and one in self.known]
        found = next((one for one in free if self.known[one].trial_is_free(self.at)), "")
        return self._by(channel, [found], found) if found and not way.trial else way

    async def find(self, row: Delivery) -> Way | None:
        """The way of this letter; None: not now. It is put off a little if others of its lot have a way."""
        for channel in await self._candidates(self.connection, row):
            way = self.look(channel)
            if way is not None:
                return self._knock(channel, way)
        if any(self.look(channel) for channel in self.office.ways(row.kind, row.address)):
            await deliveries.change(self.connection, row, due=self.at + SHORT_WAIT)
        return None

    async def _candidates(self, connection: AsyncConnection, row: Delivery) -> list[str]:
        """Its channels in order. One that may have sent it is the only one; one that failed us comes last."""
        ways = list(self.office.ways(row.kind, row.address))
        if row.channel not in ways or len(ways) == 1:
            return ways
        if not await surely_unsent(connection, row.id):
            return [row.channel]
        return sorted(ways, key=lambda one: one == row.channel and row.cause in TRY_ELSEWHERE)

    async def take_place(self, way: Way) -> None:
        """Nobody else tries it until this letter was answered, or its lease is over."""
        if way.trial:
            taken = replace(self.known[way.trial], until=self.at + self.office.policy.lease)
            self.known[way.trial] = taken
            await routes.put(self.connection, taken)
