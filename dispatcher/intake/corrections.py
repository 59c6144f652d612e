"""A few fields of one contact, as a person corrects them, read the way an import reads its cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Address, Contact, Provenance
from dispatcher.domain.words import Kind

from .build import Row, read_address, read_cell, read_gender_of, read_value
from .cells import cells_of
from .columns import FIELDS
from .findings import clip, did_you_mean
from .records import Cell, Record
from .values import LANGUAGE_WAY_OUT, ZONE_WAY_OUT

#: What a correction may name: every column of our own layout, but not the id, nor who checked an address when.
CORRECTABLE = tuple(
    name for name in FIELDS if name != "id" and not name.endswith(("_source", "_checked_on", "_checked_by"))
)
_POSTAL = ("address_1", "address_2", "address_3")
#: Texts that stand in a contact as they are written.
_PLAIN = ("honorific", "name", "office", "organisation", "country", "state", "salutation", "closing", "in_text",
          "phone", "external_id")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Correction:
    """A contact with its new fields, or why there is none."""

    contact: Contact
    problems: tuple[Problem, ...]  #: with any of them, `contact` is the one that was
    warnings: tuple[Problem, ...]


def correct(person: Contact, given: Mapping[str, str], source: str = "") -> Correction:
    """The contact with these fields (column of our own layout → text; '' takes it off), and everything wrong with them.

    Each text is read as the same cell of a list would be: names of languages and states become codes, a national fax
    number is that of the seat. What a letter needs cannot be taken off. A new address was learned from `source`, and
    nobody has checked it yet. No other field is read or changed.
    """
    stated = {name: Cell(name, text) for name, text in {**given, "source": source}.items()}
    row = Row(Record(person.id, person.id, {}, stated, text_only=True), {}, kept=cells_of(person))
    for name in given:
        if name in CORRECTABLE:
            row.said[name] = read_cell(row.record, name)
        else:
            _fault_unknown(row, name)
    learned = read_cell(row.record, "source")
    values = _values(row)
    values |= _addresses(row, person, learned)
    changed = replace(person, **values)
    _check_whole(row, changed)
    problems, warnings = _judged(row)
    return Correction(person if problems else changed, problems, warnings)


def _fault_unknown(row: Row, name: str) -> None:
    way_out = did_you_mean(name, CORRECTABLE, f"Fields: {', '.join(CORRECTABLE)}")
    row.findings.fault(row.record.place, "E_FIELD", f"{clip(name)} is no field that can be corrected", way_out)


def _values(row: Row) -> dict[str, Any]:
    """The values of the fields that were given, but for the addresses."""
    # Whose national numbers a fax is one of is told by the seat: codes first.
    for name in ("state_code", "seat"):
        if name in row.said:
            row.said[name] = read_value(row, name)
    others = (name for name in row.said if name not in (*_PLAIN, *_POSTAL, *Kind, "state_code", "seat", "gender"))
    values: dict[str, Any] = {name: row.said[name] for name in (*_PLAIN, "state_code", "seat") if name in row.said}
    values |= {name: read_value(row, name) for name in others}
    if {"gender", "honorific"} & set(row.said):
        values["gender"] = read_gender_of(row)
    if set(_POSTAL) & set(row.said):
        values["postal"] = tuple(filter(None, map(row.text, _POSTAL)))
    return values


def _addresses(row: Row, person: Contact, learned: str) -> dict[str, Any]:
    addresses, known = [], []
    for kind in Kind:
        value = read_address(row, kind) if row.said.get(kind) else row.said.get(kind, person.address(kind))
        if value:
            address = Address(kind, value)
            addresses.append(address)
            was_known = address in person.addresses
            known.append(person.known_from(address) if was_known else Provenance(address, learned))
    provenance = tuple(one for one in known if one != Provenance(one.address))
    return {"addresses": tuple(addresses), "provenance": provenance}


def _check_whole(row: Row, changed: Contact) -> None:
    """Notes what a letter would lack by this correction; what could not be read is told already."""
    lacks = (
        (("name", "office"), changed.name or changed.office, "E_NAME", "Write the person's name, or the office"),
        (("language",), changed.language, "E_LANGUAGE", LANGUAGE_WAY_OUT),
        (("time_zone",), changed.time_zone, "E_TIME_ZONE", ZONE_WAY_OUT),
        (("salutation", "form"), changed.salutation or changed.form, "E_SALUTATION", "Leave it one of them"),
        (("email", "fax"), changed.addresses, "E_NO_ADDRESS", "Leave it one of them"),
    )
    for names, there, code, way_out in lacks:
        given = [row.record.stated[name].text.strip() for name in names if name in row.said]
        if not there and given and not any(given):
            cause = f"the contact would have neither {' nor '.join(names)}" if names[1:] else f"{names[0]} is empty"
            row.findings.fault(row.record.place, code, cause, way_out)


def _judged(row: Row) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Problems and warnings. A form of address that is not known is left out of a list; whoever types one means one."""
    warnings = row.findings.warnings
    problems = [*row.findings.problems, *(one for one in warnings if one.code == "W_FORM")]
    return tuple(problems), tuple(one for one in warnings if one.code != "W_FORM")
