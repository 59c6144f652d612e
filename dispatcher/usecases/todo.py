"""What needs a person now, the most urgent first; failures grouped by cause, with what may be done with each group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.routes import Route
from dispatcher.domain.verbs import Verb
from dispatcher.domain.words import CAUSES, Bulk, Cause, Kind, State, Who
from dispatcher.store import incoming, routes, sending, views
from dispatcher.store.views import Group, Wanted

from . import guard
from .office import Office
from .together import preview
from .try_first import Tried, tried

#: What was due longer ago than this, and was not claimed, has nobody who sends it.
OVERDUE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Failures:
    """What failed for one cause by one kind."""

    cause: Cause
    kind: Kind
    count: int  #: without those that are put aside
    snoozed: int
    since: datetime  #: when the first of them failed
    tried: Tried | None  #: the one of its cause that was tried last, where one was


async def failures(office: Office, wanted: Wanted) -> list[Failures]:
    """Failures of this filter by cause and kind, the largest group first; what is put aside is counted beside."""
    of = replace(wanted, states=(State.FAILED,))
    found = await office.store.read(lambda connection: views.groups(connection, of, office.clock.now()))
    merged = [_merged(list(same)) for _, same in groupby(sorted(found, key=_by_cause), _by_cause)]
    merged.sort(key=lambda one: (-one.count - one.snoozed, one.cause))
    return [replace(one, tried=await tried(office, replace(wanted, cause=one.cause))) for one in merged]


def _by_cause(one: Group) -> tuple[Cause, Kind]:
    return one.cause, one.kind


def _merged(same: Sequence[Group]) -> Failures:
    count, snoozed = sum(one.count for one in same), sum(one.snoozed for one in same)
    return Failures(same[0].cause, same[0].kind, count, snoozed, min(one.since for one in same), None)


class Need(StrEnum):
    """What needs a person, the most urgent first."""

    QUARANTINE = "quarantine"  # nothing is sent before the database was adopted
    STOPPED = "stopped"  # a person stopped all sending
    ROUTE = "route"  # a mail server or gateway is closed after failures
    DOUBT = "doubt"  # nobody knows whether it went
    OVERDUE = "overdue"  # it was due, and nobody sends it
    LATE = "late"  # its hour had passed; a person says whether it still goes
    FAILED = "failed"
    HELD = "held"
    INBOX = "inbox"  # a message came in, and a person has to say what it is
    RETURNING = "returning"  # it was put aside, and is back today


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do."""

    need: Need
    count: int
    since: datetime | None  #: when the first of them began to need somebody; of RETURNING, when the first is back
    cause: Cause = Cause.NONE
    kind: Kind | None = None
    campaign_id: str = ""
    occurrence: str = ""
    name: str = ""  #: of a route
    detail: str = ""
    by: str = ""  #: who stopped all sending, or paused a route; '' for one that was closed after faults
    together: int = 0  #: of failures: how many may be retried together at this moment
    tried: Tried | None = None  #: of failures: the one that was tried first


async def todo(office: Office, end_of_day: datetime) -> list[Task]:
    """Everything that needs a person, the most urgent first. What is put aside is not in it before its hour."""
    found = [*await _quarantine(office), *await _of_letters(office, end_of_day), *await _failed(office)]
    order = list(Need)
    return sorted(found, key=lambda one: (order.index(one.need), *_urgency(one)))


#: Of failures: what one repair of ours mends comes first, what passes by itself last.
_WHO = (Who.US, Who.PERSON, Who.CONTACT, Who.WAIT)


def _urgency(one: Task) -> tuple[int, int, str, str]:
    return _WHO.index(CAUSES[one.cause].who), -one.count, one.cause, one.campaign_id


async def _quarantine(office: Office) -> list[Task]:
    told = await guard.banner(office)
    return [Task(Need.QUARANTINE, 1, None, detail=told)] if told else []


async def _of_letters(office: Office, end_of_day: datetime) -> list[Task]:
    async def query(connection: AsyncConnection) -> list[Task]:
        now = office.clock.now()
        closed = {name: one for name, one in (await routes.every(connection)).items() if not one.takes_letters}
        unfit = {kind for kind, channel in office.outgoing.items() if _is_shut(office, channel, closed)}
        wanted = Wanted(states=(State.IN_DOUBT, State.HELD))
        stop = await sending.stopped(connection)
        waiting = [] if stop else await views.overdue(connection, now - OVERDUE)
        count, first = await views.returning(connection, now, end_of_day)
        unfiled, came = await incoming.counts(connection)
        return [
            *([Task(Need.STOPPED, 1, stop.since, detail=stop.reason, by=stop.by)] if stop else []),
            *(_of_route(one) for one in closed.values()),
            *(Task(Need.OVERDUE, w.count, w.since, kind=w.kind) for w in waiting if w.kind not in unfit),
            *_undecided(await views.groups(connection, wanted, now)),
            *([Task(Need.INBOX, unfiled, came)] if unfiled else []),
            *([Task(Need.RETURNING, count, first)] if count else []),
        ]

    return await office.store.read(query)


def _is_shut(office: Office, channel: str, closed: Collection[str]) -> bool:
    """Do no letters leave by this channel, because it or every way of it is closed?"""
    ways = office.channels[channel].routes if channel in office.channels else ()
    return channel in closed or (bool(ways) and all(way in closed for way in ways))


def _of_route(one: Route) -> Task:
    return Task(Need.ROUTE, 1, one.since, one.cause, name=one.name, detail=one.detail, by=one.by)


def _undecided(groups: Sequence[Group]) -> Iterator[Task]:
    """What is in doubt or held; what is late, by the time of its campaign."""
    doubts = [one for one in groups if one.state is State.IN_DOUBT]
    if doubts:
        yield Task(Need.DOUBT, sum(one.count for one in doubts), min(one.since for one in doubts))
    held = [one for one in groups if one.state is State.HELD and one.count]
    for one in (one for one in held if one.cause is Cause.GATE_LATE):
        yield Task(Need.LATE, one.count, one.since, one.cause, None, one.campaign_id, one.occurrence)
    rest = sorted((one for one in held if one.cause is not Cause.GATE_LATE), key=lambda one: one.cause)
    for cause, same in groupby(rest, lambda one: one.cause):
        of = list(same)
        yield Task(Need.HELD, sum(one.count for one in of), min(one.since for one in of), cause)


async def _failed(office: Office) -> list[Task]:
    found = [one for one in await failures(office, Wanted()) if one.count]
    return [
        Task(
            Need.FAILED,
            one.count,
            one.since,
            one.cause,
            one.kind,
            together=await _together(office, one.cause),
            tried=one.tried,
        )
        for one in found
    ]


async def _together(office: Office, cause: Cause) -> int:
    if CAUSES[cause].bulk in (Bulk.NO, Bulk.NEVER):
        return 0
    return len((await preview(office, Verb.RETRY, Wanted(cause=cause))).going)
