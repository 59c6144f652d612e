"""A Blue-Book-like workbook of 200 missions with 40 planted faults: each is found and placed, and nothing else."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from blue_book import HEADERS, MISSIONS, SHEET, Planted, mission, write_blue_book

from dispatcher.domain.words import Form, Gender, Kind
from dispatcher.intake.contacts import Reading, ReadOptions, read_lists
from dispatcher.intake.export import write_rejects


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blue")


@pytest.fixture(scope="module")
def planted(folder: Path) -> tuple[Planted, ...]:
    return write_blue_book(folder / "missions.xlsx")


@pytest.fixture(scope="module")
def reading(folder: Path, planted: tuple[Planted, ...]) -> Reading:
    assert planted
    return read_lists([folder / "missions.xlsx"])


def test_forty_faults_of_fifteen_kinds_are_planted(planted: tuple[Planted, ...]) -> None:
    assert len(planted) == len({fault.mission for fault in planted}) == 40
    assert len(Counter(fault.code for fault in planted)) == 15


def test_every_fault_is_found_and_placed_and_nothing_else_is_reported(
    reading: Reading, planted: tuple[Planted, ...], folder: Path
) -> None:
    found = [(problem.place, problem.code) for problem in reading.problems]
    assert found == [(f"{folder / 'missions.xlsx'}, sheet {SHEET}, row {one.row}", one.code) for one in planted]


def test_every_problem_names_its_column_by_letter_and_header_and_has_a_way_out(
    reading: Reading, planted: tuple[Planted, ...]
) -> None:
    for problem, fault in zip(reading.problems, planted, strict=True):
        assert problem.cause.startswith(f"{fault.column} {fault.header!r} (")
        assert problem.way_out
        assert problem.cause.isprintable()


def test_the_other_rows_are_read(reading: Reading, planted: tuple[Planted, ...]) -> None:
    bad = {fault.mission for fault in planted}
    assert len(reading.rows) == MISSIONS
    assert [number for number, row in enumerate(reading.rows) if row.contact is None] == sorted(bad)
    assert len(reading.contacts) == MISSIONS - len(bad)


def test_a_row_of_the_list_becomes_the_contact_that_a_chancery_means(reading: Reading) -> None:
    contact = reading.rows[1].contact  # the United Arab Emirates
    assert contact is not None
    assert (contact.id, contact.state_code, contact.seat) == ("ae-geneva", "AE", "CH")
    assert (contact.name, contact.honorific, contact.gender) == ("Prénom Nom-1", "", Gender.FEMALE)
    assert (contact.office, contact.form) == ("Ambassadrice, Représentante permanente", Form.PERMANENT_REPRESENTATIVE)
    assert contact.postal == ("2, chemin des Exemples", "1202 Genève")
    assert contact.address(Kind.FAX) == "+41225560001"
    assert (contact.language, contact.time_zone) == ("en", "Europe/Zurich")
    assert contact.national_days == ("07-14",)
    assert contact.since is not None
    assert contact.since.isoformat() == "2021-02-02"


def test_missions_elsewhere_have_the_zone_and_the_numbers_of_their_own_seat(reading: Reading) -> None:
    contact = reading.rows[-1].contact
    assert contact is not None
    assert contact.id.endswith("-vienna")
    assert (contact.seat, contact.time_zone) == ("AT", "Europe/Vienna")
    assert (contact.address(Kind.FAX) or "").startswith("+431")


def test_the_same_list_again_changes_nothing_and_repeats_no_note(reading: Reading, folder: Path) -> None:
    known = {contact.id: contact for contact in reading.contacts}
    again = read_lists([folder / "missions.xlsx"], ReadOptions(known=known))
    assert again.contacts == reading.contacts
    assert again.problems == reading.problems
    assert {one.code for row in again.rows if row.contact for one in row.warnings} == {"W_HONORIFIC"}


def test_what_was_guessed_about_columns_is_shown_with_samples(reading: Reading) -> None:
    guessed = {one.header: one for one in reading.mapping}
    assert list(guessed) == list(HEADERS)
    assert guessed["Téléfax"].field == "fax"
    assert guessed["Téléfax"].column == "H"
    assert guessed["Téléfax"].how == "as in Blue Book, Geneva (French)"
    assert guessed["Téléfax"].samples[0] == "41225560000"
    assert guessed["N°"].field == ""


def test_what_was_filled_in_is_said_once_with_the_number_of_rows(reading: Reading) -> None:
    told = [(one.code, one.cause) for one in reading.warnings]
    assert len(told) < 20
    assert ("W_SHEET", "not read, because they are hidden: 'Notes'") in told
    assert [cause for code, cause in told if code == "W_ZONE_MADE"] == [
        "time_zone: made from where the office stands, 200 rows "
        "(Europe/Zurich, because of 'Genève': 197; Europe/Vienna, because of 'Vienne': 3)",
    ]
    (made,) = [cause for code, cause in told if code == "W_ID_MADE"]
    assert made.startswith("id: made, 196 rows (ad-geneva, made from state and seat; ae-geneva, ")
    assert made.endswith("; and 193 more)")
    assert len({code for code, _ in told if code.startswith("W_")}) == len(told)
    assert {"W_SEAT_MADE", "W_FORM_MADE", "W_HONORIFIC"} <= {code for code, _ in told}


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_the_rejects_say_what_to_do_and_are_read_when_they_are_mended(
    reading: Reading, planted: tuple[Planted, ...], tmp_path: Path, suffix: str
) -> None:
    rejects = tmp_path / f"rejects{suffix}"
    assert write_rejects(reading, rejects) == 40
    again = read_lists([rejects])
    assert Counter(one.code for one in again.problems) == Counter(one.code for one in planted)
    assert again.contacts == ()


def test_mended_rejects_bring_the_rest_of_the_list(
    reading: Reading, planted: tuple[Planted, ...], folder: Path, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    write_rejects(reading, rejects)
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, fault in zip(rows, planted, strict=True):
        assert row["row"].endswith(f"row {fault.row}")
        assert row["what to do"]
        row[fault.header] = str(mission(fault.mission)[fault.header])
    with rejects.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    mended = read_lists([rejects])
    assert mended.problems == ()
    write_blue_book(folder / "good.xlsx", faulty=False)
    whole = {contact.id: contact for contact in read_lists([folder / "good.xlsx"]).contacts}
    assert len(whole) == MISSIONS
    assert {contact.id: contact for contact in (*reading.contacts, *mended.contacts)} == whole
