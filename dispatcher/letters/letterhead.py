"""Reads an organisation's letterhead: words, one colour, signatures; every writer lays them out in its own way."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from dispatcher.domain.characters import offence
from dispatcher.domain.errors import Problem, TemplateError

from .guard import did_you_mean
from .languages import LANGUAGES, Language
from .picture import Picture, read_picture
from .source import read_text, unseen
from .typography import clean, finish

_COLOUR = re.compile(r"#[0-9a-f]{6}\Z")
#: A picture lies beside letterhead.toml, so that a letterhead is one folder.
_SAID = re.compile(r"\s*\S")
_TAG = re.compile(rf"(?:{'|'.join(LANGUAGES)})\Z")
_FILE = re.compile(r"[\w][\w. -]{0,80}\Z")
_KEYS: Mapping[str, type] = {
    "title": str,
    "colour": str,
    "intro": str,
    "board": list,
    "footer": list,
    "fax_edition": bool,
}
#: `phone`, `fax` and `email` are for the cover page of a fax; the footer says what it says.
_OPTIONAL: Mapping[str, type] = {"language": str, "signatures": dict, "phone": str, "fax": str, "email": str}
_SIGNATURE: Mapping[str, type] = {"picture": str, "alt": str}
#: What a table named after a language may say in that language; `words` are the sender's name, title and place.
_TRANSLATED: Mapping[str, type] = {"title": str, "intro": str, "board": list, "footer": list, "words": dict}
#: The language of what stands outside those tables, where `language` does not say.
_OWN = "en"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a person's hand looks like."""

    signer: str  #: as campaigns name the sender
    alt: str  #: what a screen reader says instead
    picture: Picture


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
    signatures: tuple[Signature, ...] = ()
    phone: str = ""  #: for a fax cover page; '' where the letterhead does not say
    fax: str = ""
    email: str = ""

    def word(self, text: str) -> str:
        """A word about the sender in the letter's language; the word itself where the letterhead gives none."""
        return dict(self.words).get(text.strip(), text)

    def signature(self, signer: str) -> Signature | None:
        """The signature of this sender; None where the letterhead has none."""
        return next((one for one in self.signatures if one.signer == signer.strip()), None)


def read_letterhead(path: Path, place: str, language: Language) -> Letterhead:
    """Raises TemplateError with every fault of the file and of the pictures that it names."""
    head, signatures = _words(read_text(path, place), place, language)
    return replace(head, signatures=_signatures(signatures, path.parent, place)) if signatures else head


@lru_cache(maxsize=32)
def _words(text: str, place: str, language: Language) -> tuple[Letterhead, Mapping[str, object]]:
    """The letterhead without its signatures, and what the file says of those; the same text once.

    Their pictures are files of their own, and are read each time.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(Problem(place, f"is not TOML: {error}", "", "E_TPL_SYNTAX")) from None
    tables = {tag: table.pop(tag) for tag in LANGUAGES.keys() & table if isinstance(table[tag], dict)}
    problems = _faults(table, tables, place)
    if problems:
        raise TemplateError(sorted(problems, key=lambda problem: problem.cause))
    own = tables.get(language.tag, {})
    base = LANGUAGES[str(table.get("language", _OWN))]
    head = _letterhead(table | own, language if own.keys() & {"title", "intro"} else base)
    return head, table.get("signatures", {})


def _faults(table: Mapping[str, object], tables: Mapping[str, Mapping[str, object]], place: str) -> list[Problem]:
    problems = [fault for key in table for fault in _entry(key, table[key], place, {**_KEYS, **_OPTIONAL})]
    for tag, words in tables.items():
        problems += [fault for key in words for fault in _entry(key, words[key], f"{place} [{tag}]", _TRANSLATED)]
    return problems + _missing(table, place, _KEYS)


def _missing(table: Mapping[str, object], place: str, needed: Mapping[str, type]) -> list[Problem]:
    lacking = sorted(needed.keys() - table.keys())
    return [Problem(place, f"{key} is missing", f"Add {key} = …", "E_TPL_SYNTAX") for key in lacking]


def _signatures(table: Mapping[str, object], folder: Path, place: str) -> tuple[Signature, ...]:
    """Raises TemplateError with every fault of all of them."""
    found: list[Signature] = []
    problems: list[Problem] = []
    for signer, entry in table.items():
        try:
            found.append(_signature(signer, entry, folder, f'{place} [signatures."{signer}"]'))
        except TemplateError as error:
            problems += error.problems
    if problems:
        raise TemplateError(problems)
    return tuple(found)


def _signature(signer: str, entry: object, folder: Path, place: str) -> Signature:
    if not isinstance(entry, dict):
        raise TemplateError(Problem(place, "has the wrong form", "See docs/writing-a-letter.md", "E_TPL_SYNTAX"))
    problems = [fault for key in entry for fault in _entry(key, entry[key], place, _SIGNATURE)]
    problems += _missing(entry, place, _SIGNATURE)
    if problems:
        raise TemplateError(problems)
    file = str(entry["picture"])
    return Signature(signer.strip(), clean(str(entry["alt"])), read_picture(folder / file, f"{place} {file}"))


def _entry(key: str, value: object, place: str, known: Mapping[str, type]) -> list[Problem]:
    if key not in known:
        hint = did_you_mean(key, list(known)) or f"Known: {', '.join(known)}"
        return [Problem(place, f"unknown key {key}", hint, "E_TPL_SYNTAX")]
    if not isinstance(value, known[key]) or not _well_formed(key, value):
        return [Problem(place, f"{key} has the wrong form", "See docs/writing-a-letter.md", "E_TPL_SYNTAX")]
    return [unseen(f"{place}, {key}", found) for text in _texts(value) if (found := offence(text))]


def _texts(value: object) -> Iterator[str]:
    """Every text in a value of the file, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for item in (*value.keys(), *value.values()) for text in _texts(item))
    elif isinstance(value, Sequence):
        yield from (text for item in value for text in _texts(item))


def _well_formed(key: str, value: object) -> bool:
    if key == "board":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if key == "footer":
        return isinstance(value, list) and all(_well_formed("board", line) for line in value)
    if key == "words":
        return isinstance(value, dict) and all(isinstance(word, str) for word in value.values())
    patterns = {"colour": _COLOUR, "picture": _FILE, "alt": _SAID, "language": _TAG}
    return bool(patterns[key].match(str(value))) if key in patterns else True


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
        phone=clean(str(table.get("phone", ""))),
        fax=clean(str(table.get("fax", ""))),
        email=clean(str(table.get("email", ""))),
    )
