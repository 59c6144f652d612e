"""How people are addressed: the addressee's lines, the date line, the cc block, and the fields a template may print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from dispatcher.domain import states
from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Contact, Sender

from .enclosure import Enclosure
from .forms import Courtesy, Forms, courtesy, form_doubts, gender_faults
from .languages import FALL_BACK, Language, written
from .typography import clean, finish
from .veil import Blank

#: What spreadsheets and programs leave where a word was missing.
_BLANKS = frozenset(("none", "nan", "null", "n/a", "#n/a", "undefined", "nil"))
_FIELDS = ("honorific", "name", "office", "organisation", "country", "state", "salutation", "in_text", "closing")
#: What stands in braces, and a field in it: whose, and which.
_BRACES, _FIELD = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL), re.compile(r"\b(\w+)\.(\w+)")


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
    fall_back: str = FALL_BACK  #: the language in which it goes out where it is not written in the contact's own

    @property
    def people(self) -> tuple[Contact, ...]:
        """The addressee, then those who receive copies."""
        return (self.contact, *self.copies)


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody whom a letter names: the contact, with every word that it left to its form or its state filled in."""

    contact: Contact
    manner: Courtesy
    printed: frozenset[str]  #: the words of the manner that this letter prints of them

    @property
    def named(self) -> str:
        return self.manner.named(self.contact.name)


def parties(order: Order, language: Language, forms: Forms, template: str) -> tuple[Party, ...]:
    """Those whom the letter names, the addressee first. `template` is the letter's file, which says what it prints.

    Raises TemplateError for a form that is not there.
    """
    fields = [found for words in _BRACES.findall(template) for found in _FIELD.findall(words)]
    of_contact = frozenset(field for whose, field in fields if whose == "contact")
    of_copies = frozenset(field for whose, field in fields if whose != "contact")
    printed = [of_contact | {"honorific", "salutation"}, *(of_copies | {"honorific"} for _ in order.copies)]
    return tuple(_party(one, language, forms, words) for one, words in zip(order.people, printed, strict=True))


def _party(contact: Contact, language: Language, forms: Forms, printed: frozenset[str]) -> Party:
    manner = courtesy(contact, forms)
    dressed = replace(
        contact,
        honorific=manner.honorific,
        salutation=manner.salutation,
        in_text=manner.in_text,
        closing=manner.closing,
        state=contact.state if clean(contact.state) else states.in_sentence(contact.state_code, language.tag),
        country=contact.country if clean(contact.country) else _country(contact, language),
    )
    return Party(dressed, manner, printed)


def _country(contact: Contact, language: Language) -> str:
    """The last line of an address that leaves it out: that of its seat, and none behind a capital city.

    A capital is known by its English name, as in `states.csv`. (United Nations Editorial Manual, names of places.)
    """
    seat = states.state(contact.seat)
    if seat is None or not contact.postal or any(seat.capital in line for line in contact.postal):
        return ""
    return states.short(seat.code, language.tag)


def addressee_lines(party: Party, language: Language) -> tuple[str, ...]:
    """Name, office, organisation, street and city, country; no empty lines, and nothing twice running."""
    contact = party.contact
    wanted = (party.named, contact.office, contact.organisation, *contact.postal, contact.country)
    return _distinct(finish(line, language) for line in wanted)


def copy_lines(party: Party, language: Language) -> tuple[str, ...]:
    """A cc party: name and office on one line, the organisation on the next."""
    first = language.comma.join(filter(None, (clean(party.named), clean(party.contact.office))))
    return _distinct((finish(first, language), finish(party.contact.organisation, language)))


def date_line(place: str, day: date, language: Language) -> str:
    """'Geneva, 1 October 2015'; the date alone where no place is known."""
    when = written(day, language)
    return finish(language.date_line.format(place=clean(place), date=when) if clean(place) else when, language)


def gaps(order: Order, people: Sequence[Party]) -> list[Problem]:
    """What the letter needs and the data, and the forms of address, do not give."""
    contact, manner = people[0].contact, people[0].manner
    problems = [fault for person in order.people for fault in _blanks(person)]
    problems += [fault for one in people for fault in gender_faults(one.contact, one.manner, one.printed)]
    if not clean(contact.salutation) and "salutation" not in manner.genders:
        way_out = "Write how the letter begins, such as 'Excellency,', or the form of address"
        problems.append(_gap(contact, "salutation", "is empty", way_out))
    nobodies = [p for p in order.people if not clean(f"{p.name}{p.office}{p.organisation}")]
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


def template_data(order: Order, people: Sequence[Party], organisation: str, language: Language) -> Mapping[str, Any]:
    """What a template may print, as plain text; the fields that `guard` knows."""
    return {
        "contact": _contact_data(people[0]),
        "copies": [_contact_data(copy) for copy in people[1:]],
        "sender": {"name": order.sender.name, "title": order.sender.title, "place": order.sender.place},
        "organisation": organisation,
        "date": written(order.letter_date, language),
        "first_date": written(order.first_date or order.letter_date, language),
    }


def _contact_data(party: Party) -> dict[str, Any]:
    data: dict[str, Any] = {name: clean(getattr(party.contact, name)) for name in _FIELDS}
    data |= {"display_name": clean(party.named), "suffix": clean(party.manner.suffix)}
    # What cannot be said without a gender is told by `gaps`; a mark in its place keeps it from being told twice.
    data |= dict.fromkeys(party.manner.genders, "…")
    data = {name: text or Blank(party.contact.id, name) for name, text in data.items()}
    return data | {"postal": [clean(line) for line in party.contact.postal]}


def doubts(people: Iterable[Party], language: Language) -> list[Problem]:
    """What a person should know of the forms of address that this letter uses."""
    return [found for one in people for found in form_doubts(one.contact, one.manner, language.tag, one.printed)]


def _distinct(lines: Iterable[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for line in lines:
        if line and (not kept or kept[-1] != line):
            kept.append(line)
    return tuple(kept)
