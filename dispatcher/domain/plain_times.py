"""Times as people say them, in the office's own zone: '2026-12-01 09:00', '1.12.2026', 'monday', '3 days', '14:30'.

`until` reads a time to come, `since` one that has passed. What is not understood is refused with examples.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .errors import Problem, UserError

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EXAMPLES = "Say it as '2026-12-01 09:00', '1.12.2026', 'tomorrow', 'monday 14:00', '3 days' or '2 hours'."
#: When an office begins, for a day without an hour.
_MORNING = time(9)
#: Further ahead than this it is a slip of the pen.
_FURTHEST = timedelta(days=5 * 366)

#: Others are slips of the pen too, and some of them have no UTC.
_YEARS = range(1970, 2200)

_SPAN = re.compile(r"(\d{1,4}|an?|one)\s*(minute|min|hour|h|day|d|week|w|month)s?")
_CLOCK = re.compile(r"(?:at\s+)?(\d{1,2})[:.h](\d{2})")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SHORT = {"min": "minute", "h": "hour", "d": "day", "w": "week"}


@dataclass(frozen=True, slots=True)
class _Sense:
    """Which way a word without a date points."""

    forward: bool
    at: time  #: of a day without an hour

    @property
    def sign(self) -> int:
        return 1 if self.forward else -1


_UNTIL = _Sense(forward=True, at=_MORNING)
_SINCE = _Sense(forward=False, at=time(0))


def until(text: str, now: datetime, zone: str) -> datetime:
    """A time to come, in UTC. A day without an hour is nine in the morning. Raises UserError (E_UNTIL)."""
    found = _read(text, now, zone, _UNTIL)
    if found is None:
        raise _problem("--until", text, "is not understood")
    if found <= now:
        raise _problem("--until", text, "has passed")
    if found - now > _FURTHEST:
        raise _problem("--until", text, "is years from now")
    return found


def since(text: str, now: datetime, zone: str) -> datetime:
    """A time that has passed, in UTC; a day without an hour is its beginning. Raises UserError (E_SINCE)."""
    found = _read(text, now, zone, _SINCE)
    if found is None:
        raise _problem("--since", text, "is not understood")
    if found > now:
        raise _problem("--since", text, "is still to come")
    return found


def _problem(place: str, text: str, what: str) -> UserError:
    return UserError(Problem(place, f"'{text}' {what}", _EXAMPLES, f"E_{place.removeprefix('--').upper()}"))


def _read(text: str, now: datetime, zone: str, sense: _Sense) -> datetime | None:
    words, local = " ".join(text.lower().split()), now.astimezone(ZoneInfo(zone))
    readers: tuple[Callable[[str, datetime, _Sense], datetime | None], ...] = (_span, _clock, _day)
    for reader in readers:
        found = reader(words, local, sense)
        if found is not None:
            return found.astimezone(UTC)
    return None


def _span(words: str, local: datetime, sense: _Sense) -> datetime | None:
    """'3 days': the same local time three days on; '2 hours': so much later, whatever the clocks do."""
    match = _SPAN.fullmatch(words.removeprefix("in ").removesuffix(" ago"))
    if match is None:
        return None
    number = sense.sign * (int(match[1]) if match[1].isdigit() else 1)
    unit = _SHORT.get(match[2], match[2])
    if unit in ("minute", "hour"):
        return local.astimezone(UTC) + timedelta(**{f"{unit}s": number})
    if unit == "month":
        return _months(local, number)
    return local + timedelta(days=number * (7 if unit == "week" else 1))


def _months(local: datetime, number: int) -> datetime:
    """The same day so many months on; the last of a month that is too short for it."""
    months = local.year * 12 + local.month - 1 + number
    first = date(months // 12, months % 12 + 1, 1)
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return datetime.combine(first.replace(day=min(local.day, last.day)), local.time(), local.tzinfo)


def _clock(words: str, local: datetime, sense: _Sense) -> datetime | None:
    """'14:30': the next, or the last, time that a clock shows that."""
    at = _time(words)
    if at is None:
        return None
    today = datetime.combine(local.date(), at, local.tzinfo)
    passed = today <= local if sense.forward else today > local
    return datetime.combine(local.date() + timedelta(days=sense.sign), at, local.tzinfo) if passed else today


def _time(words: str) -> time | None:
    match = _CLOCK.fullmatch(words)
    return time(int(match[1]), int(match[2])) if match and int(match[1]) < 24 and int(match[2]) < 60 else None


def _day(words: str, local: datetime, sense: _Sense) -> datetime | None:
    """A day, and perhaps an hour after it: 'monday', '2026-12-01 09:00', '1.12.2026 at 9:00', '2026-12-01t09:00'."""
    name, _, rest = re.sub(r"(?<=\d)t(?=\d)", " ", words).partition(" ")
    at, day = _time(rest) if rest else sense.at, _date(name, local, sense)
    return datetime.combine(day, at, local.tzinfo) if day is not None and at is not None else None


def _date(name: str, local: datetime, sense: _Sense) -> date | None:
    today = local.date()
    if name in ("today", "tomorrow", "yesterday"):
        return today + timedelta(days=("yesterday", "today", "tomorrow").index(name) - 1)
    if name in _WEEKDAYS:
        ahead = (_WEEKDAYS.index(name) - today.weekday()) % 7
        return today + timedelta(days=(ahead or 7) if sense.forward else (ahead - 7 if ahead else 0))
    if match := _ISO.fullmatch(name):
        return _made(match[1], match[2], match[3])
    if match := _DOTTED.fullmatch(name):
        return _made(match[3], match[2], match[1])
    return None


def _made(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if found.year in _YEARS else None
