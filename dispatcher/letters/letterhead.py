"""Reads an organisation's letterhead: words and one colour, which every writer lays out in its own way."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dispatcher.domain.errors import Problem, TemplateError

from .guard import did_you_mean
from .languages import LANGUAGES, Language
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
#: What a table named after a language may say in that language; `words` are the sender's name, title and place.
_TRANSLATED: Mapping[str, type] = {"title": str, "intro": str, "board": list, "footer": list, "words": dict}
#: The language of what stands outside those tables.
_OWN = "en"


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What stands at the head and the foot of every letter of an organisation."""

    title: str
    colour: str  #: '#rrggbb', of the title and the rules; never on a fax
    intro: str  #: the line above the board; may be ''
    board: tuple[str, ...]
    footer: tuple[tuple[str, ...], ...]  #: lines of items
    fax_edition: bool  #: fax pages are set on their own, in a face for faxes; else they are the letter's pages
    locale: str = _OWN  #: the language of these words, which may be another than the letter's
    words: tuple[tuple[str, str], ...] = ()  #: about the sender: as campaigns say it, and in the letter's language

    def word(self, text: str) -> str:
        """A word about the sender in the letter's language; the word itself where the letterhead gives none."""
        return dict(self.words).get(text.strip(), text)


def read_letterhead(path: Path, place: str, language: Language) -> Letterhead:
    """Raises TemplateError with every fault of the file."""
    text = read_text(path, place)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(Problem(place, f"is not TOML: {error}", "", "E_TPL_SYNTAX")) from None
    tables = {tag: table.pop(tag) for tag in LANGUAGES.keys() & table if isinstance(table[tag], dict)}
    problems = [fault for key in table for fault in _entry(key, table[key], place, _KEYS)]
    for tag, words in tables.items():
        problems += [fault for key in words for fault in _entry(key, words[key], f"{place} [{tag}]", _TRANSLATED)]
    problems += [Problem(place, f"{key} is missing", f"Add {key} = …", "E_TPL_SYNTAX") for key in _KEYS.keys() - table]
    if problems:
        raise TemplateError(sorted(problems, key=lambda problem: problem.cause))
    own = tables.get(language.tag, {})
    return _letterhead(table | own, language if own.keys() & {"title", "intro"} else LANGUAGES[_OWN])


def _entry(key: str, value: object, place: str, known: Mapping[str, type]) -> list[Problem]:
    if key not in known:
        hint = did_you_mean(key, list(known)) or f"Known: {', '.join(known)}"
        return [Problem(place, f"unknown key {key}", hint, "E_TPL_SYNTAX")]
    if not isinstance(value, known[key]) or not _well_formed(key, value):
        return [Problem(place, f"{key} has the wrong form", "See docs/writing-a-letter.md", "E_TPL_SYNTAX")]
    return []


def _well_formed(key: str, value: object) -> bool:
    if key == "board":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if key == "footer":
        return isinstance(value, list) and all(_well_formed("board", line) for line in value)
    if key == "words":
        return isinstance(value, dict) and all(isinstance(word, str) for word in value.values())
    return bool(_COLOUR.match(str(value))) if key == "colour" else True


def _letterhead(table: Mapping[str, object], language: Language) -> Letterhead:
    board, footer, words = table["board"], table["footer"], table.get("words", {})
    assert isinstance(board, list)
    assert isinstance(footer, list)
    assert isinstance(words, dict)
    return Letterhead(
        title=finish(str(table["title"]), language),
        colour=str(table["colour"]),
        intro=finish(str(table["intro"]), language),
        board=tuple(finish(item, language) for item in board),
        footer=tuple(tuple(finish(item, language) for item in line) for line in footer),
        fax_edition=bool(table["fax_edition"]),
        locale=language.locale,
        words=tuple((str(said), str(meant)) for said, meant in words.items()),
    )
