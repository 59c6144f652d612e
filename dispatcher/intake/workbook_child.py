"""Reads one workbook in a process of its own and writes its cells to standard output. Run by `workbook.py` alone.

A damaged or hostile workbook can make the reading library take all memory, or end the process: then only this one ends.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from xml.etree import ElementTree as ET

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

#: Up to here every whole number has a floating-point number of its own.
MOST_EXACT = 2**53
Value = int | float | str | bool | date | datetime | time | timedelta


def shown(value: Value) -> str | int:
    """A cell as Excel shows it without a format of its own: whole numbers in full, days as year-month-day."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < MOST_EXACT else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def read(data: bytes, wanted: str, most: int) -> dict[str, object]:
    """The sheets that somebody wants: all visible ones, or the one of that name."""
    book = CalamineWorkbook.from_filelike(BytesIO(data))
    sheets, hidden = [], []
    for about in book.sheets_metadata:
        if about.typ is not SheetTypeEnum.WorkSheet:
            continue
        if about.visible is not SheetVisibleEnum.Visible and about.name != wanted:
            hidden.append(about.name)
        elif wanted in ("", about.name):
            sheet = book.get_sheet_by_name(about.name)
            if cells_in(sheet) > most:
                return {"error": "large", "said": about.name}
            rows: list[Row] = [[shown(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
            fill_merged(rows, sheet.merged_cell_ranges or ())
            put_errors(rows, error_cells(data, about.name))
            sheets.append({"name": about.name, "rows": rows})
    return {"sheets": sheets, "hidden": hidden, "names": book.sheet_names}


def cells_in(sheet: CalamineSheet) -> int:
    """From the first cell of the sheet to its last one that is used, which `end` counts from 0."""
    row, column = sheet.end or (-1, -1)
    return (row + 1) * (column + 1)


Corner = tuple[int, int]
Row = list[str | int]


def fill_merged(rows: list[Row], ranges: Iterable[tuple[Corner, Corner]]) -> None:
    """A cell that is merged over several rows of one column stands for all of them, as Excel shows it."""
    for (top, left), (bottom, right) in ranges:
        if left == right:
            for row in rows[top + 1 : bottom + 1]:
                row[left] = rows[top][left]


def put_errors(rows: list[Row], errors: Iterable[tuple[str, str]]) -> None:
    """The library reads a formula's error as an empty cell; an empty cell would mean that there is no value."""
    for name, text in errors:
        row, column = position(name)
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = text


def position(name: str) -> Corner:
    """'B7' as row 6 and column 1."""
    letters = name.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(name[len(letters) :]) - 1, column - 1


def error_cells(data: bytes, sheet: str) -> list[tuple[str, str]]:
    """The cells of a sheet of an XLSX file that hold an error, and the error (ECMA-376 part 1, section 18.18.11)."""
    if not zipfile.is_zipfile(BytesIO(data)):
        return []
    with zipfile.ZipFile(BytesIO(data)) as package:
        part = sheet_part(package, sheet)
        text = package.read(part).decode("utf-8", "replace") if part else ""
    return [(match[1], match[2]) for match in _ERROR.finditer(text)]


_ERROR = re.compile(
    r'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]{1,3}[0-9]{1,7})"[^>]*>'
    r"(?:(?!</?(?:\w+:)?c\b).)*?<(?:\w+:)?v>([^<]*)<",
    re.DOTALL,
)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def sheet_part(package: zipfile.ZipFile, sheet: str) -> str:
    """The part that holds a sheet, by the relations of the workbook; '' in every other kind of file."""
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= set(package.namelist()):
        return ""
    wanted = [one.get(_RELATION) for one in elements(package, "xl/workbook.xml") if one.get("name") == sheet]
    for one in elements(package, "xl/_rels/workbook.xml.rels"):
        if one.get("Id") in wanted:
            target = str(one.get("Target"))
            name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return name if name in package.namelist() else ""
    return ""


def elements(package: zipfile.ZipFile, part: str) -> Iterator[ET.Element]:
    """Every element of an XML part. Expat bounds what entities grow to, and this process what memory it may take."""
    yield from ET.fromstring(package.read(part)).iter()  # noqa: S314


def main() -> None:
    """Arguments: the sheet or '', the most cells, and the most memory in bytes. The workbook is standard input."""
    wanted, most, memory = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = read(sys.stdin.buffer.read(), wanted, int(most))
    except PasswordError as error:
        answer = {"error": "password", "said": str(error)}
    except (CalamineError, ET.ParseError, zipfile.BadZipFile, OSError, ValueError, MemoryError) as error:
        answer = {"error": "broken", "said": str(error)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
