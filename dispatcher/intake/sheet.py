"""One table of a TOML file, read key by key: a typed value comes out, or a problem with its line is noted and a
harmless value comes out, so that the reading goes on and finds the rest."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from .findings import Findings, clip, did_you_mean, listing
from .lines import Lines, find_lines
from .table import read_bytes
from .text import Where, check_line, clean

#: The largest campaign file that we read, in bytes.
LARGEST = 128 * 1024

_TYPES: dict[type, str] = {
    str: "text in quotation marks",
    bool: "true or false",
    int: "a whole number",
    float: "a number with a point",
    datetime: "a date with a time",
    date: "a date",
    time: "a time",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table at a path within a file."""

    values: dict[str, Any]
    path: tuple[str | int, ...]
    file: Path
    lines: Lines
    findings: Findings

    def place(self, *keys: str | int) -> str:
        """file:line of a key of this table, or of the table where it has no such key."""
        return f"{self.file}:{self.lines.of(*self.path, *keys)}"

    def name(self, key: str = "") -> str:
        """The key as a person finds it: 'sender.email', 'steps[2].after'; items count from 1."""
        shown = ""
        for part in (*self.path, key) if key else self.path:
            shown += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if shown else part
        return shown

    def fault(self, code: str, cause: str, way_out: str, *keys: str | int) -> None:
        self.findings.fault(self.place(*keys), code, cause, way_out)

    def allow(self, *known: str) -> None:
        """Notes every key that is not one of these."""
        for key in self.values:
            if key not in known:
                way_out = did_you_mean(key, known, f"Known here: {listing(known, 20)}")
                self.fault("E_KEY_UNKNOWN", f"{clip(self.name(key))[1:-1]}: unknown key", way_out, key)

    def has(self, key: str) -> bool:
        return key in self.values

    def require(self, key: str, way_out: str, code: str = "E_KEY_MISSING") -> bool:
        """True where the key is there; else its absence is noted."""
        if key not in self.values:
            self.fault(code, f"{self.name(key)}: missing", way_out)
        return key in self.values

    def text(self, key: str, way_out: str, required: bool = True) -> str:
        """One clean line of text; '' and the problem where it is not that."""
        if not self.has(key) and not required:
            return ""
        if not self.require(key, way_out) or not self.of_type(key, str, way_out):
            return ""
        value: str = self.values[key]
        if not value.strip():
            self.fault("E_VALUE", f"{self.name(key)}: empty", way_out, key)
        usable = check_line(value, Where(self.place(key), self.name(key)), self.findings)
        return clean(value) if usable else ""

    def whole(self, key: str, default: int, least: int, most: int = 1000) -> int:
        """A whole number in these bounds; the default where the key is missing or wrong."""
        way_out = f"Give a whole number from {least} to {most}, without quotation marks"
        if not self.has(key) or not self.of_type(key, int, way_out):
            return default
        value: int = self.values[key]
        if least <= value <= most:
            return value
        self.fault("E_VALUE", f"{self.name(key)}: {clip(str(value))[1:-1]} is out of bounds", way_out, key)
        return default

    def names(self, key: str) -> list[str]:
        """A list of names without doubles; an item that is no text, or stands twice, is noted."""
        way_out = f'Write it as {key} = ["one", "two"]'
        if not self.has(key) or not self.of_type(key, list, way_out):
            return []
        found: list[str] = []
        for number, item in enumerate(self.values[key]):
            if not isinstance(item, str):
                self.fault("E_TYPE", f"{self.name(key)}: item {number + 1} is {_called(item)}", way_out, key, number)
            elif item in found:
                cause = f"{self.name(key)}: {clip(item)} stands twice"
                self.fault("E_DUP", cause, "Keep one of the two", key, number)
            else:
                found.append(item)
        return found

    def place_in(self, key: str, item: str) -> str:
        """file:line of an item of a list of names."""
        return self.place(key, self.values[key].index(item))

    def table(self, key: str, required: bool = True) -> Sheet:
        """The table under this key; an empty one where there is none."""
        way_out = f"Begin it with [{self.name(key)}] on a line of its own"
        there = self.require(key, way_out) if required else self.has(key)
        values = self.values[key] if there and self.of_type(key, dict, way_out) else {}
        return Sheet(values, (*self.path, key), self.file, self.lines, self.findings)

    def tables(self, key: str) -> list[Sheet]:
        """The tables of an array of tables."""
        way_out = f"Begin each one with [[{self.name(key)}]] on a line of its own"
        if not self.has(key) or not self.of_type(key, list, way_out):
            return []
        sheets = []
        for number, item in enumerate(self.values[key]):
            if isinstance(item, dict):
                sheets.append(Sheet(item, (*self.path, key, number), self.file, self.lines, self.findings))
            else:
                self.fault("E_TYPE", f"{self.name(key)}: item {number + 1} is {_called(item)}", way_out, key, number)
        return sheets

    def of_type(self, key: str, wanted: type, way_out: str) -> bool:
        """True where the value has exactly this type (true is not 1, a date with a time is not a date)."""
        value = self.values[key]
        if type(value) is wanted:
            return True
        cause = f"{self.name(key)}: {_called(value)}, where {_TYPES[wanted]} belongs"
        self.fault("E_TYPE", cause, way_out, key)
        return False


def _called(value: object) -> str:
    return _TYPES.get(type(value), type(value).__name__)


def choose(sheet: Sheet, key: str, known: Collection[str]) -> str:
    """One of a few known words; '' and the problem where it is another."""
    way_out = f"Choose one of: {', '.join(known)}"
    word = sheet.text(key, way_out)
    if word and word not in known:
        cause = f"{sheet.name(key)}: {clip(word)} is not known"
        sheet.fault("E_VALUE", cause, did_you_mean(word, known, way_out), key)
        return ""
    return word


def open_sheet(path: Path, findings: Findings) -> tuple[Sheet, str] | None:
    """The file's uppermost table and its exact text; None, and the problem, where it is not TOML at all."""
    data = read_bytes(path, LARGEST, findings, "E_TOML_SIZE")
    if data is None:
        return None
    try:
        source = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        cause = f"offset {error.start}: byte 0x{data[error.start]:02X} is not UTF-8"
        findings.fault(f"{path}:{line}", "E_TOML_ENCODING", cause, "Save the file as UTF-8")
        return None
    text = source.removeprefix("\ufeff")
    values = _parse(text, path, findings)
    return None if values is None else (Sheet(values, (), path, find_lines(text), findings), source)


def _parse(text: str, path: Path, findings: Findings) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except RecursionError:
        findings.fault(str(path), "E_TOML_SYNTAX", "lists or tables are nested too deeply", "Take brackets out")
    except ValueError as error:  # TOMLDecodeError is one; a number of 5,000 digits is another
        line = re.search(r"at line (\d+)", str(error))
        number = int(line[1]) if line else text.count("\n") + 1
        findings.fault(
            f"{path}:{number}", "E_TOML_SYNTAX", f"not TOML: {clip(str(error), 200)[1:-1]}", _hint(text, number)
        )
    return None


def _hint(text: str, number: int) -> str:
    """What is most often wrong in such a line."""
    lines = text.split("\n")
    line = lines[number - 1] if number <= len(lines) else ""
    if "\u201c" in line or "\u201d" in line:
        return 'Use straight quotation marks ", not curved ones'
    if re.fullmatch(r"\s*[\w.-]+\s*=\s*[^\W\d][^\"']*", line):
        return 'Put text in quotation marks: key = "text"'
    return "Look at this line and the one before it: a quotation mark, bracket or '=' is missing or doubled"
