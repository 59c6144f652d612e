"""A contact as cells of our own layout, one text a field: what is written, and what a list that says nothing keeps."""

from __future__ import annotations

from datetime import date

from dispatcher.domain.model import Address, Contact, Provenance
from dispatcher.domain.words import Kind

_LINES = 3


def cells_of(contact: Contact) -> dict[str, str]:
    """Field → text, for every column of our own layout. Reading it back gives the same contact."""
    plain = ("id", "honorific", "name", "office", "organisation", "country", "state", "language", "time_zone",
             "salutation", "closing", "in_text", "state_code", "seat", "phone", "external_id")  # fmt: skip
    return {
        **{name: getattr(contact, name) for name in plain},
        **_postal(contact.postal),
        "form": contact.form.value,
        "gender": contact.gender.value,
        "since": _day(contact.since),
        "until": _day(contact.until),
        "prefers": contact.prefers.value if contact.prefers else "",
        "tags": " ".join(contact.tags),
        "copies_to": " ".join(contact.copies_to),
        "national_days": " ".join(contact.national_days),
        **_address(contact, Kind.EMAIL),
        **_address(contact, Kind.FAX),
    }


def _postal(lines: tuple[str, ...]) -> dict[str, str]:
    first, last = lines[: _LINES - 1], ", ".join(lines[_LINES - 1 :])
    texts = (*first, last) if last else first
    return {f"address_{number + 1}": texts[number] if number < len(texts) else "" for number in range(_LINES)}


def _address(contact: Contact, kind: Kind) -> dict[str, str]:
    value = contact.address(kind) or ""
    known = contact.known_from(Address(kind, value)) if value else Provenance(Address(kind, ""))
    return {
        kind.value: value,
        f"{kind}_source": known.source,
        f"{kind}_checked_on": _day(known.checked_on),
        f"{kind}_checked_by": known.checked_by,
    }


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
