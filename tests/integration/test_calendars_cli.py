"""Closed days and campaigns that repeat, from the command line: what people see, and what other programs read."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from terminal.program import Program
from terminal.project import CAMPAIGN, lay_out


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(lay_out(tmp_path / "project"))
    made("db", "upgrade").good()
    made("contacts", "import").good()
    return made


def test_the_closed_days_of_a_contact_and_of_a_country(program: Program) -> None:
    told = program("calendars", "show", "ardesia", "--year", "2027").good().out
    assert "Saturday, Sunday" in told
    assert "2027-08-01" in told
    shown = program("calendars", "show", "Jordan", "--year", "2027", "--json").good().json
    assert (shown["of"], shown["place"], shown["weekend"]) == ("JO", "Jordan", ["Friday", "Saturday"])
    assert (shown["from"], shown["until"], shown["holidays_known"]) == ("2027-01-01", "2027-12-31", True)
    days = {one["day"]: (one["weekday"], one["why"]) for one in shown["closed"]}
    assert days["2027-05-25"] == ("Tuesday", "national day of Jordan; public holiday: Independence Day")


def test_without_a_year_the_coming_months_are_shown(program: Program) -> None:
    shown = program("calendars", "show", "ardesia", "--months", "3", "--json").good().json
    first, last = date.fromisoformat(shown["from"]), date.fromisoformat(shown["until"])
    assert 58 <= (last - first).days <= 92
    assert (last + timedelta(days=1)).day == 1
    assert shown["closed"] == sorted(shown["closed"], key=lambda one: one["day"])


def test_nobody_of_that_name_is_an_error_of_its_own_kind(program: Program) -> None:
    refused = program("calendars", "show", "nowhere")
    assert refused.code == 3
    assert "no contact and no country" in refused.err


def test_ones_own_closed_days_are_shown_and_a_fault_in_them_stops_everything(program: Program) -> None:
    settings = program.folder / "config" / "dispatcher.toml"
    own = program.folder / "config" / "closed-days.toml"
    settings.write_text(settings.read_text() + '\n[calendars]\nclosed_days = "config/closed-days.toml"\n')
    own.write_text('[[closed]]\nday = 2027-02-10\nreason = "the mission moves"\ncontacts = ["ardesia"]\n')
    assert "closed: the mission moves" in program("calendars", "show", "ardesia", "--year", "2027").good().out
    own.write_text("[[closed]]\nday = 2027-02-10\n")
    refused = program("calendars", "show", "ardesia")
    assert refused.code == 2
    assert "E_KEY_MISSING" in refused.err


def test_a_campaign_that_repeats_is_shown_launched_and_its_missed_times_settled(program: Program) -> None:
    again = 'zone = "Europe/Zurich"\nrepeat = "FREQ=WEEKLY"\ncount = 3\n'
    file = program.folder / "config" / "campaigns" / "peace.toml"
    text = CAMPAIGN.replace('zone = "Europe/Zurich"\n', again).replace("letter_date = 2026-01-12\n", "")
    file.write_text(text, "utf-8")
    digest = program("campaigns", "prepare", "peace", "--json").good().json["plan"]
    shown = program("campaigns", "preview", "peace").good().out
    assert "3 times in all" in shown
    assert "2026-01-26T09:00 Europe/Zurich" in shown
    program("campaigns", "approve", "peace", "--digest", digest).good()
    program("campaigns", "launch", "peace", "--late").good()
    times = program("campaigns", "occurrences", "peace", "--json").good().json["occurrences"]
    assert [(one["occurrence"][:16], one["counts"], one["late"]) for one in times] == [
        (f"2026-01-{day}T09:00", {"queued": 3}, 0) for day in (12, 19, 26)
    ]
    assert "3 Queued" in program("campaigns", "occurrences", "peace").good().out
    key = times[0]["occurrence"]
    missed = ("--occurrence", key, "--reason", "seen")
    assert program("campaigns", "release", "peace", "--expect", "2", *missed).code == 5
    assert program("campaigns", "skip", "peace", "--expect", "0", *missed, "--json").good().json["cancelled"] == []
    assert "0 deliveries queued" in program("campaigns", "release", "peace", "--expect", "0", *missed).good().out
    assert "occurrence" in program("deliveries", "list", "--json").good().json["deliveries"][0]
