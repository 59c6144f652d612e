"""The instant of a campaign, on the days when clocks change. Source of the rules: RFC 5545 section 3.3.5."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.domain.model import When


@pytest.mark.parametrize(
    ("local", "zone", "instant"),
    [
        ("2015-10-01T09:00", "Europe/Zurich", "2015-10-01T07:00"),
        ("2027-03-28T02:30", "Europe/Zurich", "2027-03-28T01:30"),  # skipped: 03:30 summer time
        ("2027-10-31T02:30", "Europe/Zurich", "2027-10-31T00:30"),  # comes twice: the first, in summer time
        ("2027-03-14T02:00", "America/New_York", "2027-03-14T07:00"),  # the first skipped minute: 03:00 summer time
    ],
)
def test_a_local_time_names_one_instant(local: str, zone: str, instant: str) -> None:
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert When(datetime.fromisoformat(local), zone).instant == expected


def test_the_second_of_a_repeated_hour_is_never_meant() -> None:
    again = datetime(2027, 10, 31, 2, 30, fold=1)
    assert When(again, "Europe/Zurich").instant == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_the_instant_is_in_utc_so_that_it_compares_with_any_other() -> None:
    assert When(datetime.fromisoformat("2027-10-31T02:30"), "Europe/Zurich").instant.tzinfo is UTC
