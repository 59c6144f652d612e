"""A campaign file that says when it happens again: the times, by hand, and every complaint."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_files import ReadCampaign, problems

from dispatcher.domain.model import When
from dispatcher.intake.findings import Findings
from dispatcher.intake.lines import find_lines
from dispatcher.intake.recurrence import MOST, read_repeats
from dispatcher.intake.sheet import Sheet

DATED = ("letter_date = 2015-10-01\n", "")
AT = "at = 2015-10-01T09:00:00\n"


def repeats(at: str, rule: str, zone: str = "Europe/Zurich", **end: object) -> tuple[list[str], list[str]]:
    """The further times, and the codes of what was found wrong or worth a warning."""
    findings = Findings()
    when = When(datetime.fromisoformat(at), zone)
    sheet = Sheet({"at": when.local, "repeat": rule, **end}, ("when",), Path("c.toml"), find_lines(""), findings)
    times = read_repeats(sheet, when, Sheet({}, (), Path("c.toml"), find_lines(""), findings))
    return [one.isoformat(timespec="minutes") for one in times], [
        one.code for one in (*findings.problems, *findings.warnings)
    ]


@pytest.mark.parametrize(
    ("at", "rule", "end", "further"),
    [
        (
            "2027-02-01T09:00",
            "FREQ=MONTHLY;BYDAY=1MO",
            {"count": 3},
            ["2027-03-01T09:00", "2027-04-05T09:00"],
        ),
        (
            "2027-01-29T09:00",
            "FREQ=MONTHLY;BYDAY=-1FR",
            {"until": datetime(2027, 3, 26).date()},
            ["2027-02-26T09:00", "2027-03-26T09:00"],
        ),
        ("2027-01-31T09:00", "FREQ=MONTHLY", {"count": 3}, ["2027-03-31T09:00", "2027-05-31T09:00"]),
        ("2028-02-29T09:00", "FREQ=YEARLY", {"count": 2}, ["2032-02-29T09:00"]),
        ("2027-03-26T09:00", "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", {"count": 2}, ["2027-03-29T09:00"]),
        ("2027-03-24T09:00", "freq=weekly;interval=2", {"count": 2}, ["2027-04-07T09:00"]),
    ],
)
def test_the_times_are_those_of_the_rule(at: str, rule: str, end: dict[str, object], further: list[str]) -> None:
    """Months without the day, or without a 31st, have none (RFC 5545 section 3.3.10)."""
    assert repeats(at, rule, **end) == (further, [])


def test_a_time_that_a_clock_skips_or_shows_twice_is_told_for_every_occurrence() -> None:
    """Sundays at 02:30 in Zurich: 28 March 2027 has no such time, 31 October has two."""
    times, codes = repeats("2027-03-21T02:30", "FREQ=WEEKLY", count=40)
    assert len(times) == 39
    assert codes == ["W_TIME_GAP", "W_TIME_FOLD"]


@pytest.mark.parametrize(
    ("at", "rule", "end", "code"),
    [
        ("2027-02-02T09:00", "FREQ=MONTHLY;BYDAY=1MO", {"count": 3}, "E_REPEAT"),  # a Tuesday
        ("2027-02-01T09:00", "FREQ=MONTHLY;BYDAY=1MO", {}, "E_REPEAT"),  # no end
        ("2027-02-01T09:00", "FREQ=HOURLY", {"count": 3}, "E_REPEAT"),
        ("2027-02-01T09:00", "FREQ=DAILY;COUNT=3", {"count": 3}, "E_REPEAT"),
        ("2027-02-01T09:00", "FREQ=DAILY;BYHOUR=12", {"count": 3}, "E_REPEAT"),
        ("2027-02-01T09:00", "FREQ=DAILY;INTERVAL=-1", {"count": 3}, "E_REPEAT"),
        ("2027-02-01T09:00", "FREQ=DAILY;INTERVAL=0", {"count": 3}, "E_REPEAT"),  # the same day for ever
        ("2027-02-01T09:00", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", {"count": 3}, "E_REPEAT"),  # never
        ("2027-02-01T09:00", "every month", {"count": 3}, "E_REPEAT"),
        ("2027-02-01T09:00", "FREQ=MONTHLY;BYDAY=9XX", {"count": 3}, "E_REPEAT"),
        ("2027-02-01T09:00", "FREQ=DAILY", {"until": datetime(2027, 12, 31).date()}, "E_REPEAT"),  # too often
        ("2027-02-01T09:00", "FREQ=DAILY", {"until": datetime(2027, 2, 1).date()}, "E_REPEAT"),  # only once
        ("2027-02-01T09:00", "FREQ=YEARLY", {"count": 20}, "E_REPEAT"),  # too long
        ("2027-02-01T09:00", "FREQ=DAILY", {"count": 1}, "E_VALUE"),
        ("2027-02-01T09:00", "FREQ=DAILY", {"count": MOST + 1}, "E_VALUE"),
        ("2027-02-01T09:00", "FREQ=DAILY", {"until": "2027-12-31"}, "E_TYPE"),
    ],
)
def test_what_cannot_be_kept_is_refused(at: str, rule: str, end: dict[str, object], code: str) -> None:
    assert code in repeats(at, rule, **end)[1]


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet="FREQ=DAILYWKMONTHBSP;,+-0123456789 ", max_size=80))
def test_no_rule_brings_the_reading_down(rule: str) -> None:
    for text in (rule, f"FREQ=YEARLY;BYMONTHDAY={rule}", f"FREQ=YEARLY;BYWEEKNO={rule};INTERVAL=9"):
        times, codes = repeats("2027-02-01T09:00", text, count=MOST)
        assert len(times) < MOST
        assert times or codes


def test_a_file_says_it_beside_the_hour(campaign_file: ReadCampaign) -> None:
    again = (AT, f'{AT}repeat = "FREQ=MONTHLY"\ncount = 3\n')
    campaign = campaign_file(DATED, again).campaign
    assert campaign.repeats == (datetime(2015, 11, 1, 9), datetime(2015, 12, 1, 9))
    first, *_, last = campaign.editions
    assert (first.occurrence, last.letter_date.isoformat()) == ("2015-10-01T09:00 Europe/Zurich", "2015-12-01")
    assert campaign_file().campaign.editions == (campaign_file().campaign,)


def test_one_date_cannot_stand_on_all_of_the_letters(campaign_file: ReadCampaign) -> None:
    again = (AT, f'{AT}repeat = "FREQ=MONTHLY"\ncount = 3\n')
    assert [one.code for one in problems(lambda: campaign_file(again))] == ["E_REPEAT"]


@pytest.mark.parametrize("line", ["count = 3\n", "until = 2027-12-31\n"])
def test_an_end_without_a_beginning_is_refused(line: str, campaign_file: ReadCampaign) -> None:
    assert [one.code for one in problems(lambda: campaign_file((AT, AT + line)))] == ["E_REPEAT"]
