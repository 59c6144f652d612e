"""Closed days: which days are working days, why a day is not one, and that a calendar stays what it was. By hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time

import pytest

from dispatcher.domain.audit import canonical
from dispatcher.domain.calendars import EVERY_DAY, PLAIN, Calendar, Weekend, calendar_from
from dispatcher.domain.model import Hours, hours_from
from dispatcher.domain.schedule import add_working_days, next_opening, on_the_way, why_closed
from dispatcher.domain.words import Days

JORDAN = Calendar(place="Jordan", weekends=(Weekend((4, 5)),), yearly={"05-25": "national day of Jordan"})
GENEVA = Calendar(
    place="Switzerland",
    closed={"2026-09-10": "public holiday: Genevan Fast", "2026-03-20": "UN holiday: Eid al-Fitr"},
    yearly={"05-17": "national day of Norway", "09-10": "national day of Nowhere"},
    known_until="2028-12-31",
)
EMIRATES = Calendar(place="United Arab Emirates", weekends=(Weekend((4, 5)), Weekend((5, 6), "2022-01-01")))
OFFICE = Hours(time(9), time(17))


@pytest.mark.parametrize(
    ("calendar", "day", "reason"),
    [
        (PLAIN, "2026-11-24", ""),  # a Tuesday
        (PLAIN, "2026-11-28", "Saturday"),
        (JORDAN, "2026-11-27", "Friday"),
        (JORDAN, "2026-11-29", ""),  # Sunday is a working day there
        (JORDAN, "2027-05-25", "national day of Jordan"),
        (GENEVA, "2027-05-17", "national day of Norway"),  # in every year
        (GENEVA, "2026-03-20", "UN holiday: Eid al-Fitr"),
        (GENEVA, "2027-03-20", "Saturday"),  # a day of one year only
        (GENEVA, "2026-09-10", "national day of Nowhere; public holiday: Genevan Fast"),
        (EMIRATES, "2021-12-31", "Friday"),
        (EMIRATES, "2022-01-07", ""),  # the first Friday after the change
        (EMIRATES, "2022-01-09", "Sunday"),
        (EMIRATES, "1999-01-01", "Friday"),
        (EVERY_DAY, "2026-11-28", ""),
    ],
)
def test_a_day_is_closed_for_a_reason(calendar: Calendar, day: str, reason: str) -> None:
    assert calendar.reason(date.fromisoformat(day)) == reason
    assert calendar.is_open(date.fromisoformat(day)) is not bool(reason)


def test_the_reason_as_a_sentence() -> None:
    assert JORDAN.told(date(2026, 11, 27)) == "Friday is a weekend day in Jordan"
    assert PLAIN.told(date(2026, 11, 28)) == "Saturday is a weekend day"
    assert GENEVA.told(date(2027, 5, 17)) == "Monday 17 May is closed (national day of Norway)"
    assert GENEVA.told(date(2027, 5, 18)) == ""


def test_a_day_may_be_a_working_day_after_all() -> None:
    corrected = Calendar(closed=GENEVA.closed, opened=("2026-03-20", "2026-03-21"))
    assert corrected.reason(date(2026, 3, 20)) == ""
    assert corrected.reason(date(2026, 3, 21)) == ""  # a Saturday that is worked


def test_closed_days_are_listed_without_mere_weekends() -> None:
    days = dict(GENEVA.closed_days(date(2026, 1, 1), date(2026, 12, 31)))
    assert [day.isoformat() for day in days] == ["2026-03-20", "2026-05-17", "2026-09-10"]
    assert days[date(2026, 5, 17)] == "Sunday; national day of Norway"


def test_what_was_frozen_reads_back_the_same_under_the_same_name() -> None:
    for one in (PLAIN, JORDAN, GENEVA, EMIRATES, EVERY_DAY):
        kept = calendar_from(json.loads(canonical(one.record())))
        assert kept == one
        assert kept.digest == one.digest
    assert len({one.digest for one in (PLAIN, JORDAN, GENEVA, EMIRATES, EVERY_DAY)}) == 5


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "calendar", "instant", "opens"),
    [
        ("Asia/Amman", JORDAN, "2026-11-26T15:00", "2026-11-29T06:00"),  # Thursday 18:00: the weekend, then Sunday
        ("Asia/Amman", JORDAN, "2026-11-29T10:00", "2026-11-29T10:00"),  # Sunday 13:00
        ("Europe/Zurich", GENEVA, "2027-05-14T16:00", "2027-05-18T07:00"),  # Friday evening; Monday is Norway's day
        ("Europe/Zurich", GENEVA, "2026-03-20T09:00", "2026-03-23T08:00"),  # Eid is a Friday
        ("Europe/Zurich", PLAIN, "2026-03-20T09:00", "2026-03-20T09:00"),
    ],
)
def test_letters_wait_for_the_recipients_own_working_day(
    zone: str, calendar: Calendar, instant: str, opens: str
) -> None:
    assert next_opening(at(instant), OFFICE, zone, calendar) == at(opens)


def test_where_every_day_will_do_only_the_hours_count() -> None:
    always = Hours(time(9), time(17), Days.EVERY)
    friday = at("2026-11-27T10:00")
    assert next_opening(friday, always, "Asia/Amman", JORDAN) == friday
    assert next_opening(at("2026-11-27T15:00"), always, "Asia/Amman", JORDAN) == at("2026-11-28T06:00")


@pytest.mark.parametrize(
    ("calendar", "instant", "days", "later"),
    [
        (JORDAN, "2026-11-26T08:00", 1, "2026-11-29T08:00"),  # Thursday: the next is Sunday
        (JORDAN, "2026-11-26T08:00", 6, "2026-12-06T08:00"),
        (PLAIN, "2026-11-26T08:00", 1, "2026-11-27T08:00"),
        (JORDAN, "2027-05-24T08:00", 1, "2027-05-26T08:00"),  # over the national day
        (JORDAN, "2026-11-27T08:00", 0, "2026-11-29T08:00"),
    ],
)
def test_working_days_are_those_of_the_recipient(calendar: Calendar, instant: str, days: int, later: str) -> None:
    assert add_working_days(at(instant), days, "Asia/Amman", calendar) == at(later)


def test_why_not_now() -> None:
    assert why_closed(at("2026-11-27T08:00"), OFFICE, "Asia/Amman", JORDAN) == "Friday"
    assert why_closed(at("2026-11-26T03:00"), OFFICE, "Asia/Amman", JORDAN) == "before 09:00"
    assert why_closed(at("2026-11-26T14:00"), OFFICE, "Asia/Amman", JORDAN) == "after 17:00"
    assert why_closed(at("2026-11-26T08:00"), OFFICE, "Asia/Amman", JORDAN) == ""
    assert why_closed(at("2026-11-27T08:00"), None, "Asia/Amman", JORDAN) == ""


def test_what_stands_between_now_and_the_opening() -> None:
    told = on_the_way(at("2026-11-26T15:00"), OFFICE, "Asia/Amman", JORDAN)
    assert told == (
        "18:00 is after 17:00",
        "Friday is a weekend day in Jordan",
        "Saturday is a weekend day in Jordan",
    )
    assert on_the_way(at("2026-11-29T08:00"), OFFICE, "Asia/Amman", JORDAN) == ()
    assert on_the_way(at("2026-11-27T03:00"), OFFICE, "Asia/Amman", JORDAN)[0] == "Friday is a weekend day in Jordan"


def test_hours_are_kept_with_their_days_and_older_ones_mean_working_days() -> None:
    always = Hours(time(8), time(18, 30), Days.EVERY)
    assert hours_from(always.record()) == always
    assert hours_from(["08:00", "18:30"]) == Hours(time(8), time(18, 30))
    assert hours_from(None) is None
