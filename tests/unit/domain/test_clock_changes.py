"""Every change of clocks 2024–2040 in ten zones: a gap moves forward by its length, of a fold the first counts."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from clock_changes import STEADY, ZONES, Change, changes, every_change

from dispatcher.domain.calendars import EVERY_DAY
from dispatcher.domain.model import Hours, When
from dispatcher.domain.schedule import add_working_days, next_opening
from dispatcher.domain.words import Days
from dispatcher.intake.findings import Findings
from dispatcher.intake.lines import find_lines
from dispatcher.intake.sheet import Sheet
from dispatcher.intake.timing import read_when

TEN = timedelta(minutes=10)


def local(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@pytest.mark.parametrize("zone", ZONES)
def test_the_changes_are_those_that_the_zone_has(zone: str) -> None:
    """Two a year where there are any, and in Casablanca two for each Ramadan, of which 2030 has two."""
    found = changes(zone)
    assert len(found) == (0 if zone in STEADY else 36 if zone == "Africa/Casablanca" else 34)
    length = timedelta(minutes=30 if zone == "Australia/Lord_Howe" else 60)
    assert {abs(one.by) for one in found} <= {length}


@pytest.mark.parametrize(
    ("zone", "at", "gap"),
    [
        ("Europe/Zurich", "2027-03-28T01:00", True),
        ("Europe/Dublin", "2027-10-31T01:00", False),
        ("Australia/Lord_Howe", "2027-04-03T15:00", False),
        ("America/New_York", "2027-03-14T07:00", True),
    ],
)
def test_changes_that_were_looked_up_by_hand_are_among_them(zone: str, at: str, gap: bool) -> None:
    wanted = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert [one.gap for one in changes(zone) if one.at == wanted] == [gap]


def test_a_skipped_time_moves_forward_by_as_much_as_the_clock_does() -> None:
    for one in (change for change in every_change() if change.gap):
        for skipped in one.locals(TEN):
            assert local(When(skipped, one.zone).instant, one.zone) == skipped + one.by


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    for one in (change for change in every_change() if not change.gap):
        for twice in one.locals(TEN):
            instant = When(twice, one.zone).instant
            assert local(instant, one.zone) == twice
            assert instant < one.at
            assert local(instant + abs(one.by), one.zone) == twice, "it does not come twice at all"


@pytest.mark.parametrize("minutes", range(-90, 180, 15))
def test_every_day_has_its_occurrence_once_never_early_and_in_order(minutes: int) -> None:
    """The same time on the wall on the nine days around each change, from before the change's hour to after it."""
    for one in every_change():
        wall = (one.first + timedelta(minutes=minutes)).time()
        days = [one.first.date() + timedelta(days=number) for number in range(-4, 5)]
        wanted = [datetime.combine(day, wall) for day in days]
        instants = [When(each, one.zone).instant for each in wanted]
        assert sorted(set(instants)) == instants
        assert all(local(instant, one.zone) >= each for instant, each in zip(instants, wanted, strict=True))
        late = [local(instant, one.zone) - each for instant, each in zip(instants, wanted, strict=True)]
        assert sum(late, timedelta(0)) in (timedelta(0), one.by)


def around(one: Change) -> list[datetime]:
    return [one.at + timedelta(minutes=20 * number) for number in range(-80, 80)]


@pytest.mark.parametrize("span", [(-90, -15), (-30, 30), (0, 30), (15, 90), (60, 180)], ids=str)
def test_an_opening_around_a_change_is_never_early_and_none_is_passed_over(span: tuple[int, int]) -> None:
    """Hours that lie before, over and after the skipped or repeated time, down to those that a gap swallows whole.

    On the night of the change itself the rule counts: an opening that is skipped moves by the length of the gap, though
    the clock may show office hours a little before; and an office that has closed does not open twice on one day.
    """
    for one in every_change():
        opens, closes = ((one.first + timedelta(minutes=edge)).time() for edge in span)
        if opens >= closes:
            continue  # over midnight: no such hours can be written
        hours = Hours(opens, closes, Days.EVERY)
        for instant in around(one)[::11]:
            opening = next_opening(instant, hours, one.zone)
            assert opening >= instant
            assert is_open(opening, hours, one.zone)
            passed = [each for each in between(instant, opening) if is_open(each, hours, one.zone)]
            assert all(abs(each - one.at) <= abs(one.by) for each in passed)


def is_open(instant: datetime, hours: Hours, zone: str) -> bool:
    return hours.opens <= local(instant, zone).time() < hours.closes


def between(instant: datetime, opening: datetime) -> list[datetime]:
    """Every quarter of an hour, and the moment before the opening."""
    steps = int((opening - instant) / timedelta(minutes=15))
    before = [opening - timedelta(microseconds=1)] if opening > instant else []
    return [*(instant + timedelta(minutes=15 * number) for number in range(steps)), *before]


def test_working_days_are_counted_forward_over_every_change() -> None:
    for one in every_change():
        for instant in around(one)[::5]:
            later = [add_working_days(instant, days, one.zone, EVERY_DAY) for days in range(4)]
            assert later[0] >= instant
            assert sorted(set(later)) == later
            assert [local(each, one.zone).date() for each in later] == [
                local(instant, one.zone).date() + timedelta(days=days) for days in range(4)
            ]


def test_hours_that_the_clock_skips_wait_for_the_next_day() -> None:
    """In Zurich on 28 March 2027 there is no time from 02:00 to 03:00."""
    hours = Hours(time(2, 15), time(2, 45), Days.EVERY)
    before = datetime(2027, 3, 27, 23, 0, tzinfo=UTC)
    assert next_opening(before, hours, "Europe/Zurich") == datetime(2027, 3, 29, 0, 15, tzinfo=UTC)


def test_in_the_second_of_a_repeated_hour_nothing_is_put_back_into_the_first() -> None:
    """In Zurich on 31 October 2027, 02:10 for the second time: the opening at 02:30 is the second one too."""
    second = datetime(2027, 10, 31, 1, 10, tzinfo=UTC)
    hours = Hours(time(2, 30), time(5), Days.EVERY)
    assert next_opening(second, hours, "Europe/Zurich") == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert add_working_days(second, 0, "Europe/Zurich", EVERY_DAY) == second


def warned(when: datetime, zone: str) -> list[str]:
    findings = Findings()
    read_when(Sheet({"at": when, "zone": zone}, (), Path("campaign.toml"), find_lines(""), findings))
    assert findings.problems == []
    return [one.code for one in findings.warnings]


def test_whoever_writes_such_a_time_is_told_and_nobody_else() -> None:
    for one in every_change():
        code = "W_TIME_GAP" if one.gap else "W_TIME_FOLD"
        assert {tuple(warned(each, one.zone)) for each in one.locals(TEN)} == {(code,)}
        assert warned(one.first - timedelta(minutes=1), one.zone) == []
        assert warned(one.first + abs(one.by), one.zone) == []
