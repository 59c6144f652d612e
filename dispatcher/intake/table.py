"""Reads a CSV file safely: bytes to lines of cells. It knows delimiters and encodings, and guesses neither silently."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

from .findings import Findings, clip
from .grid import Line

#: The largest file that we read, in bytes; 50,000 contacts are about 15 MB.
LARGEST = 32 * 1024 * 1024
DELIMITERS = (",", ";", "\t")
#: What somebody may say a file is written in, where it has no byte order mark and is not UTF-8.
ENCODINGS = (
    "utf-8", "utf-16", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1256", "cp1257", "cp437", "cp850", "cp866",
    "cp932", "cp936", "iso8859-1", "iso8859-2", "iso8859-5", "iso8859-15", "koi8-r", "mac-roman", "gb18030", "big5",
)  # fmt: skip
_SAVE_AS = "In Excel: Save As, 'CSV UTF-8 (comma delimited)'"
_HEADER_WITHIN = 15
_AROUND = 20


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


def read_lines(text: str, path: Path, known: Callable[[str], bool], findings: Findings) -> tuple[Line, ...]:
    """The records of a CSV text, each with the line it starts on. `known` tells a header that we understand."""
    return tuple(_lines(text, _delimiter(text, known), path, findings))


def decode(data: bytes, path: Path, encoding: str, findings: Findings) -> str | None:
    """By the byte order mark; without one as `encoding`, or else strictly as UTF-8.

    Another encoding is never guessed: a guess breaks names without a word, so a person is asked and says it.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decoded(data, "utf-16", path, findings)
    if encoding and encoding not in ENCODINGS:
        listed = ", ".join(ENCODINGS)
        findings.fault(str(path), "E_ENCODING", f"the encoding {clip(encoding)} is not known here", f"Give: {listed}")
        return None
    if (offset := data.find(b"\0")) >= 0 and encoding != "utf-16":
        findings.fault(_place(path, data, offset), "E_CSV_ENCODING", f"offset {offset}: a NUL byte", _SAVE_AS)
        return None
    if encoding and not data.startswith(codecs.BOM_UTF8):
        return _decoded(data, encoding, path, findings)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A strict decoder counts from behind the byte order mark; people count from the start of the file.
        offset = error.start + (3 if data.startswith(codecs.BOM_UTF8) else 0)
        _ask_encoding(data, offset, path, findings)
        return None


def _decoded(data: bytes, encoding: str, path: Path, findings: Findings) -> str | None:
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        cause = f"offset {error.start}: byte 0x{data[error.start]:02X} is not {encoding}"
        findings.fault(_place(path, data, error.start), "E_CSV_ENCODING", cause, _SAVE_AS)
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        findings.fault(f"{path}:{line}", "E_CSV_ENCODING", "a NUL character", _SAVE_AS)
        return None
    return text


def _ask_encoding(data: bytes, offset: int, path: Path, findings: Findings) -> None:
    cause = f"offset {offset}: byte 0x{data[offset]:02X} is not UTF-8"
    reads = f"If {clip(_sample(data, offset))} reads right, the file is Windows-1252: say --encoding cp1252"
    findings.fault(_place(path, data, offset), "E_CSV_ENCODING", cause, f"{reads}. Or save it anew. {_SAVE_AS}")


def _sample(data: bytes, offset: int) -> str:
    """What stands around a byte in its own line, as Windows-1252 would have it."""
    start = max(offset - _AROUND, data.rfind(b"\n", 0, offset) + 1, 0)
    return data[start : offset + _AROUND].decode("cp1252", errors="replace").split("\n")[0].strip()


def _place(path: Path, data: bytes, offset: int) -> str:
    line = data.count(b"\n", 0, offset) + 1
    return f"{path}:{line}"


def _delimiter(text: str, known: Callable[[str], bool]) -> str:
    """The one that makes most known headers in one of the first lines; the comma when none does better."""
    first = [line[:10_000].replace('"', "") for line in text.lstrip("\r\n")[:200_000].split("\n")[:_HEADER_WITHIN]]

    def score(delimiter: str) -> int:
        return max(sum(map(known, line.split(delimiter))) for line in first)

    return max(DELIMITERS, key=score)


def _lines(text: str, delimiter: str, path: Path, findings: Findings) -> Iterator[Line]:
    """Each record with the line it starts on. A broken quote ends the reading."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    try:
        for cells in reader:
            yield Line(number, tuple(cells))
            number = reader.line_num + 1
    except csv.Error as error:
        way_out = "A cell that holds a quotation mark stands in quotation marks itself, and the mark inside is doubled"
        findings.fault(
            f"{path}:{number}", "E_CSV_SHAPE", f"the record that starts here cannot be read: {error}", way_out
        )
