"""Workbooks: what Excel and others keep in them is read as it is shown, and what is no list says so in one sentence."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from dispatcher.domain.words import Kind
from dispatcher.intake import workbook
from dispatcher.intake.contacts import Reading, ReadOptions, read_lists

FIXTURES = Path(__file__).parents[2] / "fixtures/lists"
HEADER = ("Pays", "Ville", "Téléfax", "Courriel", "Langue", "Chef de mission", "Titre", "Lettres de créance")
ROW = ("Tchad", "Genève", "022 555 01 00", "a@x.example", "fr", "Mme A. Nom", "Ambassadeur", "2026-04-03")
Fill = Callable[[Any, Any], None]


def write(path: Path, *sheets: tuple[str, Sequence[Sequence[object]]], fill: Fill | None = None) -> Path:
    """A workbook of these sheets; `fill` may write more into the first."""
    with xlsxwriter.Workbook(str(path)) as book:
        made = [(book.add_worksheet(name), rows) for name, rows in sheets]
        for sheet, rows in made:
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
        if fill:
            fill(book, made[0][0])
    return path


def missions(path: Path, fill: Fill | None = None) -> Path:
    return write(path, ("Genève", [HEADER, ROW]), fill=fill)


def read(path: Path, **options: Any) -> Reading:
    return read_lists([path], ReadOptions(**options))


def codes(reading: Reading) -> list[str]:
    return [problem.code for problem in reading.problems]


@pytest.mark.parametrize("name", ["list.xls", "list.ods", "list.xlsb"])
def test_workbooks_that_other_programs_wrote_are_read(name: str) -> None:
    reading = read(FIXTURES / name)
    assert reading.problems == ()
    assert [one.id for one in reading.contacts] == ["td-geneva", "vn-geneva"]
    first, second = reading.contacts
    assert (first.address(Kind.FAX), second.address(Kind.FAX)) == ("+41225550100", "+41225550101")
    assert (first.postal, first.since) == (("12, chemin des Exemples", "1202 Genève"), date(2024, 3, 5))
    assert reading.rows[0].place.endswith(f"{name}, sheet Genève, row {3 if name.endswith('xlsb') else 4}")


def test_what_a_file_is_called_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes((FIXTURES / "list.xls").read_bytes())
    assert len(read(tmp_path / "list.csv").contacts) == 2


def test_numbers_and_days_are_read_as_they_are_shown(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_number(1, 2, 41225550100)
        sheet.write_datetime(1, 7, datetime(2026, 4, 3), book.add_format({"num_format": "dd.mm.yyyy"}))

    (row,) = read(missions(tmp_path / "list.xlsx", fill)).rows
    assert (row.cells["Téléfax"], row.cells["Lettres de créance"]) == ("41225550100", "2026-04-03")
    assert row.contact is not None
    assert row.contact.address(Kind.FAX) == "+41225550100"


@pytest.mark.parametrize(
    ("written", "code"), [(612345678, "E_FAX_FORM"), ("06 1234 5678", ""), (39612345678, ""), ("+39 06 1234 5678", "")]
)
def test_a_zero_that_a_number_cell_has_lost_is_asked_for_where_it_counts(
    tmp_path: Path, written: int | str, code: str
) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write(1, 1, "Rome")
        sheet.write(1, 2, written)

    assert codes(read(missions(tmp_path / "list.xlsx", fill))) == [code][: bool(code)]


def test_a_formula_counts_by_the_value_it_was_saved_with(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_formula(1, 5, '="Mme "&"B. Nom"', None, "Mme B. Nom")

    (contact,) = read(missions(tmp_path / "list.xlsx", fill)).contacts
    assert contact.name == "B. Nom"


def test_the_error_of_a_formula_is_a_problem_and_never_an_empty_cell(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_formula(1, 2, "=VLOOKUP(A2,Z:Z,1,0)", None, "#N/A")

    (problem,) = read(missions(tmp_path / "list.xlsx", fill)).problems
    assert (problem.code, problem.cause) == ("E_CELL", "C 'Téléfax' (fax): the formula in this cell comes to #N/A")


def test_a_cell_merged_over_rows_counts_for_each_of_them(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.merge_range(1, 0, 2, 0, "Tchad")

    rows = [HEADER, ROW, ("", "Vienne", "", "b@x.example", *ROW[4:])]
    reading = read(write(tmp_path / "list.xlsx", ("Missions", rows), fill=fill))
    assert [one.id for one in reading.contacts] == ["td-geneva", "td-vienna"]


def test_text_that_looks_like_a_formula_is_text_without_a_warning(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_string(1, 5, "=A. Nom")

    reading = read(missions(tmp_path / "list.xlsx", fill))
    assert reading.contacts[0].name == "=A. Nom"
    assert "W_FORMULA" not in {one.code for one in reading.warnings}


def test_the_first_sheet_with_a_header_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    later = ("Tchad", "Vienne", *ROW[2:])
    path = write(
        tmp_path / "list.xlsx", ("Avis", [["Liste provisoire"]]), ("Genève", [HEADER, ROW]), ("Vienne", [HEADER, later])
    )
    reading = read(path)
    assert [row.place for row in reading.rows] == [f"{path}, sheet Genève, row 2"]
    assert [one.cause for one in reading.warnings if one.code == "W_SHEET"] == [
        "only the sheet 'Genève' is read; others look like lists too: 'Vienne'"
    ]
    assert [one.id for one in read(path, sheet="Vienne").contacts] == ["td-vienna"]


def test_a_hidden_sheet_is_read_only_when_it_is_named(tmp_path: Path) -> None:
    rows = [HEADER, ROW]
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Avis").write_row(0, 0, ["rien"])
        hidden = book.add_worksheet("Missions")
        for number, row in enumerate(rows):
            hidden.write_row(number, 0, row)
        hidden.hide()
    reading = read(path)
    assert codes(reading) == ["E_SHEET_HEADER"]
    assert "'Missions'" in reading.warnings[0].cause
    assert len(read(path, sheet="Missions").contacts) == 1


def test_a_sheet_that_is_not_there_is_told_the_nearest(tmp_path: Path) -> None:
    (problem,) = read(missions(tmp_path / "list.xlsx"), sheet="Geneve").problems
    assert (problem.code, problem.way_out) == ("E_SHEET", "Did you mean 'Genève'?")


def test_a_heading_between_the_rows_is_one_problem_and_not_five(tmp_path: Path) -> None:
    reading = read(write(tmp_path / "list.xlsx", ("Missions", [HEADER, ["AFRIQUE"], ROW])))
    assert [(one.code, one.cause) for one in reading.problems] == [
        ("E_SHEET_SHAPE", "only one cell of the row is filled: 'AFRIQUE'")
    ]
    assert len(reading.contacts) == 1


@pytest.mark.parametrize("blank", [0, 3, 13])
def test_the_header_is_found_below_titles(tmp_path: Path, blank: int) -> None:
    rows = [["Missions permanentes à Genève"], *[[""]] * blank, HEADER, ROW]
    (row,) = read(write(tmp_path / "list.xlsx", ("Missions", rows))).rows
    assert row.place.endswith(f"row {blank + 3}")


def test_a_header_further_down_is_not_looked_for(tmp_path: Path) -> None:
    rows = [*[["remarque"]] * 15, HEADER, ROW]
    (problem,) = read(write(tmp_path / "list.xlsx", ("Missions", rows))).problems
    assert problem.code == "E_SHEET_HEADER"
    assert "'remarque'" in problem.cause


# -- what is no list ---------------------------------------------------------------------------------------------------


def repacked(path: Path, change: Callable[[str, bytes], bytes]) -> bytes:
    """The package with its parts changed."""
    made = BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return made.getvalue()


def one_problem(path: Path, data: bytes) -> tuple[str, str]:
    path.write_bytes(data)
    (problem,) = read(path).problems
    assert problem.place == str(path)
    assert problem.cause.isprintable()
    assert problem.way_out
    return problem.code, problem.cause


def test_a_workbook_with_a_password_is_told_how_to_take_it_off() -> None:
    (problem,) = read(FIXTURES / "password.xlsx").problems
    assert problem.code == "E_SHEET_PASSWORD"
    assert "Take the password off" in problem.way_out


def test_an_open_document_with_a_password_is_told_so_too(tmp_path: Path) -> None:
    locked = repacked(
        FIXTURES / "list.ods",
        lambda name, data: (
            data.replace(b"</manifest:manifest>", b"<manifest:encryption-data/></manifest:manifest>")
            if name == "META-INF/manifest.xml"
            else data
        ),
    )
    assert one_problem(tmp_path / "list.ods", locked)[0] == "E_SHEET_PASSWORD"


@pytest.mark.parametrize("keep", [5, 100, 3000])
def test_a_workbook_that_was_cut_short_is_broken(tmp_path: Path, keep: int) -> None:
    data = missions(tmp_path / "whole.xlsx").read_bytes()
    assert one_problem(tmp_path / "cut.xlsx", data[:keep])[0] == "E_SHEET_BROKEN"


def test_a_workbook_with_a_damaged_sheet_is_broken(tmp_path: Path) -> None:
    path = missions(tmp_path / "list.xlsx")
    spoilt = repacked(path, lambda name, data: b"<worksheet><sheet" if "sheet1" in name else data)
    assert one_problem(tmp_path / "bad.xlsx", spoilt)[0] == "E_SHEET_BROKEN"


def test_a_zip_of_other_things_and_an_old_file_of_another_kind_are_broken(tmp_path: Path) -> None:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        package.writestr("hello.txt", "hello")
    assert one_problem(tmp_path / "a.xlsx", made.getvalue())[0] == "E_SHEET_BROKEN"
    assert one_problem(tmp_path / "b.xls", (FIXTURES / "list.xls").read_bytes()[:2048])[0] == "E_SHEET_BROKEN"


def test_a_package_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_UNPACKED", 1_000_000)
    path = missions(tmp_path / "list.xlsx")
    bomb = repacked(path, lambda name, data: data + b" " * 2_000_000 if "sheet1" in name else data)
    assert len(bomb) < 20_000
    assert one_problem(tmp_path / "bomb.xlsx", bomb)[0] == "E_SHEET_SIZE"


def test_a_cell_in_the_last_corner_costs_a_process_and_not_this_one(tmp_path: Path) -> None:
    path = missions(tmp_path / "list.xlsx", lambda book, sheet: sheet.write(1_048_575, 16_383, "x"))
    code, cause = one_problem(path, path.read_bytes())
    assert code == "E_SHEET_SIZE"
    assert "unpacks to more than any list needs" in cause


def test_too_many_cells_are_refused_with_the_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_CELLS", 15)
    path = missions(tmp_path / "list.xlsx")
    code, cause = one_problem(path, path.read_bytes())
    assert code == "E_SHEET_SIZE"
    assert "'Genève'" in cause


def test_a_reader_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_SECONDS", 0.001)
    path = missions(tmp_path / "list.xlsx")
    assert one_problem(path, path.read_bytes())[0] == "E_SHEET_SIZE"


@pytest.mark.parametrize("at", range(0, 6000, 457))
def test_no_damaged_byte_makes_more_than_problems(tmp_path: Path, at: int) -> None:
    data = bytearray(missions(tmp_path / "list.xlsx").read_bytes())
    at %= len(data)
    data[at] ^= 0xFF
    (tmp_path / "bad.xlsx").write_bytes(data)
    reading = read(tmp_path / "bad.xlsx")
    assert reading.problems or len(reading.contacts) == 1
