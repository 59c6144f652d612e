"""Reads a CSV file safely: bytes to rows of named cells, each with its line. It knows delimiters and encodings."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from .findings import Findings, clip, did_you_mean, listing

#: The largest file that we read, in bytes; 50,000 contacts are about 15 MB.
LARGEST = 32 * 1024 * 1024
DELIMITERS = (",", ";", "\t")
_SAVE_AS = "In Excel: Save As, 'CSV UTF-8 (comma delimited)'"


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line that it starts on, and its cells by column name."""

    place: str  #: file:line
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows, in order, and its columns."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_bytes(path: Path, largest: int, findings: Findings, code: str) -> bytes | None:
    """The file's bytes, never more than `largest`; None, and a problem, where it cannot be read or is larger."""
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        findings.fault(str(path), "E_FILE", f"the file cannot be read: {reason}", "Check its name and its permissions")
        return None
    if len(data) > largest:
        findings.fault(str(path), code, f"the file is larger than {largest:,} bytes", "Split it into several files")
        return None
    return data


def read_table(path: Path, known: Collection[str], required: Collection[str], findings: Findings) -> Table | None:
    """The table in `path`; None, and the problems, where the file as a whole cannot be understood.

    Rows of the wrong width are noted and left out; the others are still returned, so that all problems are found.
    """
    data = read_bytes(path, LARGEST, findings, "E_CSV_SIZE")
    text = None if data is None else _decode(data, path, findings)
    if text is None:
        return None
    records = list(_records(text, _delimiter(text, known), path, findings))
    if not records:
        findings.fault(str(path), "E_CSV_HEADER", "the file has no header row", f"Begin it with: {','.join(known)}")
        return None
    (line, header), body = records[0], records[1:]
    before = len(findings.problems)
    columns = _columns(header, f"{path}:{line}", known, required, findings)
    if not body and len(findings.problems) == before:
        # An import makes the list what the files say: a file emptied by accident would retire everybody.
        findings.fault(f"{path}:{line}", "E_CSV_EMPTY", "there is no row below the header", "Add rows, or leave it out")
    return Table(columns, tuple(_rows(body, columns, path, findings))) if columns else None


def _decode(data: bytes, path: Path, findings: Findings) -> str | None:
    """UTF-8 with or without a byte order mark. Another encoding is never guessed: a guess breaks names silently."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        findings.fault(f"{path}:1", "E_CSV_ENCODING", "offset 0: the file is UTF-16, not UTF-8", _SAVE_AS)
        return None
    if (offset := data.find(b"\0")) >= 0:
        findings.fault(_place(path, data, offset), "E_CSV_ENCODING", f"offset {offset}: a NUL byte", _SAVE_AS)
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A strict decoder counts from behind the byte order mark; people count from the start of the file.
        offset = error.start + (3 if data.startswith(codecs.BOM_UTF8) else 0)
        _note_encoding(data, offset, path, findings)
        return None


def _note_encoding(data: bytes, offset: int, path: Path, findings: Findings) -> None:
    sample = data[max(offset - 12, 0) : offset + 13].decode("cp1252", errors="replace").replace("\n", " ")
    findings.fault(
        _place(path, data, offset),
        "E_CSV_ENCODING",
        f"offset {offset}: byte 0x{data[offset]:02X} is not UTF-8",
        f"If {clip(sample)} reads right, the file is Windows-1252 (cp1252). {_SAVE_AS}",
    )


def _place(path: Path, data: bytes, offset: int) -> str:
    line = data.count(b"\n", 0, offset) + 1
    return f"{path}:{line}"


def _delimiter(text: str, known: Collection[str]) -> str:
    """The one that makes most known column names of the first line; the comma when none does better."""
    first = text.lstrip("\r\n").split("\n", 1)[0][:10_000]

    def score(delimiter: str) -> int:
        return sum(_name(cell) in known for cell in first.replace('"', "").split(delimiter))

    return max(DELIMITERS, key=score)


def _records(text: str, delimiter: str, path: Path, findings: Findings) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not empty, with the line it starts on. A broken quote ends the reading."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        way_out = "A cell that holds a quotation mark stands in quotation marks itself, and the mark inside is doubled"
        findings.fault(f"{path}:{line}", "E_CSV_SHAPE", f"the record that starts here cannot be read: {error}", way_out)


def _name(cell: str) -> str:
    return cell.strip().casefold()


def _columns(
    header: list[str], place: str, known: Collection[str], required: Collection[str], findings: Findings
) -> tuple[str, ...]:
    """The column names; empty, with the problems, where a row could not be read by them at all."""
    columns = tuple(_name(cell) for cell in header)
    missing = [name for name in required if name not in columns]
    for name in dict.fromkeys(columns):
        _check_column(name, columns.count(name), place, known, findings)
    for name in missing:
        findings.fault(place, "E_CSV_HEADER", f"the column {name!r} is missing", f"Add it; columns: {', '.join(known)}")
    # Without one known column every row would only repeat that the header is wrong.
    return columns if any(name in known for name in columns) else ()


def _check_column(name: str, count: int, place: str, known: Collection[str], findings: Findings) -> None:
    if not name:
        findings.fault(place, "E_CSV_HEADER", "a column has no name", "Name it, or delete the column")
    elif name not in known:
        cause = f"unknown column {clip(name)}"
        findings.fault(place, "E_CSV_HEADER", cause, did_you_mean(name, known, f"Known: {listing(known, 20)}"))
    if name and count > 1:
        findings.fault(place, "E_CSV_HEADER", f"the column {clip(name)} stands {count} times", "Keep one of them")


def _rows(
    records: list[tuple[int, list[str]]], columns: tuple[str, ...], path: Path, findings: Findings
) -> Iterator[Row]:
    for line, cells in records:
        place = f"{path}:{line}"
        if len(cells) == len(columns):
            yield Row(place, dict(zip(columns, cells, strict=True)))
        else:
            cause = f"the row has {len(cells)} cells, the header has {len(columns)}"
            findings.fault(place, "E_CSV_SHAPE", cause, "Put a cell that holds the delimiter in quotation marks")
