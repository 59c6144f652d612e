"""Which column holds which field: by its own name, by the program that wrote the list, or by a synonym. Never silent.

The headers are data: `columns.toml` beside this file.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .words import fold

#: The columns of our own layout, in their order.
FIELDS = (
    "id", "honorific", "name", "office", "organisation", "address_1", "address_2", "address_3", "country", "state",
    "language", "time_zone", "salutation", "email", "fax", "tags",
    "form", "gender", "closing", "in_text", "state_code", "seat", "since", "until", "prefers", "copies_to",
    "national_days", "email_source", "email_checked_on", "email_checked_by", "fax_source", "fax_checked_on",
    "fax_checked_by", "phone", "external_id",
)  # fmt: skip
#: What other lists hold instead: these are composed into fields of ours (`compose.py`).
PARTS = (
    "state_name", "given_name", "middle_name", "family_name", "suffix", "formatted_address", "street", "street_2",
    "street_3", "postcode", "city", "region",
)  # fmt: skip
#: Columns that our own file of rejected rows has beside the original ones.
NOTES = ("row", "what to do")
UNKNOWN = "not known"
SYNONYM = "by a synonym"
BY_VALUES = "by its values"
_TABLES = Path(__file__).with_name("columns.toml")
_PAIR = re.compile(r"phone_(?:label|value)_\d{1,2}")


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """One column of a list, and what it is taken for."""

    place: str  #: file, and sheet if there is one
    column: str  #: 'F' in a sheet, '6' in a CSV file
    header: str  #: as it stands there
    field: str  #: of `FIELDS` or `PARTS`; '': the column is not read
    how: str  #: how it was found, in words; for a column that is not read, why not
    samples: tuple[str, ...] = ()  #: the first values that are not empty


@dataclass(frozen=True, slots=True)
class Layout:
    """The headers of one program's lists."""

    name: str
    fields: Mapping[str, str]  #: folded header → field
    nothing: frozenset[str]  #: folded headers that hold nothing for us
    duty_station: str = ""  #: the city whose missions such a list holds; '': any
    around: frozenset[str] = frozenset()  #: folded names of places beside it


def is_field(name: str) -> bool:
    """Is this a name that a column can be mapped to?"""
    return name in FIELDS or name in PARTS or bool(_PAIR.fullmatch(name))


@cache
def layouts() -> tuple[Layout, ...]:
    """Every layout that we know, as the table has them."""
    return tuple(map(_layout, _tables()["layout"]))


def _layout(one: Mapping[str, Any]) -> Layout:
    columns = dict(one["columns"])
    nothing = frozenset(map(fold, columns.pop("nothing", ())))
    fields: dict[str, str] = {}
    for field, headers in columns.items():
        for header in headers:
            numbers = range(1, 10) if "{n}" in header else (0,)
            fields |= {_key(header.replace("{n}", str(n))): f"{field}_{n}" if n else field for n in numbers}
    around = frozenset(map(fold, one.get("around", ())))
    return Layout(one["name"], fields, nothing, one.get("duty_station", ""), around)


@cache
def synonyms() -> Mapping[str, str]:
    """Folded header → field, where no layout says more."""
    return {fold(header): field for field, headers in _tables()["synonyms"].items() for header in headers}


@cache
def second_choices() -> Mapping[str, str]:
    """Folded header → field, where no other column of the list holds that field."""
    return {fold(header): field for field, headers in _tables()["second_choice"].items() for header in headers}


def other_field(header: str, field: str) -> str:
    """Another field that a column of that name holds in some list; '' where none does."""
    folded = fold(header)
    held = [one.fields[folded] for one in layouts() if folded in one.fields] + [synonyms().get(folded, "")]
    return next((name for name in held if name and name != field), "")


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(_TABLES.read_text(encoding="utf-8"))


def _key(header: str) -> str:
    """A folded header; 'Titre#2' is the second column of that name, as Outlook writes it."""
    name, mark, number = header.rpartition("#")
    return f"{fold(name)}#{number}" if mark and number.isdecimal() else fold(header)


@cache
def is_known(header: str) -> bool:
    """Is this a header that some list of ours or others' has?"""
    folded = fold(header)
    return bool(folded) and (
        own_name(header) != "" or folded in synonyms() or any(folded in one.fields for one in layouts())
    )


def own_name(header: str) -> str:
    """The field of this very name ('time_zone', 'Time zone'); '' where there is none."""
    name = fold(header).replace(" ", "_")
    return name if is_field(name) else ""


def keys(headers: Sequence[str]) -> list[str]:
    """Folded headers, of which a repeated one carries its number: Outlook in French has two columns 'Titre'."""
    return [_key(header) for header in unique(headers)]


def unique(headers: Sequence[str]) -> list[str]:
    """The headers, of which a repeated one carries its number: 'Titre', 'Titre#2'."""
    seen: Counter[str] = Counter()
    found = []
    for header in headers:
        seen[fold(header)] += 1
        found.append(header if seen[fold(header)] == 1 else f"{header}#{seen[fold(header)]}")
    return found


def layout_of(headers: Sequence[str]) -> Layout | None:
    """The layout that explains most of the headers; None: our own, or none at all."""
    folded = keys(headers)
    own = sum(header.strip().casefold() in FIELDS for header in headers)
    scores = [sum(key in one.fields or key in one.nothing for key in folded) for one in layouts()]
    best = max(scores)
    return layouts()[scores.index(best)] if best >= max(4, own + 1) else None


def guess(
    headers: Sequence[str], mapping: Mapping[str, str], ignore: Collection[str], layout: Layout | None
) -> list[tuple[str, str]]:
    """For each header its field and how it was found; the field is '' where the column is not read."""
    given = {fold(header): field for header, field in mapping.items()}
    ignored = set(map(fold, ignore))
    found = [_guess(*pair, given, ignored, layout) for pair in zip(headers, keys(headers), strict=True)]
    return _with_second_choices(headers, found)


def _with_second_choices(headers: Sequence[str], found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    held = {field for field, _ in found}
    settled = list(found)
    for index, header in enumerate(headers):
        second = second_choices().get(fold(header), "")
        if second and second not in held and found[index][1] == UNKNOWN:
            settled[index] = (second, SYNONYM)
            held.add(second)
    return settled


def _guess(
    header: str, key: str, given: Mapping[str, str], ignored: Collection[str], layout: Layout | None
) -> tuple[str, str]:
    folded = fold(header)
    if folded in ignored or header.strip().casefold() in NOTES:
        return "", "left out"
    if folded in given:
        return given[folded], "as you said"
    if layout and key in layout.fields:
        return layout.fields[key], f"as in {layout.name}"
    if layout and key in layout.nothing:
        return "", f"not needed from {layout.name}"
    if own := own_name(header):
        return own, "by its name"
    if folded in synonyms() and "#" not in key:
        return synonyms()[folded], SYNONYM
    return "", UNKNOWN
