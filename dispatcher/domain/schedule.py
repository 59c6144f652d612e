"""When: retries by cause, patience by state, hours and working days. `next_due` alone says when a row next needs us."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .model import Hours
from .words import Cause, Kind, State

Delays = tuple[timedelta, ...]


def minutes(*values: float) -> Delays:
    return tuple(timedelta(minutes=value) for value in values)


#: Waiting times between tries of a cause that has its own rhythm; the length is the number of further tries.
RETRIES_BY_CAUSE: dict[Cause, Delays] = {
    Cause.EMAIL_GREYLISTED: minutes(6, 20, 60, 240, 480),
    Cause.EMAIL_MAILBOX_FULL: minutes(480, 1440, 2880),
    Cause.FAX_BUSY: minutes(5, 10, 20, 40, 120),
    Cause.FAX_NO_ANSWER: minutes(30, 120, 480),
    Cause.FAX_NO_CARRIER_MID_PAGE: minutes(5, 30, 120),
    Cause.FAX_VOICE: minutes(60),  # a person answered: once more, then somebody looks at the number
}

#: How soon, and how often, a provider that can be asked is asked about an attempt that it took.
ASK_ACCEPTED = minutes(2, 5, 15, 30, 60, 120, 240, 480, 720, 1080, 1440, 2160)
#: The same for an attempt in doubt; after the last one only a person decides.
ASK_IN_DOUBT = minutes(0.1, 1, 10, 60, 360, 1440, 4320)
#: A letter that our own side could not send looks again after this.
SHORT_WAIT = timedelta(minutes=2)
#: A row that could not be dealt with for a reason of its own is looked at again after this.
PUT_OFF = timedelta(hours=1)
#: A follow-up or a fall-back looks again after this while a sister delivery is in doubt.
DOUBT_WAIT = timedelta(hours=12)

WEEKEND = frozenset({5, 6})  # Saturday, Sunday as date.weekday() counts


@dataclass(frozen=True, slots=True)
class Policy:
    """The administrator's figures."""

    retries: dict[Kind, Delays] = field(
        default_factory=lambda: {Kind.EMAIL: minutes(15, 60, 240, 480, 1440), Kind.FAX: minutes(10, 20, 40, 120)}
    )
    lease: timedelta = timedelta(seconds=60)
    transmitting_lease: timedelta = timedelta(seconds=660)  #: past the commit point: the dot time-out and a minute
    bounce_window: timedelta = timedelta(days=5)  #: an accepted email without a bounce becomes presumed
    proof_wait: timedelta = timedelta(hours=24)  #: an accepted fax without its proof becomes doubtful; see `patience`

    def delays(self, kind: Kind, cause: Cause) -> Delays:
        return RETRIES_BY_CAUSE.get(cause) or self.retries[kind]

    def tries_left(self, kind: Kind, cause: Cause, tries: int) -> int:
        """How many tries remain after `tries` have been spent."""
        return max(len(self.delays(kind, cause)) + 1 - tries, 0)


@dataclass(frozen=True, slots=True)
class Need:
    """The facts that `next_due` goes by."""

    state: State
    kind: Kind
    now: datetime
    since: datetime  #: when it came into this state
    cause: Cause = Cause.NONE
    tries: int = 0
    spread: str = ""  #: any stable text (the delivery's id): spreads retries, the same way every time
    proves: bool = False  #: its channel gives evidence of delivery
    asks: bool = False  #: its channel can be asked
    follow_up_after: int | None = None  #: working days to the next step; None where there is none
    zone: str = "UTC"  #: the recipient's
    not_before: datetime | None = None  #: the approved hour
    hours: Hours | None = None  #: of the recipient's office; letters leave only then


def next_due(need: Need, policy: Policy) -> datetime | None:
    """When a row in this state next needs us; None is never. The only place that decides it."""
    match need.state:
        case State.QUEUED:
            return next_opening(max(need.now, need.not_before or need.now), need.hours, need.zone)
        case State.SENDING:
            return need.now + policy.lease
        case State.DEFERRED:
            return next_opening(need.now + _retry_delay(need, policy), need.hours, need.zone)
        case State.ACCEPTED:
            return _accepted_due(need, policy)
        case State.IN_DOUBT:
            return _next_look(need, ASK_IN_DOUBT) if need.asks else None
        case State.DELIVERED | State.PRESUMED if need.follow_up_after is not None:
            return add_working_days(need.since, need.follow_up_after, need.zone)
        case _:
            return None


def patience(kind: Kind, policy: Policy, *, proves: bool) -> timedelta:
    """How long an accepted letter waits for what comes back before something is concluded from the silence.

    An email's bounces, and the feedback mails of a gateway that proves nothing, come within days.
    """
    return policy.proof_wait if kind is Kind.FAX and proves else policy.bounce_window


def _accepted_due(need: Need, policy: Policy) -> datetime:
    end = need.since + patience(need.kind, policy, proves=need.proves)
    look = _next_look(need, ASK_ACCEPTED) if need.asks else None
    return min(look, end) if look else end


def _next_look(need: Need, offsets: Sequence[timedelta]) -> datetime | None:
    return next((need.since + offset for offset in offsets if need.since + offset > need.now), None)


def _retry_delay(need: Need, policy: Policy) -> timedelta:
    delays = policy.delays(need.kind, need.cause)
    base = delays[min(max(need.tries, 1), len(delays)) - 1]
    part = int.from_bytes(hashlib.sha256(f"{need.spread}/{need.tries}".encode()).digest()[:2], "big") / 0xFFFF
    return base * (1 + 0.1 * part)


def is_working_day(day: date) -> bool:
    return day.weekday() not in WEEKEND


def add_working_days(instant: datetime, days: int, zone: str) -> datetime:
    """The same local time `days` working days later; on a free day, the next working day (0 days included)."""
    local = instant.astimezone(ZoneInfo(zone))
    day = local.date()
    for _ in range(days):
        day = _next_working_day(day + timedelta(days=1))
    return _at(_next_working_day(day), local.time(), zone)


def next_opening(instant: datetime, hours: Hours | None, zone: str) -> datetime:
    """The first instant not before `instant` at which a letter may reach this recipient's office."""
    if hours is None:
        return instant
    local = instant.astimezone(ZoneInfo(zone))
    if is_working_day(local.date()) and hours.opens <= local.time() < hours.closes:
        return instant
    day = local.date() if local.time() < hours.opens else local.date() + timedelta(days=1)
    return _at(_next_working_day(day), hours.opens, zone)


def _next_working_day(day: date) -> date:
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def _at(day: date, at: time, zone: str) -> datetime:
    return datetime.combine(day, at.replace(tzinfo=None, fold=0), ZoneInfo(zone)).astimezone(UTC)
