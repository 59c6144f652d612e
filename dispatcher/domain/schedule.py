"""When: retries by cause, patience by state, hours and working days. `next_due` alone says when a row next needs us."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .calendars import EVERY_DAY, PLAIN, Calendar
from .model import Hours
from .words import Cause, Days, Kind, State

Delays = tuple[timedelta, ...]


def minutes(*values: float) -> Delays:
    return tuple(timedelta(minutes=value) for value in values)


#: Waiting times between tries of a cause that has its own rhythm; the length is the number of further tries. Settings
#: `[retries.causes]` may say otherwise; a server that says when to come back is believed, within `ASKED`.
RETRIES_BY_CAUSE: dict[Cause, Delays] = {
    # Most greylisters let a second try pass after 1 to 5 minutes, some only after hours (RFC 6647 section 5).
    Cause.EMAIL_GREYLISTED: minutes(6, 20, 60, 240, 480),
    # Somebody has to tidy up: twice the next days, and once more after the weekend that they may be away for.
    Cause.EMAIL_MAILBOX_FULL: minutes(480, 1440, 2880),
    # Too big 'for now' (4.3.4) is a full disk or a limit that rarely changes: twice, then somebody makes it smaller.
    Cause.EMAIL_TOO_BIG: minutes(240, 1440),
    # A busy line is free when the fax before ours is through; the last one reaches the next half-day.
    Cause.FAX_BUSY: minutes(5, 10, 20, 40, 120),
    # Nobody there, or the machine is off: another time of the day, then the next one.
    Cause.FAX_NO_ANSWER: minutes(30, 120, 480),
    # A bad line is often a bad moment; more than three calls would print the same pages again and again.
    Cause.FAX_NO_CARRIER_MID_PAGE: minutes(5, 30, 120),
    # Some pages are there: all of them go once more, marked as sent again. A second time somebody decides.
    Cause.FAX_PARTIAL: minutes(30),
    # The gateway has no room for us (429), or knows nothing of a fax that it was asked about: minutes, then hours.
    Cause.FAX_GATEWAY_UNREACHABLE: minutes(5, 15, 60, 240),
}
#: Causes that are tried again in the rhythm of their kind, `[retries]` of the settings: nothing is known of when they
#: pass (RFC 5321 section 4.5.4.1: half an hour at least, then longer, for days).
IN_THE_KINDS_RHYTHM = frozenset({Cause.SMTP_BUSY, Cause.SMTP_PEER, Cause.FAX_PROVIDER_REJECTED})
RETRYABLE = IN_THE_KINDS_RHYTHM | set(RETRIES_BY_CAUSE)
#: A person answered: nobody rings there again before somebody has looked at the number. No setting changes that.
STOPS = frozenset({Cause.FAX_VOICE})
#: A far end that says when to come back is believed within these bounds.
ASKED = minutes(1, 240)

#: How soon, and how often, a provider that can be asked is asked about an attempt that it took.
ASK_ACCEPTED = minutes(2, 5, 15, 30, 60, 120, 240, 480, 720, 1080, 1440, 2160)
#: The same for an attempt in doubt; after the last one only a person decides.
ASK_IN_DOUBT = minutes(0.1, 1, 10, 60, 360, 1440, 4320)
#: A letter that our own side could not send looks again after this.
SHORT_WAIT = timedelta(minutes=2)
#: A fax to a number at which a person answered looks again after this.
VOICE_WAIT = timedelta(hours=1)
#: A row that could not be dealt with for a reason of its own is looked at again after this.
PUT_OFF = timedelta(hours=1)
#: A follow-up or a fall-back looks again after this while a sister delivery is in doubt.
DOUBT_WAIT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Policy:
    """The administrator's figures."""

    retries: dict[Kind, Delays] = field(
        default_factory=lambda: {Kind.EMAIL: minutes(15, 60, 240, 480, 1440), Kind.FAX: minutes(10, 20, 40, 120)}
    )
    causes: dict[Cause, Delays] = field(default_factory=dict)  #: in place of RETRIES_BY_CAUSE
    lease: timedelta = timedelta(seconds=60)
    transmitting_lease: timedelta = timedelta(seconds=660)  #: past the commit point: the dot time-out and a minute
    bounce_window: timedelta = timedelta(days=5)  #: an accepted email without a bounce becomes presumed
    proof_wait: timedelta = timedelta(hours=24)  #: an accepted fax without its proof becomes doubtful; see `patience`
    clock_limit: timedelta | None = None  #: how far a worker's clock may be from the server's; None: nobody looks

    def delays(self, kind: Kind, cause: Cause) -> Delays:
        if cause in STOPS:
            return ()
        return self.causes.get(cause) or RETRIES_BY_CAUSE.get(cause) or self.retries[kind]

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
    asked: timedelta = timedelta()  #: how long the far end asked us to wait; none where it did not
    spread: str = ""  #: any stable text (the delivery's id): spreads retries, the same way every time
    proves: bool = False  #: its channel gives evidence of delivery
    asks: bool = False  #: its channel can be asked
    follow_up_after: int | None = None  #: working days to the next step; None where there is none
    zone: str = "UTC"  #: the recipient's
    not_before: datetime | None = None  #: the approved hour
    hours: Hours | None = None  #: of the recipient's office; letters leave only then
    calendar: Calendar = PLAIN  #: the recipient's closed days


