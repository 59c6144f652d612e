"""What a rehearsal foretells: the calendar, the cost, the tries, the copies, as figures over all of its runs.

Where there were several runs, each figure is a range: the median, and what one run in ten stays below and above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import ceil
from zoneinfo import ZoneInfo

from dispatcher.domain.calendars import Calendar
from dispatcher.domain.errors import Problem
from dispatcher.domain.estimate import Tariff, price, tariff_for
from dispatcher.domain.lifecycle import OVER
from dispatcher.domain.model import Delivery
from dispatcher.domain.words import Cause, Kind, Role, State

from .plan import Plan, Stop, why_moved
from .rehearse import Played, Run

#: Where a letter stands that a person has to look at.
_FOR_A_PERSON = (State.FAILED, State.IN_DOUBT, State.HELD)


@dataclass(frozen=True, slots=True)
class Span:
    """A figure over all runs."""

    median: float
    low: float  #: one run in ten has less
    high: float  #: one run in ten has more


@dataclass(frozen=True, slots=True)
class Row:
    """The letters of one step that leave on one day by one way."""

    day: date  #: ours
    step: int
    kind: Kind
    letters: Span
    further_tries: Span
    first: datetime  #: the earliest of all runs
    last: datetime
    first_there: str  #: by the recipients' own clocks: the earliest and the latest, '08:00'
    last_there: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A closed day that something waited for, or what else did, and how many letters."""

    because: str
    step: int
    letters: int


@dataclass(frozen=True, slots=True)
class Money:
    """What a gateway asks for in one currency."""

    gateway: str
    currency: str
    amount: Span


@dataclass(frozen=True, slots=True)
class Cost:
    """What the calls take that somebody answers."""

    calls: Span
    pages: Span
    minutes: Span
    money: tuple[Money, ...]
    without_tariff: tuple[str, ...]  #: numbers that were called and that no tariff speaks of


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened."""

    what: str  #: a cause's code, or a state
    kind: Kind
    number: Span


@dataclass(frozen=True, slots=True)
class Task:
    """What a person has to do on a day of the first run."""

    day: date
    state: State
    cause: Cause
    kind: Kind
    contacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CopyRow:
    """Who receives whose letter in copy, in the first run."""

    contact_id: str
    recipient: str
    addressee_id: str
    kinds: tuple[Kind, ...]
    steps: tuple[int, ...]
    first: datetime | None  #: when the first of them leaves; None: none does


@dataclass(frozen=True, slots=True)
class Sending:
    """One letter of the first run: what a calendar has an entry for."""

    delivery: Delivery
    at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The whole of it."""

    campaign: Mapping[str, object]  #: as in the plan
    letters: int  #: of the plan
    deliveries: int  #: of the plan: first letters and copies
    start: datetime
    seed: int
    runs: int
    mix: str
    calendar: tuple[Row, ...]
    moved: tuple[Moved, ...]
    first: datetime | None  #: when the first letter leaves, and when the last one does, over all runs
    last: datetime | None
    cost: Cost
    tries: tuple[Count, ...]  #: by cause; '' is a try that went well
    ended: tuple[Count, ...]  #: deliveries by the state in which they ended
    expired: Span
    answered: Span
    follow_ups: Span  #: letters of later steps that left
    tasks: tuple[Task, ...]
    copies: tuple[CopyRow, ...]
    sendings: tuple[Sending, ...]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a forecast is drawn in."""

    plan: Plan
    zone: str  #: our own
    tariffs: tuple[Tariff, ...]

    def day(self, instant: datetime) -> date:
        """In our own time."""
        return instant.astimezone(ZoneInfo(self.zone)).date()

    def calendar_of(self, one: Delivery) -> Calendar:
        """The recipient's closed days."""
        return self.plan.calendars.get(one.calendar) or Calendar()


def span(values: Iterable[float]) -> Span:
    """The median and the two tenths, each a value that there was (nearest rank)."""
    ordered = sorted(values)

    def rank(part: float) -> float:
        return ordered[max(ceil(part * len(ordered)) - 1, 0)]

    return Span(rank(0.5), rank(0.1), rank(0.9))


def _over(runs: Sequence[Run], figure: Callable[[Run], float]) -> Span:
    return span(figure(one) for one in runs)


# -- the calendar ------------------------------------------------------------------------------------------------------

_Slot = tuple[date, int, Kind]


