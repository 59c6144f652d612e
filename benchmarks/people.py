"""The addressees of the letters benchmark: invented states with five offices each, the same in every run.

The names of states are as long as real ones are: 24 characters in the mean, from 5 to 48 (formal English names at the
United Nations: 24, from 4 to 52). Listed state by state, as a secretariat's list is.
"""

from __future__ import annotations

from dispatcher.domain.model import Address, Contact
from dispatcher.domain.words import Kind

_FORMS = (
    *("the Republic of {}", "the Kingdom of {}", "{}", "the Republic of {}", "the Federal Republic of {}"),
    *("the Principality of {}", "the Republic of {}", "the Democratic Republic of {}", "the Union of {}"),
    *("the United Commonwealth of {} and its Islands", "the Republic of {}"),
)
_HEADS = ("Ar", "Bor", "Castel", "Dor", "Est", "Flor", "Gond", "Hyrc", "Ill", "Jur", "Kar", "Lyd", "Mor", "Nav", "Or")
_TAILS = ("desia", "duria", "lania", "vania", "avia", "inia", "alia", "ania", "yria", "andia", "inthia", "mark", "wen")
_FIRST = ("Amara", "Benedikt", "Chiara", "Dmitri", "Elena", "Farid", "Greta", "Hiroshi", "Ines", "Jonas", "Karin")
_LAST = ("Aldous", "Berisha", "Costa", "Duarte", "Eriksson", "Fontaine", "Grimaldi", "Haddad", "Ivanova", "Jansen")
_STREETS = ("Chemin des Cèdres", "Avenue de la Paix", "Rue de Varembé", "Route de Ferney", "Rue du Valais")
_PERMANENT = "Ambassador and Permanent Representative"
#: Office, organisation (of {0}, the state; in {1}, its capital), street, city, country.
_OFFICES = (
    ("President", "", "Palace Square 1", "{1}", ""),
    ("Prime Minister", "", "Government House", "{1}", ""),
    ("Minister of Foreign Affairs", "Ministry of Foreign Affairs", "Embassy Row 12", "{1}", ""),
    (_PERMANENT, "Permanent Mission of {0} to the United Nations Office at Geneva", "", "1202 Geneva", "Switzerland"),
    (_PERMANENT, "Permanent Mission of {0} to the United Nations", "East 44th Street 801", "New York, NY 10017", "USA"),
)


def people(number: int, *, apart: bool = False) -> tuple[Contact, ...]:
    """So many contacts with an email address and a fax number each; `apart`: every one speaks for another state."""
    return tuple(_person(n, n if apart else n // len(_OFFICES)) for n in range(number))


def _state(n: int) -> str:
    head, tail = _HEADS[n % len(_HEADS)], _TAILS[n // len(_HEADS) % len(_TAILS)]
    more = n // (len(_HEADS) * len(_TAILS))
    return _FORMS[n % len(_FORMS)].format(f"{head}{tail}{f' {more}' if more else ''}")


def _person(n: int, country: int) -> Contact:
    state, capital = _state(country), f"Port {_HEADS[country % 7]}{_TAILS[country % 5]}"
    office, organisation, street, city, abroad = _OFFICES[n % len(_OFFICES)]
    return Contact(
        id=f"office-{n:04d}",
        honorific="H.E. Ms." if n % 2 else "H.E. Mr.",
        name=f"{_FIRST[n % len(_FIRST)]} {_LAST[n % len(_LAST)]}-{_LAST[n // 7 % len(_LAST)]}",
        office=office,
        organisation=organisation.format(state, capital),
        postal=(street or f"{_STREETS[n % len(_STREETS)]} {n % 90 + 1}", city.format(state, capital)),
        country=abroad or state.removeprefix("the "),
        state=state,
        language="en",
        time_zone="Europe/Zurich",
        salutation="Excellency,",
        addresses=(Address(Kind.EMAIL, f"office{n:04d}@states.example"), Address(Kind.FAX, f"+4122{7_300_000 + n}")),
    )