def next_due(need: Need, policy: Policy) -> datetime | None:
    """When a row in this state next needs us; None is never. The only place that decides it."""
    match need.state:
        case State.QUEUED:
            return next_opening(max(need.now, need.not_before or need.now), need.hours, need.zone, need.calendar)
        case State.SENDING:
            return need.now + policy.lease
        case State.DEFERRED:
            return next_opening(_retry_at(need, policy), need.hours, need.zone, need.calendar)
        case State.ACCEPTED:
            return _accepted_due(need, policy)
        case State.IN_DOUBT:
            return _next_look(need, ASK_IN_DOUBT) if need.asks else None
        case State.DELIVERED | State.PRESUMED if need.follow_up_after is not None:
            return add_working_days(need.since, need.follow_up_after, need.zone, need.calendar)
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


@dataclass(frozen=True, slots=True)
class Try:
    """One try that is still to come."""

    at: datetime
    between: tuple[str, ...] = ()  #: why it is later than its rhythm says: 'Friday is a weekend day in Jordan'


def tries_to_come(need: Need, due: datetime, policy: Policy) -> list[Try]:
    """When a letter that waits until `due` is tried, if every try ends at once as the last one did (`need.cause`).

    A letter that nothing has gone wrong with yet has one: what follows depends on what goes wrong.
    """
    place = (need.hours, need.zone, need.calendar)
    wanted = max(due, need.now)
    found = [Try(next_opening(wanted, *place), on_the_way(wanted, *place))]
    spent = need.tries + 1
    while need.cause in RETRYABLE and policy.tries_left(need.kind, need.cause, spent) > 0:
        missed = replace(need, state=State.DEFERRED, now=found[-1].at, tries=spent, asked=timedelta())
        at = next_due(missed, policy)
        assert at is not None  # what is deferred is due
        found.append(Try(at, on_the_way(_retry_at(missed, policy), *place)))
        spent += 1
    return found


def _retry_at(need: Need, policy: Policy) -> datetime:
    """Before hours and closed days are asked."""
    delays = policy.delays(need.kind, need.cause)
    base = delays[min(max(need.tries, 1), len(delays)) - 1]
    if need.asked:
        base = min(max(need.asked, ASKED[0]), ASKED[1])
    part = int.from_bytes(hashlib.sha256(f"{need.spread}/{need.tries}".encode()).digest()[:2], "big") / 0xFFFF
    return need.now + base * (1 + 0.1 * part)


def add_working_days(instant: datetime, days: int, zone: str, calendar: Calendar = PLAIN) -> datetime:
    """The same local time `days` working days later; on a closed day, the next working day (0 days included)."""
    local = instant.astimezone(ZoneInfo(zone))
    day = local.date()
    for _ in range(days):
        day = calendar.next_open(day + timedelta(days=1))
    return _at(calendar.next_open(day), local.time(), zone, instant)


def next_opening(instant: datetime, hours: Hours | None, zone: str, calendar: Calendar = PLAIN) -> datetime:
    """The first instant not before `instant` at which a letter may reach this recipient's office.

    Hours that a change of clocks skips altogether do not exist on that day: the next working day has them.
    """
    if hours is None:
        return instant
    days, place = _days(hours, calendar), ZoneInfo(zone)
    local = instant.astimezone(place)
    if _is_open(local, hours, days):
        return instant
    day = local.date() if local.time() < hours.opens else local.date() + timedelta(days=1)
    while True:
        day = days.next_open(day)
        opening = _at(day, hours.opens, zone, instant)
        if _is_open(opening.astimezone(place), hours, days):
            return opening
        day += timedelta(days=1)


def why_closed(instant: datetime, hours: Hours | None, zone: str, calendar: Calendar = PLAIN) -> str:
    """Why no letter may leave at this instant: 'Sunday', 'national day of Norway', 'after 18:00'; '' where it may."""
    if hours is None:
        return ""
    local = instant.astimezone(ZoneInfo(zone))
    return _days(hours, calendar).reason(local.date()) or _beside(local.time(), hours)


def on_the_way(instant: datetime, hours: Hours | None, zone: str, calendar: Calendar = PLAIN) -> tuple[str, ...]:
    """What stands between this instant and the next opening, in sentences: ('Friday is a weekend day in Jordan',)."""
    opening = next_opening(instant, hours, zone, calendar)
    if hours is None or opening == instant:
        return ()
    days, local = _days(hours, calendar), instant.astimezone(ZoneInfo(zone))
    wait = (opening.astimezone(ZoneInfo(zone)).date() - local.date()).days
    told = [days.told(local.date() + timedelta(days=number)) for number in range(wait + 1)]
    beside = "" if told[0] else _beside(local.time(), hours)
    return tuple(one for one in (beside and f"{local:%H:%M} is {beside}", *told) if one)


def _days(hours: Hours, calendar: Calendar) -> Calendar:
    return calendar if hours.days is Days.WORKING else EVERY_DAY


def _is_open(local: datetime, hours: Hours, days: Calendar) -> bool:
    return hours.opens <= local.time() < hours.closes and days.is_open(local.date())


def _beside(at: time, hours: Hours) -> str:
    if at < hours.opens:
        return f"before {hours.opens:%H:%M}"
    return f"after {hours.closes:%H:%M}" if at >= hours.closes else ""


def _at(day: date, at: time, zone: str, floor: datetime) -> datetime:
    """That local time in UTC: one that is skipped moves forward with the clock (RFC 5545 section 3.3.5), and of one
    that comes twice the first counts, unless that was before `floor`."""
    first, second = (
        datetime.combine(day, at.replace(tzinfo=None, fold=fold), ZoneInfo(zone)).astimezone(UTC) for fold in (0, 1)
    )
    return first if first >= floor else max(first, second)