def calendar_of(frame: Frame, runs: Sequence[Run]) -> tuple[Row, ...]:
    """Day by day; what fewer than half of the runs have is left out."""
    letters = [_slots(frame, run, first=True) for run in runs]
    further = [_slots(frame, run, first=False) for run in runs]
    rows = []
    for slot in sorted({slot for one in (*letters, *further) for slot in one}):
        counts = span(len(one.get(slot, ())) for one in letters)
        again = span(len(one.get(slot, ())) for one in further)
        if counts.median or again.median:
            every = [pair for one in (*letters, *further) for pair in one.get(slot, ())]
            rows.append(_row(slot, counts, again, every))
    return tuple(rows)


def _slots(frame: Frame, run: Run, *, first: bool) -> dict[_Slot, list[tuple[datetime, str]]]:
    """When letters leave, and the recipient's zone, by day, step and kind."""
    found: dict[_Slot, list[tuple[datetime, str]]] = {}
    for one in run.played:
        for tried in one.tries[:1] if first else one.tries[1:]:
            slot = (frame.day(tried.at), one.delivery.step, one.delivery.kind)
            found.setdefault(slot, []).append((tried.at, one.delivery.zone))
    return found


def _row(slot: _Slot, letters: Span, again: Span, pairs: Sequence[tuple[datetime, str]]) -> Row:
    instants = [at for at, _ in pairs]
    there = [f"{at.astimezone(ZoneInfo(zone)):%H:%M}" for at, zone in pairs]
    return Row(*slot, letters, again, min(instants), max(instants), min(there), max(there))


def moved_of(frame: Frame, run: Run) -> tuple[Moved, ...]:
    """What letters waited for, of the first run: closed days and hours, each with how many letters, the most first."""
    stops = {one.id: one for one in frame.plan.stops}
    reasons: Counter[tuple[int, str]] = Counter()
    arrived = {_thread(one.delivery): one.delivery for one in run.played}
    for one in run.played:
        for reason in _reasons(frame, one, stops.get(one.delivery.id), arrived):
            reasons[one.delivery.step, reason] += 1
    found = [Moved(reason, step, number) for (step, reason), number in reasons.items()]
    return tuple(sorted(found, key=lambda one: (one.step, -one.letters, one.because)))


_Thread = tuple[int, str, str, str, Kind]


def _thread(one: Delivery, back: int = 0) -> _Thread:
    """Names the letter before this one, `back` steps ago, to the same recipient by the same way."""
    return one.step - back, one.occurrence, one.addressee_id, one.contact_id, one.kind


def _reasons(frame: Frame, one: Played, stop: Stop | None, arrived: Mapping[_Thread, Delivery]) -> tuple[str, ...]:
    if stop is not None:
        return why_moved(frame.plan, stop)
    before = arrived.get(_thread(one.delivery, back=1))
    if before is None or before.arrived_at is None:
        return ()
    calendar, zone = frame.calendar_of(one.delivery), ZoneInfo(one.delivery.zone)
    first, last = before.arrived_at.astimezone(zone).date(), one.delivery.not_before.astimezone(zone).date()
    return tuple(calendar.told(day) for day, _ in calendar.closed_days(first, last))


# -- cost --------------------------------------------------------------------------------------------------------------


def cost_of(frame: Frame, runs: Sequence[Run]) -> Cost:
    """Pages, minutes and money of the calls that somebody answered."""
    bills = [_bill(frame, run) for run in runs]
    keys = sorted({key for bill in bills for key in bill})
    zero = Decimal(0)
    money = [Money(*key, span(float(round(bill.get(key, zero), 2)) for bill in bills)) for key in keys]
    called = {(call.number, call.gateway) for run in runs for call in run.calls}
    unknown = {number for number, gateway in called if tariff_for(number, gateway, frame.tariffs) is None}
    return Cost(
        calls=_over(runs, lambda run: len(run.calls)),
        pages=_over(runs, lambda run: sum(call.pages for call in run.calls)),
        minutes=_over(runs, lambda run: round(sum(call.seconds for call in run.calls) / 60, 1)),
        money=tuple(money),
        without_tariff=tuple(sorted(unknown)),
    )


def _bill(frame: Frame, run: Run) -> dict[tuple[str, str], Decimal]:
    """By gateway and currency."""
    bill: dict[tuple[str, str], Decimal] = {}
    for call in run.calls:
        if tariff := tariff_for(call.number, call.gateway, frame.tariffs):
            key = call.gateway, tariff.currency
            bill[key] = bill.get(key, Decimal(0)) + price(tariff, call.pages, call.seconds)
    return bill


