"""What is written reads back as the same contacts: CSV, XLSX and vCard lose nothing, whatever a contact holds."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from any_contacts import lists
from hypothesis import given, settings

from dispatcher.domain.model import Contact
from dispatcher.intake.columns import FIELDS
from dispatcher.intake.contacts import ReadOptions, read_lists
from dispatcher.intake.export import write_blank, write_csv, write_vcard, write_xlsx

Write = Callable[[Sequence[Contact], Path], None]
EXAMPLES = settings(max_examples=40, deadline=None)
FEWER = settings(max_examples=15, deadline=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trips")


def check_trip(write: Write, people: list[Contact], path: Path) -> None:
    write(people, path)
    reading = read_lists([path])
    assert reading.problems == ()
    assert list(reading.contacts) == people


@EXAMPLES
@given(people=lists)
def test_a_csv_file_loses_nothing(folder: Path, people: list[Contact]) -> None:
    check_trip(write_csv, people, folder / "list.csv")


@FEWER
@given(people=lists)
def test_a_workbook_loses_nothing(folder: Path, people: list[Contact]) -> None:
    check_trip(write_xlsx, people, folder / "list.xlsx")


@EXAMPLES
@given(people=lists)
def test_cards_lose_nothing(folder: Path, people: list[Contact]) -> None:
    check_trip(write_vcard, people, folder / "list.vcf")


@FEWER
@given(people=lists)
def test_a_list_that_the_office_knows_changes_nothing_and_warns_of_nothing(folder: Path, people: list[Contact]) -> None:
    write_csv(people, folder / "known.csv")
    reading = read_lists([folder / "known.csv"], ReadOptions(known={one.id: one for one in people}))
    assert list(reading.contacts) == people
    assert {one.code for one in reading.warnings} <= {"W_GENDER"}


@FEWER
@given(people=lists)
def test_no_cell_of_a_csv_file_can_be_run_as_a_formula(folder: Path, people: list[Contact]) -> None:
    write_csv(people, folder / "safe.csv")
    with (folder / "safe.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@FEWER
@given(people=lists)
def test_a_file_without_some_columns_keeps_what_the_office_has_there(folder: Path, people: list[Contact]) -> None:
    path = folder / "some.csv"
    path.write_text("id\n" + "".join(f"{one.id}\n" for one in people), encoding="utf-8")
    reading = read_lists([path], ReadOptions(known={one.id: one for one in people}))
    assert reading.problems == ()
    assert list(reading.contacts) == people


@pytest.mark.parametrize("name", ["blank.csv", "blank.xlsx"])
def test_the_empty_list_has_every_column_and_an_example_that_is_read(tmp_path: Path, name: str) -> None:
    write_blank(tmp_path / name)
    reading = read_lists([tmp_path / name])
    assert [one.header for one in reading.mapping] == list(FIELDS)
    assert (reading.problems, reading.warnings) == ((), ())
    assert [one.id for one in reading.contacts] == ["ardesia-geneva"]


@pytest.mark.parametrize("write", [write_csv, write_xlsx, write_vcard])
def test_the_same_contacts_are_the_same_file_and_nothing_is_left_beside_it(write: Write, tmp_path: Path) -> None:
    write_blank(tmp_path / "list.csv")
    contacts = read_lists([tmp_path / "list.csv"]).contacts
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(contacts, tmp_path / name / "list")
    assert (tmp_path / "one/list").read_bytes() == (tmp_path / "two/list").read_bytes()
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["list"]


def test_a_file_that_cannot_be_written_leaves_the_old_one_whole(tmp_path: Path) -> None:
    (tmp_path / "list.xlsx").mkdir()
    with pytest.raises(OSError, match=r"list\.xlsx"):
        write_xlsx([], tmp_path / "list.xlsx")
    assert [file.name for file in tmp_path.iterdir()] == ["list.xlsx"]


def test_a_card_keeps_to_75_octets_a_line_and_tears_no_letter_apart(folder: Path) -> None:
    write_blank(folder / "one.csv")
    (contact,) = read_lists([folder / "one.csv"]).contacts
    long = [type(contact)(**{**_fields(contact), "organisation": "Представительство Республики " * 8})]
    write_vcard(long, folder / "long.vcf")
    lines = (folder / "long.vcf").read_bytes().split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert all(line.decode() or True for line in lines)


def _fields(contact: Contact) -> dict[str, object]:
    return {name: getattr(contact, name) for name in type(contact).__dataclass_fields__}
