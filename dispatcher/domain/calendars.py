"""Which days an office is closed on, and why: its weekend, holidays and national days, as one frozen value.

It alone says whether a day is a working day. Which days an office keeps is found out elsewhere (`intake.almanac`),
once, before a campaign is approved; the value is frozen with the plan, so that years later the same days count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from .audit import canonical

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Weekend:
    """Which days of the week are free, from a day on."""

    days: tuple[int, ...]  #: as date.weekday() counts: 5 is Saturday
    since: str = ""  #: the first day on which that is so, ISO 8601; '': always


SATURDAY_SUNDAY = Weekend((5, 6))


@dataclass(frozen=True, slots=True)
class Calendar:
    """The closed days of one office. Everything in it is JSON, for it is frozen by its digest."""

    place: str = ""  #: whose weekend it is, as in 'Jordan'; '' where nobody knows
    weekends: tuple[Weekend, ...] = (SATURDAY_SUNDAY,)  #: the oldest first
    closed: Mapping[str, str] = field(default_factory=dict)  #: '2026-09-10' → 'public holiday: Genevan Fast'
    yearly: Mapping[str, str] = field(default_factory=dict)  #: '05-17' → 'national day of Norway'
    opened: tuple[str, ...] = ()  #: working days after all, whatever else is said: '2027-02-20'
    known_until: str = ""  #: the last day for which `closed` was known, ISO 8601; '': none was looked up

    def reason(self, day: date) -> str:
        """Why the office is closed on that day, in a few words: 'national day of Norway'; '' where it is open."""
        key = day.isoformat()
        if key in self.opened:
            return ""
        reasons = [WEEKDAYS[day.weekday()]] if self.is_weekend(day) else []
        reasons += [found for found in (self.yearly.get(key[5:]), self.closed.get(key)) if found]
        return "; ".join(reasons)

    def told(self, day: date) -> str:
        """The same as a sentence: 'Friday is a weekend day in Jordan'; '' where it is open."""
        reason = self.reason(day)
        if reason == WEEKDAYS[day.weekday()]:
            return f"{reason} is a weekend day" + (f" in {self.place}" if self.place else "")
        return f"{WEEKDAYS[day.weekday()]} {day.day} {day:%B} is closed ({reason})" if reason else ""

    def is_weekend(self, day: date) -> bool:
        return day.weekday() in self._weekend(day)

    def is_open(self, day: date) -> bool:
        return not self.reason(day)

    def next_open(self, day: date) -> date:
        """The first working day that is not before `day`."""
        while not self.is_open(day):
            day += timedelta(days=1)
        return day

    def closed_days(self, first: date, last: date) -> Iterator[tuple[date, str]]:
        """Every closed day from `first` to `last` that is not merely a weekend, with its reason."""
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            if (reason := self.reason(day)) and reason != WEEKDAYS[day.weekday()]:
                yield day, reason

    def _weekend(self, day: date) -> tuple[int, ...]:
        key = day.isoformat()
        return next((one.days for one in reversed(self.weekends) if one.since <= key), self.weekends[0].days)

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """Names the calendar: sha256 of its record."""
        return hashlib.sha256(canonical(self.record()).encode()).hexdigest()


def calendar_from(record: Mapping[str, Any]) -> Calendar:
    """The calendar of that record."""
    weekends = tuple(Weekend(tuple(one["days"]), one["since"]) for one in record["weekends"])
    return Calendar(**{**record, "weekends": weekends, "opened": tuple(record["opened"])})


#: Saturday and Sunday are free, and no other day: for an office about which nothing is known.
PLAIN = Calendar()
#: Every day is a working day.
EVERY_DAY = Calendar(weekends=(Weekend(()),))