# -- tries and ends ----------------------------------------------------------------------------------------------------


def counted(runs: Sequence[Run], names: Callable[[Played], Iterable[str]]) -> tuple[Count, ...]:
    """How often each of the names comes, by kind, over all runs; the most frequent first."""
    counts = [Counter((name, one.delivery.kind) for one in run.played for name in names(one)) for run in runs]
    keys = sorted({key for one in counts for key in one})
    found = [Count(name, kind, span(one[name, kind] for one in counts)) for name, kind in keys]
    return tuple(sorted(found, key=lambda one: (-one.number.median, one.what, one.kind)))


def tries_of(runs: Sequence[Run]) -> tuple[Count, ...]:
    """Tries by what they came to."""
    return counted(runs, lambda one: [tried.cause.value for tried in one.tries])


def ends_of(runs: Sequence[Run]) -> tuple[Count, ...]:
    """Deliveries by the state in which they ended."""
    return counted(runs, lambda one: [one.delivery.state.value])


def tasks_of(frame: Frame, run: Run) -> tuple[Task, ...]:
    """What waits for a person, by the day on which it came to that."""
    groups: dict[tuple[date, str, str, str], list[Delivery]] = {}
    for one in (played.delivery for played in run.played if played.delivery.state in _FOR_A_PERSON):
        key = (frame.day(one.changed_at), one.state.value, one.cause.value, one.kind.value)
        groups.setdefault(key, []).append(one)
    return tuple(
        Task(day, State(state), Cause(cause), Kind(kind), tuple(sorted({one.contact_id for one in some})))
        for (day, state, cause, kind), some in sorted(groups.items())
    )


# -- copies ------------------------------------------------------------------------------------------------------------


def copies_of(run: Run) -> tuple[CopyRow, ...]:
    """Who receives whose letter in copy."""
    groups: dict[tuple[str, str], list[Played]] = {}
    for one in run.played:
        if one.delivery.role is Role.CC:
            groups.setdefault((one.delivery.contact_id, one.delivery.addressee_id), []).append(one)
    return tuple(_copy_row(some) for _, some in sorted(groups.items()))


def _copy_row(some: Sequence[Played]) -> CopyRow:
    one = some[0].delivery
    kinds = tuple(sorted({each.delivery.kind for each in some}))
    steps = tuple(sorted({each.delivery.step for each in some}))
    first = min((each.left_at for each in some if each.left_at), default=None)
    return CopyRow(one.contact_id, one.recipient, one.addressee_id, kinds, steps, first)


def sendings_of(run: Run) -> tuple[Sending, ...]:
    """Every letter that leaves, in order."""
    found = [Sending(one.delivery, one.left_at, len(one.tries)) for one in run.played if one.left_at]
    return tuple(sorted(found, key=lambda one: (one.at, one.delivery.id)))


# -- all of it ---------------------------------------------------------------------------------------------------------


def forecast(
    frame: Frame, runs: Sequence[Run], *, start: datetime, seed: int, mix: str, warnings: Sequence[Problem]
) -> Forecast:
    """The forecast of these runs, of which there is one at least."""
    left = [tried.at for run in runs for one in run.played for tried in one.tries]
    return Forecast(
        campaign=frame.plan.campaign,
        letters=len(frame.plan.letters),
        deliveries=len(frame.plan.stops),
        start=start,
        seed=seed,
        runs=len(runs),
        mix=mix,
        calendar=calendar_of(frame, runs),
        moved=moved_of(frame, runs[0]),
        first=min(left, default=None),
        last=max(left, default=None),
        cost=cost_of(frame, runs),
        tries=tries_of(runs),
        ended=ends_of(runs),
        expired=_over(runs, lambda run: sum(_expired(one) for one in run.played)),
        answered=_over(runs, lambda run: run.answered),
        follow_ups=_over(runs, lambda run: sum(one.delivery.step > 0 and bool(one.tries) for one in run.played)),
        tasks=tasks_of(frame, runs[0]),
        copies=copies_of(runs[0]),
        sendings=sendings_of(runs[0]),
        warnings=tuple(warnings),
    )


def _expired(one: Played) -> bool:
    return one.delivery.state is State.FAILED and one.delivery.cause is Cause.LETTER_EXPIRED


def waits(one: Played) -> bool:
    """Had it neither left nor come to an end when the rehearsal ended?"""
    return not one.tries and one.delivery.state not in OVER
