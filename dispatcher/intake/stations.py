"""Where an office stands: what its row says, or else the duty station of a list of missions.

In a list of missions in Geneva some stand in Cointrin or Versoix, which its layout names. A list whose
rows mostly name its duty station speaks for those that name no city that is known, too; a row that names another city
or state speaks for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from dispatcher.domain import states

from .compose import seat_city, town_lines
from .places import city_named, region_named
from .records import Record
from .text import clean
from .words import fold


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an office stands."""

    city: str = ""  #: a text that names a city of words.toml; '': none is told
    seat: str = ""  #: ISO 3166-1 alpha-2; '': not told
    because: str = ""  #: the row's own words, or the duty station


def mark_station(records: Sequence[Record]) -> None:
    """Tell the rows of a list whether it is one of the duty station of its layout."""
    layout = next((one.layout for one in records if one.layout), None)
    station = city_named(layout.duty_station) if layout else None
    if station is None:
        return
    cities = [town for one in records if (town := city_named(clean(seat_city(one))))]
    here = sum(city == station for city in cities)
    beside = sum(_around(one, town_lines(one)) for one in records)
    for one in records:
        one.of_station = here > 0 and 2 * (here + beside) >= len(cities) + beside


def standing(record: Record) -> Standing:
    """What the row says, after its parts are put together; where it says nothing, the duty station of its list."""
    city = clean(seat_city(record))
    town = city_named(city)
    if town:
        return Standing(city, town.country, city)
    lines = [clean(line) for line in town_lines(record)]
    station = record.layout.duty_station if record.layout else ""
    if not station or not (record.of_station or _around(record, lines)):
        return Standing()
    return _elsewhere(record, lines, station) or _at_station(lines, station)


def _around(record: Record, lines: Sequence[str]) -> bool:
    return record.layout is not None and any(_bare(line) in record.layout.around for line in lines)


def _elsewhere(record: Record, lines: Sequence[str], station: str) -> Standing | None:
    """Another state's capital in the address, or another state in the column of the seat or the address's country."""
    here = city_named(station)
    capital = next(((code, line) for line in lines if (code := _capitals().get(_bare(line)))), None)
    if capital and here and capital[0] != here.country:
        return Standing("", *capital)
    told = [clean(record.stated[name].text) for name in ("seat", "country") if name in record.stated]
    other = next(((code, text) for text in told if (code := region_named(text))), None)
    return Standing("", *other) if other and here and other[0] != here.country else None


def _at_station(lines: Sequence[str], station: str) -> Standing:
    here = city_named(station)
    return Standing(station, here.country if here else "", next(filter(None, lines), station))


def _bare(line: str) -> str:
    """A line without its postcode."""
    return " ".join(word for word in fold(line).split() if not any(letter.isdigit() for letter in word))


@cache
def _capitals() -> dict[str, str]:
    """Folded English names of capitals, as the table of states has them, and the state of each."""
    return {fold(one.capital): one.code for one in states.states()}
