"""The states that letters are written to: their names in six languages, capitals, time zones and national days.

It alone turns what a list calls a state into its code, and a code into the state's name in a sentence. The tables were
written by hand or taken over, and are read once: `states.csv` (names by UNTERM; NOTICE says where they come from),
`state_aliases.csv`, and `state_doubts.csv` with names that two states share. No name is ever resolved by likeness;
`nearest` and `could_be` are for a question to a person.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from io import StringIO
from types import MappingProxyType

#: The languages in which every state has its two names.
LANGUAGES = ("ar", "en", "es", "fr", "ru", "zh")


@dataclass(frozen=True, slots=True)
class State:
    """A member of the United Nations, an observer state, or a state that is party to its treaties."""

    code: str  #: ISO 3166-1 alpha-2
    code3: str  #: ISO 3166-1 alpha-3
    capital: str  #: in English; where the government sits, as the United Nations lists it
    zone: str  #: IANA time zone of the capital
    national_days: tuple[str, ...]  #: 'MM-DD'; unreviewed; () where it moves or is not known for certain
    shorts: MappingProxyType[str, str]  #: by language, as UNTERM has it: 'Russian Federation (the)'
    formals: MappingProxyType[str, str]  #: by language, with the article: 'the Swiss Confederation'


def state(code: str) -> State | None:
    """The state of that ISO 3166-1 alpha-2 code, in capitals; None for a territory or an unknown code."""
    return _states().get(code)


def states() -> tuple[State, ...]:
    """All, by code."""
    return tuple(_states().values())


def resolve(name: str) -> str:
    """The ISO 3166-1 alpha-2 code of a state by any of its names or codes; '' where none is certain.

    It takes the short and formal names of the United Nations in six languages, with the article before or behind or
    without it, both ISO codes, and the alias table. Case, accents, spaces, hyphens and apostrophes do not count. The
    table also knows territories where a fax number may stand, such as Hong Kong; `state` has none of them.
    """
    return _codes().get(_fold(name), "")


def could_be(name: str) -> tuple[str, ...]:
    """The names of the states that a name such as 'Korea' could mean, in English; () where it is not one of those."""
    return tuple(short(code, "en") for code in _doubts().get(_fold(name), ()))


def nearest(name: str) -> str:
    """The known name that is most like this one, as its table writes it; '' where none is near. Only ever a hint."""
    close = get_close_matches(_fold(name[:80]), list(_spelt()), n=1, cutoff=0.75)
    return _spelt()[close[0]] if close else ""


def short(code: str, language: str) -> str:
    """The short name without its article: 'Russian Federation'. '' where the code is no state's.

    Where the United Nations puts words in parentheses, as in 'Iran (Islamic Republic of)', they are kept.
    """
    found = state(code)
    return _apart(_in(found.shorts, language))[0] if found else ""


def formal(code: str, language: str) -> str:
    """The formal name with its article: 'the Swiss Confederation'. '' where the code is no state's."""
    found = state(code)
    return _in(found.formals, language) if found else ""


def in_sentence(code: str, language: str) -> str:
    """The name as a sentence has it, article first: 'the Russian Federation', "l'Andorre". '' for no state's code.

    In the nominative. A short name with words in parentheses reads as the formal one: 'the Islamic Republic of Iran'.
    """
    found = state(code)
    if found is None:
        return ""
    name, article = _apart(_in(found.shorts, language))
    if "(" in name or "（" in name:
        return _in(found.formals, language)
    return f"{article}{name}" if article.endswith("'") else f"{article} {name}".strip()


#: Articles that UNTERM writes behind a short name, and that stand before a formal one.
_ARTICLES = {"en": ("the",), "fr": ("le", "la", "les", "l'"), "es": ("el", "la", "los", "las")}
_BEHIND = re.compile(r"(?P<name>.+) \((?P<article>the|le|la|les|l'|el|los|las)\)")


def _in(names: MappingProxyType[str, str], language: str) -> str:
    return names.get(language, names["en"])


def _apart(name: str) -> tuple[str, str]:
    """A short name and the article behind it: ('Andorre', "l'")."""
    found = _BEHIND.fullmatch(name)
    return (found["name"], found["article"]) if found else (name, "")


#: Whatever is no letter and no figure in any script.
_BETWEEN = re.compile(r"[\W_]+")


def _fold(name: str) -> str:
    """Letters and figures alone, without accents and case. NFKD (Unicode Annex 15) parts the accents from the letters.

    The Turkish dotless i has no accent to part with, and '&' is a word.
    """
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ").casefold()).replace("ı", "i")
    return _BETWEEN.sub("", plain)


def _rows(table: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(StringIO(files("dispatcher.domain").joinpath(table).read_text(encoding="utf-8")))


@cache
def _states() -> dict[str, State]:
    return {row["iso2"]: _read(row) for row in _rows("states.csv")}


def _read(row: dict[str, str]) -> State:
    return State(
        code=row["iso2"],
        code3=row["iso3"],
        capital=row["capital"],
        zone=row["zone"],
        national_days=tuple(row["national_days"].split()),
        shorts=MappingProxyType({tag: row[f"{tag}_short"] for tag in LANGUAGES}),
        formals=MappingProxyType({tag: row[f"{tag}_formal"] for tag in LANGUAGES}),
    )


@cache
def _codes() -> dict[str, str]:
    """Every folded name and its code. The names of the United Nations go before the aliases, and codes before both."""
    codes: dict[str, str] = {}
    for name, code in _all_names():
        codes.setdefault(_fold(name), code)
    return codes


@cache
def _doubts() -> dict[str, tuple[str, ...]]:
    return {_fold(row["name"]): tuple(row["codes"].split()) for row in _rows("state_doubts.csv")}


@cache
def _spelt() -> dict[str, str]:
    return {_fold(name): name for name, _ in _all_names() if len(name) > len("USA")}


def _all_names() -> Iterator[tuple[str, str]]:
    aliases = [(row["alias"], row["code"]) for row in _rows("state_aliases.csv")]
    for one in states():
        yield from ((code, one.code) for code in (one.code, one.code3))
    for one in states():
        yield from ((name, one.code) for name in _names_of(one))
    yield from ((code, code) for _, code in aliases)
    yield from aliases


def _names_of(one: State) -> Iterator[str]:
    for tag in LANGUAGES:
        name, article = _apart(one.shorts[tag])
        yield from (one.shorts[tag], name, f"{article}{name}")
        yield from (one.formals[tag], _bare(one.formals[tag], tag), in_sentence(one.code, tag))


def _bare(name: str, language: str) -> str:
    """A formal name without the article before it."""
    for article in _ARTICLES.get(language, ()):
        start = article if article.endswith("'") else f"{article} "
        if name.startswith(start):
            return name.removeprefix(start)
    return name
