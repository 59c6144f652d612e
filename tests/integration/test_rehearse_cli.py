"""`dispatcher campaigns rehearse` as people and other programs see it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from terminal.program import Program
from terminal.project import lay_out

REPEATED = ("--faults", "bad", "--seed", "7", "--runs", "2")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(lay_out(tmp_path / "project"))
    made("db", "upgrade").good()
    made("contacts", "import").good()
    return made


def test_a_campaign_of_which_there_is_only_a_file_is_rehearsed_and_then_the_prepared_one_foretells_the_same(
    program: Program,
) -> None:
    of_file = program("campaigns", "rehearse", "peace", *REPEATED, "--json").good().json
    assert (of_file["campaign"], of_file["seed"], of_file["runs"]) == ("peace", 7, 2)
    assert (of_file["letters"], of_file["deliveries"]) == (3, 3)
    assert of_file["calendar"][0]["day"] == "2026-01-12"
    assert len(of_file["sendings"]) == 3
    assert program("campaigns", "list", "--json").good().json["campaigns"] == []
    program("campaigns", "prepare", "peace").good()
    of_plan = program("campaigns", "rehearse", "peace", *REPEATED, "--json").good().json
    assert of_plan == of_file
    [row] = program("campaigns", "list", "--json").good().json["campaigns"]
    assert (row["phase"], row["launched"]) == ("prepared", None)
    assert program("deliveries", "list", "--json").good().json["deliveries"] == []


def test_people_read_the_calendar_and_find_the_files_in_the_folder(program: Program, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = program("campaigns", "rehearse", "peace", "--faults", "none", "--out", str(out)).good()
    assert "none, seed 1, one run" in told.out
    assert "Mon 2026-01-12" in told.out
    with (out / "calendar.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["day"], row["time"], row["contact"]) for row in rows} == {
        ("2026-01-12", "09:00", name) for name in ("ardesia", "halvorn", "tukaro")
    }
    diary = (out / "calendar.ics").read_bytes()
    assert diary.count(b"BEGIN:VEVENT\r\n") == 1
    assert b"DTSTART:20260112T080000Z\r\n" in diary
    assert max(len(line) for line in diary.split(b"\r\n")) <= 75
    again = program("campaigns", "rehearse", "peace", "--out", str(out))
    assert again.code == 5
    assert "--force" in again.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere",), 3, "there is no campaign file 'nowhere'"),
        (("peace", "--faults", "awful"), 2, "E_FAULTS"),
        (("peace", "--from", "tomorrow"), 2, "E_TIME"),
        (("peace", "--from", "0001-01-01T00:00"), 2, "E_TIME_RANGE"),
        (("peace", "--limit", "fifty", "--limit", "CHF=-1"), 2, "E_LIMIT"),
        (("peace", "--limit", "CHF=nan"), 2, "E_LIMIT"),
        (("peace", "--answers", "2"), 2, "--answers"),
        (("peace", "--runs", "0"), 2, "--runs"),
        (("peace", "--seed", "-1"), 2, "--seed"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_made(
    program: Program, arguments: tuple[str, ...], code: int, words: str
) -> None:
    refused = program("campaigns", "rehearse", *arguments)
    assert refused.code == code
    assert words in refused.err
    assert refused.out == ""
