"""How people are addressed: the addressee's lines, the date line, the cc block, and the fields a template may print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Contact, Sender

from .enclosure import Enclosure
from .languages import Language, written
from .typography import clean, finish

#: What spreadsheets and programs leave where a word was missing.
_BLANKS = frozenset(("none", "nan", "null", "n/a", "#n/a", "undefined", "nil"))
_FIELDS = ("honorific", "name", "office", "organisation", "country", "state", "salutation")


@dataclass(frozen=True, slots=True)
class CoverNote:
    """What a fax cover page says that the letter does not."""

    number: str  #: of the addressee's fax; '' where the letter goes by fax to those alone who receive copies
    copies: tuple[str, ...]  #: of each cc party in turn; '' for one who receives no fax
    remarks: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that one letter depends on, apart from the template files."""

    letter: str  #: folder under templates/letters
    organisation: str  #: folder under templates/letterheads
    contact: Contact
    copies: tuple[Contact, ...]
    sender: Sender
    letter_date: date
    #: The date of the campaign's first letter, which a follow-up refers to; None: this is the first.
    first_date: date | None = None
    enclosures: tuple[Enclosure, ...] = ()  #: what goes with the letter, in order
    cover: CoverNote | None = None  #: None: no cover page on the fax


def addressee_lines(contact: Contact, language: Language) -> tuple[str, ...]:
    """Name, office, organisation, street and city, country; no empty lines, and nothing twice running."""
    wanted = (contact.display_name, contact.office, contact.organisation, *contact.postal, contact.country)
    return _distinct(finish(line, language) for line in wanted)


def copy_lines(contact: Contact, language: Language) -> tuple[str, ...]:
    """A cc party: name and office on one line, the organisation on the next."""
    first = language.comma.join(filter(None, (clean(contact.display_name), clean(contact.office))))
    return _distinct((finish(first, language), finish(contact.organisation, language)))


def date_line(place: str, day: date, language: Language) -> str:
    """'Geneva, 1 October 2015'; the date alone where no place is known."""
    when = written(day, language)
    return finish(language.date_line.format(place=clean(place), date=when) if clean(place) else when, language)


def gaps(order: Order) -> list[Problem]:
    """What the letter needs and the data do not give."""
    contact = order.contact
    problems = [fault for person in (contact, *order.copies) for fault in _blanks(person)]
    if not clean(contact.salutation):
        problems.append(_gap(contact, "salutation", "is empty", "Write how the letter begins, such as 'Excellency,'"))
    nobodies = [p for p in (contact, *order.copies) if not clean(f"{p.name}{p.office}{p.organisation}")]
    problems += [_gap(p, "name", "is empty, and so are office and organisation", "Fill in one") for p in nobodies]
    if not clean(order.sender.name):
        problems.append(Problem("sender", "name is empty", "Say who signs", "E_TPL_RESIDUE"))
    return problems


def _blanks(contact: Contact) -> list[Problem]:
    values = [(name, getattr(contact, name)) for name in _FIELDS] + [("postal", line) for line in contact.postal]
    blank = [(name, value) for name, value in values if clean(value).lower() in _BLANKS]
    return [_gap(contact, name, f"is '{clean(value)}', which is no {name}", "Correct it") for name, value in blank]


def _gap(contact: Contact, name: str, cause: str, way_out: str) -> Problem:
    return Problem(f"contact {contact.id}", f"{name} {cause}", way_out, "E_TPL_RESIDUE")


def template_data(order: Order, organisation: str, language: Language) -> Mapping[str, Any]:
    """What a template may print, as plain text; the fields that `guard` knows."""
    return {
        "contact": _contact_data(order.contact),
        "copies": [_contact_data(copy) for copy in order.copies],
        "sender": {"name": order.sender.name, "title": order.sender.title, "place": order.sender.place},
        "organisation": organisation,
        "date": written(order.letter_date, language),
        "first_date": written(order.first_date or order.letter_date, language),
    }


def _contact_data(contact: Contact) -> dict[str, Any]:
    data: dict[str, Any] = {name: clean(getattr(contact, name)) for name in _FIELDS}
    return data | {"display_name": clean(contact.display_name), "postal": [clean(line) for line in contact.postal]}


def _distinct(lines: Iterable[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for line in lines:
        if line and (not kept or kept[-1] != line):
            kept.append(line)
    return tuple(kept)
