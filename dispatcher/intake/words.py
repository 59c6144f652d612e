"""The tables of words beside this file, : languages, genders, offices, months, cities. It guesses nothing."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

_TABLES = Path(__file__).with_name("words.toml")


@dataclass(frozen=True, slots=True)
class City:
    """A place where missions stand."""

    slug: str
    country: str  #: ISO 3166-1 alpha-2
    zone: str  #: IANA name


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Two words that differ only by case, accents, punctuation or spaces fold to the same text."""
    apart = unicodedata.normalize("NFKD", text.replace("ß", "ss").casefold())
    kept = (character if character.isalnum() else " " for character in apart if not unicodedata.combining(character))
    return " ".join("".join(kept).split())


@cache
def table(name: str) -> Mapping[str, str]:
    """Folded word → code, of one table of words.toml; each code is a word for itself."""
    section: Mapping[str, list[str]] = _read()[name]
    return {fold(word): code for code, words in section.items() for word in (code, *words)}


@cache
def cities() -> Mapping[str, City]:
    """Folded name → city, in all languages of the table."""
    listed = ((City(one["slug"], one["country"], one["zone"]), one["names"]) for one in _read()["cities"])
    return {fold(name): city for city, names in listed for name in names}


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(_TABLES.read_text(encoding="utf-8"))


@cache
def spelt(name: str) -> tuple[str, ...]:
    """The words of one table, as it writes them, for a question to a person."""
    return tuple(word for words in _read()[name].values() for word in words)


def code_of(name: str, text: str) -> str:
    """The code that all of `text` stands for in that table; '' where it stands for none."""
    return table(name).get(fold(text), "")


def city_in(text: str) -> City | None:
    """The city that a cell or an address line names, as '1202 Genève' and 'New York, NY 10017' do; else None.

    Beside it only a postcode or a code of two letters may stand: 'rue de Genève' is a street.
    """
    words = [word for word in fold(text).split() if not any(character.isdigit() for character in word)]
    long = [word for word in words if len(word) > 2]
    return cities().get(" ".join(words)) or (cities().get(" ".join(long)) if len(words) - len(long) == 1 else None)
