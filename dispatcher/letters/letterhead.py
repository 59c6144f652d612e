"""Reads an organisation's letterhead: words and one colour, which every writer lays out in its own way."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dispatcher.domain.errors import Problem, TemplateError

from .guard import did_you_mean
from .languages import Language
from .source import read_text
from .typography import finish

_COLOUR = re.compile(r"#[0-9a-f]{6}\Z")
_KEYS: Mapping[str, type] = {
    "title": str,
    "colour": str,
    "intro": str,
    "board": list,
    "footer": list,
    "fax_edition": bool,
}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What stands at the head and the foot of every letter of an organisation."""

    title: str
    colour: str  #: '#rrggbb', of the title and the rules; never on a fax
    intro: str  #: the line above the board; may be ''
    board: tuple[str, ...]
    footer: tuple[tuple[str, ...], ...]  #: lines of items
    fax_edition: bool  #: fax pages are set on their own, in a face for faxes; else they are the letter's pages


def read_letterhead(path: Path, place: str, language: Language) -> Letterhead:
    """Raises TemplateError with every fault of the file."""
    text = read_text(path, place)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(Problem(place, f"is not TOML: {error}", "", "E_TPL_SYNTAX")) from None
    problems = [fault for key in table for fault in _entry(key, table[key], place)]
    problems += [Problem(place, f"{key} is missing", f"Add {key} = …", "E_TPL_SYNTAX") for key in _KEYS.keys() - table]
    if problems:
        raise TemplateError(sorted(problems, key=lambda problem: problem.cause))
    return _letterhead(table, language)


def _entry(key: str, value: object, place: str) -> list[Problem]:
    if key not in _KEYS:
        hint = did_you_mean(key, list(_KEYS)) or f"Known: {', '.join(_KEYS)}"
        return [Problem(place, f"unknown key {key}", hint, "E_TPL_SYNTAX")]
    if not isinstance(value, _KEYS[key]) or not _well_formed(key, value):
        return [Problem(place, f"{key} has the wrong form", "See docs/writing-a-letter.md", "E_TPL_SYNTAX")]
    return []


def _well_formed(key: str, value: object) -> bool:
    if key == "board":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if key == "footer":
        return isinstance(value, list) and all(_well_formed("board", line) for line in value)
    return bool(_COLOUR.match(str(value))) if key == "colour" else True


def _letterhead(table: Mapping[str, object], language: Language) -> Letterhead:
    board, footer = table["board"], table["footer"]
    assert isinstance(board, list)
    assert isinstance(footer, list)
    return Letterhead(
        title=finish(str(table["title"]), language),
        colour=str(table["colour"]),
        intro=finish(str(table["intro"]), language),
        board=tuple(finish(item, language) for item in board),
        footer=tuple(tuple(finish(item, language) for item in line) for line in footer),
        fax_edition=bool(table["fax_edition"]),
    )
