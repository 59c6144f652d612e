"""The signs that machine-made mail is told by, from `signs.toml`: asked by the name of their table."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from .message import Fields

_TABLE = Path(__file__).with_name("signs.toml")


def found(table: str, key: str, text: str) -> str:
    """What of the text is a sign of that table and key; '' where nothing is."""
    pattern = _pattern(table, key)
    hit = pattern.search(" ".join(text.split())) if pattern and text else None
    return hit[0] if hit else ""


def header(table: str, fields: Fields) -> str:
    """The name of the first header field that is a sign of that table; '' where none is."""
    for name, value in fields.pairs:
        if name in (wanted := _headers(table)) and wanted[name].search(value.lower()):
            return name
    return ""


def returned_at(text: str) -> int:
    """Where in a text the returned letter begins, or what announces it; its length where none does."""
    hit = _lines("returned").search(text)
    return hit.start() if hit else len(text)


def quoted_at(text: str) -> int:
    """Where a mail program begins to quote the message that is answered; the text's length where it does not."""
    hit = _lines("quoted").search(text)
    return hit.start() if hit and hit.start() else len(text)


def notice(key: str) -> re.Pattern[str]:
    """How to read the lines of a notice: 'offices', 'asides', 'before'."""
    return _whole("notice", key)


@cache
def _pattern(table: str, key: str) -> re.Pattern[str] | None:
    words = _tables()[table].get(key)
    return re.compile("|".join(words), re.IGNORECASE) if words else None


@cache
def _lines(table: str) -> re.Pattern[str]:
    return re.compile("|".join(_tables()[table]["lines"]), re.IGNORECASE | re.MULTILINE)


@cache
def _whole(table: str, key: str) -> re.Pattern[str]:
    words = _tables()[table][key]
    return re.compile(words if isinstance(words, str) else "|".join(words), re.IGNORECASE)


@cache
def _headers(table: str) -> dict[str, re.Pattern[str]]:
    return {name: re.compile(value) for name, value in _tables()[table].get("headers", {}).items()}


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text("utf-8"))
