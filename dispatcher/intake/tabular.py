"""Tables and calendars as files that other programs open: CSV and XLSX (text cells), iCalendar (RFC 5545).

A file appears whole or not at all, and the same content is the same bytes whenever it is written.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import xlsxwriter

from .guard import guard

#: Text stays text, whatever it looks like.
WORKBOOK = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
#: Every workbook says that it was made on this day: the same rows are the same file whenever they are written.
CREATED = datetime(2000, 1, 1, tzinfo=UTC)
#: In the width of one digit of the sheet's own face.
_WIDEST = 60
#: Octets of a line of an iCalendar file, without its end (RFC 5545 section 3.1).
_FOLD = 75


def whole(path: Path, write: Callable[[Path], object]) -> None:
    """Written beside its place and moved there when it is complete."""
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_table_csv(columns: Sequence[str], rows: Iterable[Sequence[str]], path: Path) -> None:
    """UTF-8 with a byte order mark, as Excel needs it; cells that a spreadsheet would run are protected (`guard`)."""

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(map(guard, columns))
            writer.writerows([guard(cell) for cell in row] for row in rows)

    whole(path, write)


def write_table_xlsx(columns: Sequence[str], rows: Sequence[Sequence[str]], path: Path, sheet_name: str) -> None:
    """One sheet of text cells, its header fixed, with filters."""

    def write(part: Path) -> None:
        with xlsxwriter.Workbook(str(part), WORKBOOK) as book:
            book.set_properties({"created": CREATED})
            sheet, bold = book.add_worksheet(sheet_name), book.add_format({"bold": True})
            for index, name in enumerate(columns):
                longest = max((len(row[index]) for row in rows), default=0)
                sheet.set_column(index, index, min(max(longest, len(name)) + 2, _WIDEST))
                sheet.write_string(0, index, name, bold)
            for number, row in enumerate(rows, start=1):
                for index, cell in enumerate(row):
                    sheet.write_string(number, index, cell)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)

    whole(path, write)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a calendar."""

    begins: datetime
    ends: datetime
    title: str
    text: str


def write_calendar(name: str, entries: Sequence[Entry], stamp: datetime, path: Path) -> None:
    """An iCalendar file; `stamp` is when it counts as made. Its entries take no time in anybody's diary."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Dispatcher//Rehearsal//EN", f"X-WR-CALNAME:{_text(name)}"]
    for one in entries:
        lines += _entry(name, one, stamp)
    data = "".join(f"{part}\r\n" for line in (*lines, "END:VCALENDAR") for part in _folded(line))
    whole(path, lambda part: part.write_bytes(data.encode()))


def _entry(name: str, one: Entry, stamp: datetime) -> list[str]:
    digest = hashlib.sha256(f"{name}\0{_instant(one.begins)}\0{one.title}".encode()).hexdigest()[:32]
    return [
        "BEGIN:VEVENT",
        f"UID:{digest}@rehearsal.invalid",
        f"DTSTAMP:{_instant(stamp)}",
        f"DTSTART:{_instant(one.begins)}",
        f"DTEND:{_instant(one.ends)}",
        f"SUMMARY:{_text(one.title)}",
        f"DESCRIPTION:{_text(one.text)}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """RFC 5545 section 3.3.11."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """The line in parts of at most 75 octets, none of which ends inside a character."""
    part, size = "", 0
    for character in line:
        width = len(character.encode())
        if size + width > _FOLD:
            yield part
            part, size = " ", 1
        part, size = part + character, size + width
    yield part
