"""When a row next needs us: retries, patience, hours, working days. Instants are handed in."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.calendars import PLAIN
from dispatcher.domain.model import Hours
from dispatcher.domain.schedule import (
    ASK_IN_DOUBT,
    RETRIES_BY_CAUSE,
    Need,
    Policy,
    add_working_days,
    next_due,
    next_opening,
)
from dispatcher.domain.words import Cause, Kind, State

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
POLICY = Policy()
OFFICE = Hours(time(8), time(18))


def need(state: State, **facts: object) -> Need:
    base: dict[str, object] = {"state": state, "kind": Kind.EMAIL, "now": NOON, "since": NOON}
    return Need(**(base | facts))  # type: ignore[arg-type]  # the test names only what matters


def test_states_that_need_a_person_are_never_due() -> None:
    for state in (State.FAILED, State.CANCELLED, State.HELD):
        assert next_due(need(state), POLICY) is None


def test_a_lease_ends() -> None:
    assert next_due(need(State.SENDING), POLICY) == NOON + POLICY.lease


@pytest.mark.parametrize("cause", sorted(RETRIES_BY_CAUSE))
def test_each_try_of_a_cause_waits_for_its_own_time_and_a_tenth_at_most(cause: Cause) -> None:
    for tries, delay in enumerate(RETRIES_BY_CAUSE[cause], start=1):
        due = next_due(need(State.DEFERRED, cause=cause, tries=tries, spread="abc"), POLICY)
        assert due is not None
        assert delay <= due - NOON <= delay * 1.1


def test_retries_are_spread_the_same_way_every_time() -> None:
    def due(spread: str) -> datetime | None:
        return next_due(need(State.DEFERRED, cause=Cause.FAX_BUSY, tries=1, spread=spread), POLICY)

    assert due("a") == due("a")
    assert len({due(str(number)) for number in range(50)}) > 40


def test_the_tries_of_a_cause_are_counted() -> None:
    delays = len(RETRIES_BY_CAUSE[Cause.FAX_BUSY])
    assert POLICY.tries_left(Kind.FAX, Cause.FAX_BUSY, 0) == delays + 1
    assert POLICY.tries_left(Kind.FAX, Cause.FAX_BUSY, delays + 1) == 0
    assert POLICY.tries_left(Kind.FAX, Cause.FAX_BUSY, delays + 9) == 0


def test_an_email_without_proof_waits_for_its_bounce_window() -> None:
    assert next_due(need(State.ACCEPTED), POLICY) == NOON + POLICY.bounce_window


def test_a_fax_is_asked_about_soon_and_at_the_latest_when_its_proof_is_overdue() -> None:
    early = need(State.ACCEPTED, kind=Kind.FAX, proves=True, asks=True)
    assert next_due(early, POLICY) == NOON + timedelta(minutes=2)
    late = need(State.ACCEPTED, kind=Kind.FAX, proves=True, asks=True, now=NOON + timedelta(hours=23))
    assert next_due(late, POLICY) == NOON + timedelta(hours=24)


def test_a_fax_that_cannot_be_asked_about_waits_for_its_proof() -> None:
    silent = need(State.ACCEPTED, kind=Kind.FAX, proves=True, asks=False)
    assert next_due(silent, POLICY) == NOON + POLICY.proof_wait


def test_a_doubt_is_asked_about_ever_more_rarely_and_then_never() -> None:
    now, looks = NOON, 0
    while (due := next_due(need(State.IN_DOUBT, asks=True, now=now), POLICY)) is not None:
        assert due > now
        now, looks = due, looks + 1
    assert looks == len(ASK_IN_DOUBT)


def test_a_doubt_that_nobody_can_be_asked_about_waits_for_a_person() -> None:
    assert next_due(need(State.IN_DOUBT), POLICY) is None


def test_a_follow_up_counts_working_days_in_the_recipients_zone() -> None:
    friday = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    due = next_due(need(State.DELIVERED, since=friday, follow_up_after=1, zone="Europe/Zurich"), POLICY)
    assert due == datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def test_without_a_next_step_an_arrival_is_the_end() -> None:
    assert next_due(need(State.PRESUMED), POLICY) is None


def test_working_days_keep_the_local_hour_over_a_clock_change() -> None:
    before = datetime(2026, 10, 23, 10, 0, tzinfo=ZoneInfo("Europe/Zurich"))  # summer time ends on the 25th
    after = add_working_days(before, 1, "Europe/Zurich").astimezone(ZoneInfo("Europe/Zurich"))
    assert (after.day, after.hour) == (26, 10)


@pytest.mark.parametrize(
    ("local", "opens"),
    [
        ("2026-11-24T09:00", "2026-11-24T09:00"),  # open
        ("2026-11-24T07:59", "2026-11-24T08:00"),  # before
        ("2026-11-24T18:00", "2026-11-25T08:00"),  # at closing time
        ("2026-11-27T19:00", "2026-11-30T08:00"),  # on Friday evening
        ("2026-11-28T10:00", "2026-11-30T08:00"),  # on Saturday
    ],
)
def test_letters_leave_in_the_recipients_office_hours(local: str, opens: str) -> None:
    zone = ZoneInfo("America/New_York")
    instant = datetime.fromisoformat(local).replace(tzinfo=zone)
    assert next_opening(instant, OFFICE, "America/New_York") == datetime.fromisoformat(opens).replace(tzinfo=zone)


def test_without_hours_every_instant_will_do() -> None:
    assert next_opening(NOON, None, "Asia/Tokyo") == NOON


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2040, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"]),
)
def test_an_opening_is_never_early_and_always_in_office_hours(instant: datetime, zone: str) -> None:
    opening = next_opening(instant, OFFICE, zone)
    local = opening.astimezone(ZoneInfo(zone))
    assert opening >= instant
    assert PLAIN.is_open(local.date())
    assert OFFICE.opens <= local.time() < OFFICE.closes
