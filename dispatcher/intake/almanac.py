"""The almanac: from the shipped tables and a file of the office's own, the closed days of any contact.

It alone decides which days an office keeps: the weekend and the public holidays of the country where it stands, the
national days of the state that it speaks for, the United Nations' holidays where it works with them, and whatever the
office's own file says. What it finds is a `Calendar`, which is frozen with the plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dispatcher.domain import states
from dispatcher.domain.calendars import SATURDAY_SUNDAY, Calendar, Weekend
from dispatcher.domain.model import Contact
from dispatcher.domain.words import Form

from .places import city_named, region_named
from .public_holidays import public_holidays

#: How an organisation calls itself that works with the United Nations: by their name, or as a mission.
_WITH_THE_UN = re.compile(
    r"united nations|nations unies|naciones unidas|vereinten nationen|объединенных наций|الأمم المتحدة|联合国"
    r"|\bmission\b|\bmisión\b|ständige vertretung|постоянное представительство|البعثة|代表团",
    re.IGNORECASE,
)
_EASTER = re.compile(r"easter([+-]\d{1,2})")


@dataclass(frozen=True, slots=True)
class Station:
    """A duty station of the United Nations."""

    city: str  #: its slug
    subdivision: str  #: whose public holidays are kept there; '': those of the whole country
    yearly: Mapping[str, str]  #: '12-25' or 'easter-2' → 'Christmas Day'
    days: Mapping[str, str]  #: '2026-03-20' → 'Eid al-Fitr (expected)'


@dataclass(frozen=True, slots=True)
class OwnDays:
    """Days that the office's own file closes, or opens, for some contacts or for all."""

    first: date
    last: date
    reason: str  #: '': they are working days after all
    contacts: tuple[str, ...] = ()  #: ids; all three empty: for everybody
    countries: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()

    def concern(self, contact_id: str, country: str, city: str) -> bool:
        anybody = not (self.contacts or self.countries or self.cities)
        return anybody or contact_id in self.contacts or country in self.countries or city in self.cities

    def each(self) -> Iterator[str]:
        for number in range((self.last - self.first).days + 1):
            yield (self.first + timedelta(days=number)).isoformat()


@dataclass(frozen=True, slots=True)
class Almanac:
    """The tables, read."""

    weekends: Mapping[str, tuple[Weekend, ...]]  #: by country; who is not named has Saturday and Sunday
    stations: Mapping[str, Station]  #: by the slug of their city
    own: tuple[OwnDays, ...] = ()

    def of_contact(self, contact: Contact, years: Sequence[int]) -> Calendar:
        """The closed days of that office in these years; nothing but its national days where its country is unknown."""
        country = country_of(contact)
        station = self.stations.get(_city(contact, country))
        closed = _Closed()
        closed.take("public holiday", _public(country, station, years))
        if station and _works_with_the_un(contact, country):
            closed.take("UN holiday", _official(station, years))
        yearly = _Closed()
        yearly.take("", national_days(contact))
        return self._calendar(contact.id, country, _city(contact, country), closed, yearly, years)

    def of_country(self, country: str, years: Sequence[int]) -> Calendar:
        """The closed days of a ministry in that country's capital."""
        closed, yearly = _Closed(), _Closed()
        closed.take("public holiday", public_holidays(country, "", tuple(years)))
        found = states.state(country)
        yearly.take("", _national(found.national_days if found else (), states.short(country, "en")))
        return self._calendar("", country, "", closed, yearly, years)

    def _calendar(
        self, contact_id: str, country: str, city: str, closed: _Closed, yearly: _Closed, years: Sequence[int]
    ) -> Calendar:
        own = [one for one in self.own if one.concern(contact_id, country, city)]
        closed.take("", ((key, one.reason) for one in own if one.reason for key in one.each()))
        return Calendar(
            place=states.short(country, "en") or country,
            weekends=self.weekends.get(country, (SATURDAY_SUNDAY,)),
            closed=closed.sorted(),
            yearly=yearly.sorted(),
            opened=tuple(sorted({key for one in own if not one.reason for key in one.each()})),
            known_until=_last_known(country, years),
        )


class _Closed(dict[str, str]):
    """Days and their reasons; of two reasons for one day, both are kept."""

    def take(self, kind: str, days: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> None:
        for key, name in days:
            said = f"{kind}: {name}" if kind else name
            self[key] = f"{self[key]}; {said}" if key in self else said

    def sorted(self) -> dict[str, str]:
        return dict(sorted(self.items()))


def country_of(contact: Contact) -> str:
    """ISO code of the country where the office stands, whose weekend and holidays it keeps; '' where nobody knows."""
    return contact.seat or region_named(contact.country) or contact.state_code


def _city(contact: Contact, country: str) -> str:
    """The slug of the city that a line of the postal address names, in that country; '' where none does."""
    found = (city_named(line) for line in reversed(contact.postal))
    return next((city.slug for city in found if city is not None and city.country == country), "")


def _works_with_the_un(contact: Contact, country: str) -> bool:
    if contact.organisation:
        return bool(_WITH_THE_UN.search(contact.organisation))
    foreign = bool(contact.state_code) and contact.state_code != country
    return contact.form is Form.PERMANENT_REPRESENTATIVE or foreign


def _public(country: str, station: Station | None, years: Sequence[int]) -> Sequence[tuple[str, str]]:
    return public_holidays(country, station.subdivision if station else "", tuple(years))


def _last_known(country: str, years: Sequence[int]) -> str:
    """The end of the last of these years for which the package knows holidays: not every table reaches far."""
    known = [day[:4] for day, _ in public_holidays(country, "", tuple(years))]
    return f"{max(known)}-12-31" if known else ""


def _official(station: Station, years: Sequence[int]) -> Iterator[tuple[str, str]]:
    for year in years:
        for rule, name in station.yearly.items():
            yield _by_rule(rule, year).isoformat(), name
    yield from ((key, name) for key, name in station.days.items() if int(key[:4]) in years)


def national_days(contact: Contact) -> Iterator[tuple[str, str]]:
    """The national days that the office keeps, wherever it stands: ('05-17', 'national day of Norway')."""
    found = states.state(contact.state_code)
    days = contact.national_days or (found.national_days if found else ())
    return _national(days, states.short(contact.state_code, "en") or contact.state)


def _national(days: Sequence[str], name: str) -> Iterator[tuple[str, str]]:
    return ((day, f"national day of {name}" if name else "national day") for day in days)


def _by_rule(rule: str, year: int) -> date:
    """'12-25', or 'easter-2' for Good Friday."""
    moving = _EASTER.fullmatch(rule)
    return easter(year) + timedelta(days=int(moving[1])) if moving else date.fromisoformat(f"{year}-{rule}")


def is_rule(rule: str) -> bool:
    """Can `_by_rule` make a day of it in every year?"""
    try:
        _by_rule(rule, 2025)
    except ValueError:
        return False
    return True


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by Oudin's algorithm (Explanatory Supplement, 1992, section 12.92)."""
    century, golden = year // 100, year % 19
    shift = (century - century // 4 - (century - (century - 17) // 25) // 3 + 19 * golden + 15) % 30
    shift -= (shift // 28) * (1 - (29 // (shift + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + shift + 2 - century + century // 4) % 7
    march = 28 + shift - weekday  # as a day of March; beyond 31 in April
    return date(year, 3, 1) + timedelta(days=march - 1)
