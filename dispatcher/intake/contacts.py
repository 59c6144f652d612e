"""Contacts from CSV files: every row of every file is read and checked before one word of complaint is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from zoneinfo import available_timezones

from dispatcher.domain.errors import ImportError_, Problem
from dispatcher.domain.model import Address, Contact
from dispatcher.domain.words import Kind

from .addresses import read_email, read_fax
from .findings import Findings, clip, did_you_mean, in_order
from .table import Row, read_table
from .text import Where, check_line, clean

COLUMNS = (
    "id",
    "honorific",
    "name",
    "office",
    "organisation",
    "address_1",
    "address_2",
    "address_3",
    "country",
    "state",
    "language",
    "time_zone",
    "salutation",
    "email",
    "fax",
    "tags",
)
#: What a letter must not lack: the columns must be there, and no cell in them may be empty.
REQUIRED_COLUMNS = ("id", "name", "language", "time_zone", "salutation")
#: Primary tags (BCP 47) of the languages that letters are written in: the six of the United Nations, and German.
LANGUAGES = ("ar", "de", "en", "es", "fr", "ru", "zh")
LONGEST_ID = 64
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SLUG_WAY_OUT = f"Use small letters a-z, digits and single hyphens, at most {LONGEST_ID}, as in 'ardesia-geneva'"


@dataclass(frozen=True, slots=True)
class ContactBook:
    """All contacts of all files, in the order they stand there."""

    contacts: tuple[Contact, ...]
    warnings: tuple[Problem, ...]
    places: dict[str, str]  #: id → file:line


@dataclass(slots=True)
class _Reading:
    """What has been seen so far, over all files: the first place of each id and address."""

    findings: Findings = field(default_factory=Findings)
    contacts: list[Contact] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    seen: dict[tuple[str, str], str] = field(default_factory=dict)


def read_contacts(paths: Sequence[Path]) -> ContactBook:
    """The contacts in these CSV files. Raises ImportError_ with every problem of every file; then none is taken."""
    reading = _Reading()
    for path in dict.fromkeys(paths):
        table = read_table(path, COLUMNS, REQUIRED_COLUMNS, reading.findings)
        for row in table.rows if table else ():
            _read_row(row, reading)
    if reading.findings.problems:
        raise ImportError_(in_order(reading.findings.problems))
    return ContactBook(tuple(reading.contacts), tuple(reading.findings.warnings), reading.places)


@cache
def time_zones() -> frozenset[str]:
    """The IANA names that stand for a place, and UTC. Old abbreviations such as 'EST' know no summer time."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def _read_row(row: Row, reading: _Reading) -> None:
    cells = {column: _read_cell(row, column, reading.findings) for column in COLUMNS}
    for column in REQUIRED_COLUMNS:
        if not row.cells.get(column, column).strip():
            reading.findings.fault(row.place, f"E_{column.upper()}", f"{column}: the cell is empty", _FILL[column])
    _check_id(cells["id"], row, reading)
    _check_known(cells, row, reading.findings)
    contact = _contact(cells, _addresses(cells, row, reading), row, reading.findings)
    reading.contacts.append(contact)
    reading.places.setdefault(contact.id, row.place)


_FILL = {
    "id": _SLUG_WAY_OUT,
    "name": "Write the person's name, or the office's where no name is known",
    "language": f"Give one of: {', '.join(LANGUAGES)}",
    "time_zone": "Give the office's zone, as in 'Europe/Zurich'",
    "salutation": "Write how the letter begins, as in 'Excellency,'",
}


def _read_cell(row: Row, column: str, findings: Findings) -> str:
    """The clean text of a cell; '' where the column is missing, or the problems make it unusable."""
    raw = row.cells.get(column, "")
    if not check_line(raw, Where(row.place, column), findings):
        return ""
    if raw.lstrip().startswith("="):
        cause = f"{column}: the cell begins with '=' and is taken as plain text"
        findings.warn(row.place, "W_FORMULA", cause, "If a formula was meant, put its result there")
    return clean(raw)


def _check_id(slug: str, row: Row, reading: _Reading) -> None:
    if not slug:
        return
    if len(slug) > LONGEST_ID or not SLUG.fullmatch(slug):
        reading.findings.fault(row.place, "E_ID", f"id: {clip(slug)} is not a plain name", _SLUG_WAY_OUT)
    _check_unique("id", slug, row, reading)


def _check_unique(column: str, value: str, row: Row, reading: _Reading) -> None:
    """Notes a value that stands in an earlier row too, also when only case differs."""
    first = reading.seen.setdefault((column, value.casefold()), row.place)
    if first != row.place:
        cause = f"{column}: {clip(value)} stands here and at {first}"
        reading.findings.fault(row.place, "E_DUP", cause, "Keep one of the two; neither is taken now")


def _check_known(cells: dict[str, str], row: Row, findings: Findings) -> None:
    zone, language = cells["time_zone"], cells["language"]
    if zone and zone not in time_zones():
        way_out = did_you_mean(zone, time_zones(), "Give an IANA name, as in 'Europe/Zurich'")
        findings.fault(row.place, "E_ZONE", f"time_zone: {clip(zone)} is not a known time zone", way_out)
    if language and language not in LANGUAGES:
        way_out = did_you_mean(language, LANGUAGES, _FILL["language"])
        findings.fault(row.place, "E_LANGUAGE", f"language: {clip(language)} is not known here", way_out)


def _addresses(cells: dict[str, str], row: Row, reading: _Reading) -> tuple[Address, ...]:
    """The contact's addresses, email first."""
    email = cells["email"] and read_email(cells["email"], Where(row.place, "email"), reading.findings)
    fax = cells["fax"] and read_fax(cells["fax"], cells["country"], Where(row.place, "fax"), reading.findings)
    if not any(row.cells.get(column, "").strip() for column in ("email", "fax")):
        cause = "email, fax: the contact has neither"
        reading.findings.fault(row.place, "E_NO_ADDRESS", cause, "Give at least one of them")
    for column, value in (("email", email), ("fax", fax)):
        if value:
            _check_unique(column, value, row, reading)
    return tuple(Address(kind, value) for kind, value in ((Kind.EMAIL, email), (Kind.FAX, fax)) if value)


def _contact(cells: dict[str, str], addresses: tuple[Address, ...], row: Row, findings: Findings) -> Contact:
    postal = tuple(cells[column] for column in ("address_1", "address_2", "address_3") if cells[column])
    return Contact(
        id=cells["id"],
        honorific=cells["honorific"],
        name=cells["name"],
        office=cells["office"],
        organisation=cells["organisation"],
        postal=postal,
        country=cells["country"],
        state=cells["state"],
        language=cells["language"],
        time_zone=cells["time_zone"],
        salutation=cells["salutation"],
        addresses=addresses,
        tags=_tags(cells["tags"], row, findings),
    )


def _tags(text: str, row: Row, findings: Findings) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(text.split()))
    for tag in tags:
        if len(tag) > LONGEST_ID or not SLUG.fullmatch(tag):
            findings.fault(row.place, "E_TAG", f"tags: {clip(tag)} is not a plain name", _SLUG_WAY_OUT)
    return tags
