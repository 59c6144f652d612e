"""What differs between two plans, field by field: why a signature under the one is no signature under the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .plan import Plan

#: A list of this part of a plan is known by these fields of its members, not by their place.
_NAMED_BY = {
    "letters": ("contact_id", "step", "occurrence"),
    "stops": ("addressee_id", "contact_id", "kind", "role", "occurrence"),
    "remarks": ("code", "place", "cause"),
}
#: These follow from other fields, which are told; alone they say nothing to a reader.
_DERIVED = ("digest", "id", "letter", "fallback_for")
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is another one: where it stands in the plan, and what it was and is ('' where there is none)."""

    field: str  #: 'campaign.title', 'stops[one→one email to].address'
    old: str
    new: str

    def __str__(self) -> str:
        if not self.old:
            return f"{self.field}: new, {self.new}"
        return f"{self.field}: {self.old} → {self.new}" if self.new else f"{self.field}: gone, was {self.old}"


def differences(old: Plan, new: Plan) -> tuple[Difference, ...]:
    """Every field that differs; what only follows from another is left out where that other one is told."""
    found = tuple(_between("", _named(old), _named(new)))
    told = tuple(one for one in found if one.field.rpartition(".")[2] not in _DERIVED)
    return told or found


def _named(plan: Plan) -> dict[str, Any]:
    """As JSON has it, with the members of its lists under their names."""
    record: dict[str, Any] = json.loads(plan.as_bytes())
    for part, fields in _NAMED_BY.items():
        record[part] = _each_once(record[part], fields)
    return record


def _each_once(members: list[dict[str, Any]], fields: tuple[str, ...]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for one in members:
        name = " ".join(str(one[field]) for field in fields if one.get(field) not in ("", None))
        while name in named:
            name += "'"
        named[name] = one
    return named


def _between(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _order(path, old, new)
        for name in (*old, *(name for name in new if name not in old)):
            yield from _between(_below(path, name), old.get(name), new.get(name))
    elif old != new:
        yield Difference(path, _short(old), _short(new))


def _order(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """In a list the order is a fact too: of letters it says which leave first."""
    if path in _NAMED_BY and list(old) != list(new) and sorted(old) == sorted(new):
        yield Difference(f"{path}: their order", _short(list(old)), _short(list(new)))


def _below(path: str, name: str) -> str:
    if path in _NAMED_BY or path in ("people", "calendars"):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def _short(value: Any) -> str:
    """For people; '' for what is not there."""
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
