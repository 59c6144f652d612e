"""Reads the almanac's tables: weekends and duty stations as shipped, and the office's own closed days.

It alone knows the form of these files. Every problem of all of them is told at once, with its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TypeVar

from dispatcher.domain import states
from dispatcher.domain.calendars import WEEKDAYS, Weekend
from dispatcher.domain.errors import SettingsError
from dispatcher.resources import resource

from .almanac import Almanac, OwnDays, Station, is_rule
from .findings import Findings, clip, did_you_mean, in_order
from .sheet import Sheet, open_sheet
from .words import cities

T = TypeVar("T")

#: More days in a row are no holiday but a mistake in the file.
_LONGEST = 100
_CITIES = 'Name cities as Dispatcher does, as in cities = ["geneva", "new-york"]'


@cache
def shipped() -> Almanac:
    """The almanac without a file of the office's own."""
    return read_almanac()


def read_almanac(own: Path | None = None, folder: Path | None = None) -> Almanac:
    """The almanac of the tables in `folder`, the shipped ones where it is not given, and of the office's own file.

    Raises SettingsError with every problem.
    """
    folder = folder or resource("config/calendars")
    findings = Findings()
    weekends = _read(folder / "weekends.toml", findings, _weekends)
    stations = _read(folder / "stations.toml", findings, _stations)
    days = _read(own, findings, _own) if own else ()
    if findings.problems:
        raise SettingsError(in_order(findings.problems))
    return Almanac(weekends or {}, stations or {}, days or ())


def _read(path: Path, findings: Findings, read: Callable[[Sheet], T]) -> T | None:
    opened = open_sheet(path, findings)
    return read(opened[0]) if opened else None


# -- weekends ----------------------------------------------------------------------------------------------------------


def _weekends(sheet: Sheet) -> Mapping[str, tuple[Weekend, ...]]:
    sheet.allow("weekends")
    found: dict[str, list[Weekend]] = {}
    for one in sheet.tables("weekends"):
        one.allow("countries", "days", "since", "source")
        one.text("source", "Say where it was read")
        weekend = Weekend(_weekdays(one), _day(one, "since").isoformat() if one.has("since") else "")
        for country in _countries(one):
            found.setdefault(country, []).append(weekend)
    return {country: tuple(sorted(several, key=lambda one: one.since)) for country, several in found.items()}


def _weekdays(sheet: Sheet) -> tuple[int, ...]:
    way_out = f"Use the names {', '.join(WEEKDAYS)}, three days at the most"
    names = sheet.names("days")
    if not 1 <= len(names) <= 3:
        sheet.fault("E_VALUE", f"{sheet.name('days')}: a weekend has one to three days", way_out, "days")
    for name in names:
        if name not in WEEKDAYS:
            cause = f"{sheet.name('days')}: {clip(name)} is no day of the week"
            sheet.fault("E_VALUE", cause, did_you_mean(name, WEEKDAYS, way_out), "days")
    return tuple(WEEKDAYS.index(name) for name in names if name in WEEKDAYS)


def _countries(sheet: Sheet) -> tuple[str, ...]:
    names = sheet.names("countries")
    for name in names:
        if states.resolve(name) != name:
            way_out = 'Give two-letter codes (ISO 3166-1), as in countries = ["JO"]'
            sheet.fault(
                "E_STATE", f"{sheet.name('countries')}: {clip(name)} is no code of a country", way_out, "countries"
            )
    return tuple(names)


def _day(sheet: Sheet, key: str) -> date:
    way_out = f"Write it without quotation marks, as in {key} = 2027-12-24"
    if sheet.require(key, way_out) and sheet.of_type(key, date, way_out):
        found: date = sheet.values[key]
        return found
    return date.min


# -- duty stations -----------------------------------------------------------------------------------------------------


def _stations(sheet: Sheet) -> Mapping[str, Station]:
    sheet.allow("stations", "days")
    days: dict[str, dict[str, str]] = {}
    listed = sheet.tables("stations")
    known = [one.text("city", _CITIES) for one in listed]
    for one in sheet.tables("days"):
        for city in _names_of(one, "stations", known):
            days.setdefault(city, {})[_day(one, "day").isoformat()] = _official_name(one)
    return {city: _station(one, city, days.get(city, {})) for one, city in zip(listed, known, strict=True)}


def _station(sheet: Sheet, city: str, days: Mapping[str, str]) -> Station:
    sheet.allow("city", "subdivision", "yearly", "source")
    if city and city not in _slugs():
        sheet.fault(
            "E_VALUE", f"{sheet.name('city')}: {clip(city)} is not known", did_you_mean(city, _slugs(), _CITIES), "city"
        )
    sheet.text("source", "Say where it was read")
    part = sheet.text("subdivision", "Give the second half of an ISO 3166-2 code", required=False)
    return Station(city, part, dict(_rules(sheet.table("yearly"))), days)


def _rules(sheet: Sheet) -> Iterator[tuple[str, str]]:
    way_out = 'Write each as "12-25" = "Christmas Day" or "easter-2" = "Good Friday"'
    for rule in sheet.values:
        if not is_rule(rule):
            sheet.fault("E_VALUE", f"{clip(rule)} is no day of every year", way_out, rule)
        yield rule, sheet.text(rule, way_out)


def _official_name(sheet: Sheet) -> str:
    sheet.allow("stations", "day", "name", "expected", "source")
    sheet.text("source", "Say where it was read")
    expected = (
        sheet.has("expected") and sheet.of_type("expected", bool, "Write expected = true") and sheet.values["expected"]
    )
    return sheet.text("name", "Name the holiday") + (" (expected)" if expected else "")


# -- the office's own --------------------------------------------------------------------------------------------------


def _own(sheet: Sheet) -> tuple[OwnDays, ...]:
    sheet.allow("closed", "open")
    closed = [_own_days(one, closes=True) for one in sheet.tables("closed")]
    return (*closed, *(_own_days(one, closes=False) for one in sheet.tables("open")))


def _own_days(sheet: Sheet, *, closes: bool) -> OwnDays:
    sheet.allow("day", "until", "reason", "contacts", "countries", "cities")
    first = _day(sheet, "day")
    last = _day(sheet, "until") if sheet.has("until") else first
    if date.min in (first, last):  # told already
        last = first
    elif not 0 <= (last - first).days < _LONGEST:
        cause = f"{sheet.name('until')}: not within {_LONGEST} days after {first.isoformat()}"
        sheet.fault("E_VALUE", cause, "Give the last day, not before the first", "until")
        last = first
    reason = sheet.text("reason", 'Say why, as in reason = "the mission moves"', required=closes)
    contacts, countries = tuple(sheet.names("contacts")), _countries(sheet)
    cities_ = _names_of(sheet, "cities", _slugs())
    return OwnDays(first, last, f"closed: {reason}" if closes else "", contacts, countries, cities_)


def _names_of(sheet: Sheet, key: str, known: list[str]) -> tuple[str, ...]:
    names = sheet.names(key)
    for name in names:
        if name not in known:
            cause = f"{sheet.name(key)}: {clip(name)} is not known"
            sheet.fault("E_VALUE", cause, did_you_mean(name, known, _CITIES), key)
    return tuple(names)


def _slugs() -> list[str]:
    return sorted({one.slug for one in cities().values()})
