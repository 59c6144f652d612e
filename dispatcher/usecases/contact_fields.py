"""A contact's fields as a person reads them, and what differs between two versions of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from dispatcher.domain.model import Address, Contact, Provenance
from dispatcher.store.contact_history import Change


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a contact, before and after."""

    field: str
    before: str
    after: str


def field_values(person: Contact) -> dict[str, str]:
    """Every field that says something, in the order of the fields; an address under the name of its kind."""
    return dict(_values(person))


def _values(person: Contact) -> Iterator[tuple[str, str]]:
    for one in fields(Contact):
        value = getattr(person, one.name)
        if one.name == "addresses":
            yield from ((address.kind.value, address.value) for address in value)
        elif one.name == "provenance":
            yield from (pair for known in value for pair in _provenance(known))
        elif text := shown(value):
            yield one.name, text


def _provenance(known: Provenance) -> Iterator[tuple[str, str]]:
    kind = known.address.kind.value
    pairs = (("source", known.source), ("checked_on", shown(known.checked_on)), ("checked_by", known.checked_by))
    return ((f"{kind}_{name}", text) for name, text in pairs if text)


def shown(value: Any) -> str:
    """A field's value on one line."""
    if isinstance(value, tuple):
        return "; ".join(map(shown, value))
    if isinstance(value, Address):
        return f"{value.kind} {value.value}"
    return "" if value is None else str(value)


def differences(before: Contact, after: Contact) -> list[Difference]:
    """What differs, field by field."""
    old, new = field_values(before), field_values(after)
    names = list(dict.fromkeys([*old, *new]))
    pairs = [(name, old.get(name, ""), new.get(name, "")) for name in names]
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def told(change: Change) -> str:
    """A change in a few words: which fields went from what to what."""
    before, after = change.before, change.after
    if before is None or after is None:
        return "added" if before is None else "taken off the record"
    words = [
        f"{one.field}: {one.before or '-'} → {one.after or '-'}" for one in differences(before.person, after.person)
    ]
    if before.active != after.active:
        words.insert(0, "written to again" if after.active else "retired")
    return "; ".join(words) or "nothing that shows"
