"""Times as people say them: every form, both directions, across changes of the clocks, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.errors import UserError
from dispatcher.domain.plain_times import since, until

ZONE = "Europe/Zurich"
#: A Tuesday, 15:30 in Geneva.
NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-12-01 09:00", "2026-12-01T08:00"),
        ("2026-12-01T09:00", "2026-12-01T08:00"),
        ("2026-12-01", "2026-12-01T08:00"),
        ("1.12.2026", "2026-12-01T08:00"),
        ("1.12.2026 at 14:15", "2026-12-01T13:15"),
        ("tomorrow", "2026-11-25T08:00"),
        ("Tomorrow 16.45", "2026-11-25T15:45"),
        ("monday", "2026-11-30T08:00"),
        ("tuesday", "2026-12-01T08:00"),
        ("Friday 8:30", "2026-11-27T07:30"),
        ("16:00", "2026-11-24T15:00"),
        ("9:00", "2026-11-25T08:00"),
        ("today 18:00", "2026-11-24T17:00"),
        ("3 days", "2026-11-27T14:30"),
        ("in 2 hours", "2026-11-24T16:30"),
        ("a week", "2026-12-01T14:30"),
        ("2w", "2026-12-08T14:30"),
        ("45 min", "2026-11-24T15:15"),
        ("1 month", "2026-12-24T14:30"),
    ],
)
def test_a_time_to_come_is_read_as_people_say_it(text: str, local: str) -> None:
    assert until(text, NOW, ZONE) == datetime.fromisoformat(local).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-11-20", "2026-11-19T23:00"),
        ("yesterday", "2026-11-22T23:00"),
        ("today", "2026-11-23T23:00"),
        ("tuesday", "2026-11-23T23:00"),
        ("monday", "2026-11-22T23:00"),
        ("wednesday 9:00", "2026-11-18T08:00"),
        ("9:00", "2026-11-24T08:00"),
        ("16:00", "2026-11-23T15:00"),
        ("3 days ago", "2026-11-21T14:30"),
        ("2 hours", "2026-11-24T12:30"),
        ("1 month", "2026-10-24T13:30"),
    ],
)
def test_a_time_that_has_passed_points_back(text: str, local: str) -> None:
    assert since(text, NOW, ZONE) == datetime.fromisoformat(local).replace(tzinfo=UTC)


def test_days_keep_the_hour_of_the_wall_and_hours_count_as_they_pass() -> None:
    """The clocks of Geneva go back in the night of 25 October 2026."""
    eve = datetime(2026, 10, 24, 10, 0, tzinfo=UTC)  # 12:00
    assert until("1 day", eve, ZONE) == datetime(2026, 10, 25, 11, 0, tzinfo=UTC)  # 12:00
    assert until("24 hours", eve, ZONE) == datetime(2026, 10, 25, 10, 0, tzinfo=UTC)  # 11:00


def test_a_short_month_ends_on_its_last_day() -> None:
    assert until("1 month", datetime(2027, 1, 31, 9, 0, tzinfo=UTC), "UTC") == datetime(2027, 2, 28, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not understood"),
        ("soon", "is not understood"),
        ("31.2.2027", "is not understood"),
        ("0001-01-01", "is not understood"),
        ("monday at noon", "is not understood"),
        ("25:00", "is not understood"),
        ("2026-11-24 09:00", "has passed"),
        ("yesterday", "has passed"),
        ("0 days", "has passed"),
        ("2199-01-01", "is years from now"),
        ("9999 months", "is years from now"),
    ],
)
def test_what_is_no_time_to_come_is_refused_with_examples(text: str, why: str) -> None:
    with pytest.raises(UserError, match=rf"--until: E_UNTIL '{text}' {why}\. Say it as '2026-12-01 09:00'"):
        until(text, NOW, ZONE)


def test_what_is_still_to_come_is_no_time_since() -> None:
    with pytest.raises(UserError, match=r"E_SINCE .* is still to come"):
        since("tomorrow", NOW, ZONE)


@given(st.text(max_size=20), st.datetimes(datetime(1990, 1, 1), datetime(2150, 1, 1)))
def test_whatever_is_typed_is_read_or_refused(text: str, now: datetime) -> None:
    for read in (until, since):
        try:
            found = read(text, now.replace(tzinfo=UTC), ZONE)
        except UserError:
            continue
        assert abs(found - now.replace(tzinfo=UTC)) < timedelta(days=366 * 10_000)
