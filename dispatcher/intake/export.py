"""Contacts to files, in our own layout: CSV, XLSX, vCard 4.0; the rows that were refused; an empty list to fill in.

What is written reads back as the same contacts. A file appears whole or not at all.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import xlsxwriter

from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Contact

from .card_fields import card_of
from .cells import cells_of
from .columns import FIELDS, NOTES
from .guard import guard
from .reading import Reading, ReadRow
from .tabular import CREATED, WORKBOOK, whole

#: In the width of one digit of the sheet's own face.
_NARROW, _WIDE, _WIDEST = 12, 28, 60
_WIDE_FIELDS = frozenset({"name", "office", "organisation", "address_1", "address_2", "state", "email", "closing"})
_GUIDE = Path(__file__).with_name("fields.toml")


def write_csv(contacts: Sequence[Contact], path: Path) -> None:
    """UTF-8 with a byte order mark, as Excel needs it; cells that a spreadsheet would run are protected (`guard`)."""
    _write_csv(FIELDS, map(cells_of, contacts), path)


def write_xlsx(contacts: Sequence[Contact], path: Path) -> None:
    """One sheet of text cells, header and first column fixed, with filters."""
    _write_xlsx(FIELDS, [cells_of(one) for one in contacts], path)


def write_vcard(contacts: Sequence[Contact], path: Path) -> None:
    """One card a contact (RFC 6350); what no standard property says stands in X-DISPATCHER-… properties."""
    text = "".join(card_of(cells_of(one)) for one in contacts)
    whole(path, lambda part: part.write_bytes(text.encode()))


def write_blank(path: Path) -> None:
    """A list with every column and one example, as CSV or XLSX by its suffix; the XLSX explains its columns."""
    example = {name: str(_guide()[name].get("example", "")) for name in FIELDS}
    if path.suffix.lower() == ".xlsx":
        _write_xlsx(FIELDS, [example], path, guided=True)
    else:
        _write_csv(FIELDS, [example], path)


def write_rejects(reading: Reading, path: Path, also: Iterable[Problem] = ()) -> int:
    """The rows that were not taken, as they were, each with its place and what to do; how many. CSV or XLSX by suffix.

    `also` are problems that somebody else found with good rows, by their place. When the rows are mended, the file is
    read like any other: its two own columns are passed over.
    """
    found: dict[str, list[Problem]] = {row.place: list(row.problems) for row in reading.rows if row.problems}
    for problem in also:
        found.setdefault(problem.place, []).append(problem)
    rows = [row for row in reading.rows if found.get(row.place)]
    columns = [*_headers(rows), *NOTES]
    cells = [{**row.cells, **_notes(row.place, found[row.place])} for row in rows]
    if path.suffix.lower() == ".xlsx":
        _write_xlsx(columns, cells, path)
    else:
        _write_csv(columns, cells, path)
    return len(rows)


def _headers(rows: Sequence[ReadRow]) -> list[str]:
    """All headers of these rows, in the order of the lists they come from, without our own notes of an earlier time."""
    return [name for name in dict.fromkeys(name for row in rows for name in row.cells) if name.casefold() not in NOTES]


def _notes(place: str, problems: Sequence[Problem]) -> dict[str, str]:
    texts = (f"{one.cause}. {one.way_out}" if one.way_out else one.cause for one in problems)
    return dict(zip(NOTES, (place, "; ".join(texts)), strict=True))


# -- files -------------------------------------------------------------------------------------------------------------


def _write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]], path: Path) -> None:
    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(map(guard, columns))
            writer.writerows([guard(cells.get(name, "")) for name in columns] for cells in rows)

    whole(path, write)


def _write_xlsx(columns: Sequence[str], rows: Sequence[Mapping[str, str]], path: Path, *, guided: bool = False) -> None:
    def write(part: Path) -> None:
        with xlsxwriter.Workbook(str(part), WORKBOOK) as book:
            book.set_properties({"created": CREATED})
            _fill(book, columns, rows)
            if guided:
                _fill_guide(book, columns)

    whole(path, write)


def _fill(book: Any, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    sheet = book.add_worksheet("Contacts")
    # '@' is the format of text: what a person types into such a cell stays as typed, a fax number too.
    bold, text = book.add_format({"bold": True, "num_format": "@"}), book.add_format({"num_format": "@"})
    for index, name in enumerate(columns):
        sheet.set_column(index, index, _width(name), text)
        sheet.write_string(0, index, name, bold)
    for number, cells in enumerate(rows, start=1):
        for index, name in enumerate(columns):
            if cells.get(name):
                sheet.write_string(number, index, cells[name], text)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)


def _width(name: str) -> int:
    return _WIDEST if name in NOTES[1:] else _WIDE if name in _WIDE_FIELDS else _NARROW


def _fill_guide(book: Any, columns: Sequence[str]) -> None:
    """A second sheet that says what goes where; it has no header of a list, so that nobody reads it as one."""
    sheet = book.add_worksheet("How to fill it in")
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, _WIDE)
    sheet.set_column(1, 1, _WIDEST)
    sheet.write_row(0, 0, ("The column", "What it holds"), bold)
    for number, name in enumerate(columns, start=1):
        sheet.write_string(number, 0, f"{name}:", wrap)
        sheet.write_string(number, 1, str(_guide()[name]["holds"]), wrap)


@cache
def _guide() -> dict[str, dict[str, str]]:
    """What each column holds, and an example."""
    return tomllib.loads(_GUIDE.read_text(encoding="utf-8"))
