"""The day on which somebody who is away is back, read out of an automatic reply; none where it is not certain."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("dates.toml")
#: Characters before and after a day in which a word says what it is.
_BEFORE, _AFTER = 48, 16
#: What is looked through: people say it at once.
_SEARCHED = 3000
#: Days in which an absence that is told without its year, or with its month and day in either order, ends.
_SOON = 200
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹０１２３４５６７８９", "0123456789" * 3)
_ISO = re.compile(r"(?<!\d)(20\d\d)[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_CJK = re.compile(r"(?:(20\d\d)\s*[年년]\s*)?(?<!\d)(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日号號일]")
_NUMBERS = re.compile(r"(?<![\d.:/])(\d{1,2})([./-])\s?(\d{1,2})(?:\2\s?(20\d\d|\d\d)|\.)?(?![\d:/])")


@dataclass(frozen=True, slots=True)
class _Found:
    day: date
    start: int
    end: int


def return_day(text: str, written: date | None, *, month_first: bool = False) -> date | None:
    """The stated day of return, or the last day away where only that is told; None where the text states neither.

    `written`: the day of the message, by which a day without its year is understood. `month_first`: the writer is one
    of those who put the month first; else 3/4 is 3 April where both could be.
    """
    text = text[:_SEARCHED].translate(_DIGITS).lower()
    days = sorted(_days(text, written, month_first=month_first), key=lambda one: one.start)
    back = [one for one in days if _says(text, one, "back")]
    until = [one for one in days if one not in back and _says(text, one, "until")]
    chosen = back or until
    return max(one.day for one in chosen) if chosen else None


def _says(text: str, one: _Found, table: str) -> bool:
    before, after = _words(table)
    return bool(
        before.search(text[max(one.start - _BEFORE, 0) : one.start]) or after.match(text[one.end : one.end + _AFTER])
    )


# -- days --------------------------------------------------------------------------------------------------------------


def _days(text: str, written: date | None, *, month_first: bool) -> Iterator[_Found]:
    taken: list[tuple[int, int]] = []
    for found, day in _candidates(text, written, month_first=month_first):
        if not any(found.start() < end and start < found.end() for start, end in taken):
            taken.append(found.span())
            if day is not None:
                yield _Found(day, *found.span())
    if written is not None and not taken:
        yield from _weekdays(text, written)


def _candidates(text: str, written: date | None, *, month_first: bool) -> Iterator[tuple[re.Match[str], date | None]]:
    """Every date in the text, the surest forms first; None where it is no day of any year."""
    for found in _ISO.finditer(text):
        yield found, _day(found[1], found[2], found[3], written)
    for found in _CJK.finditer(text):
        yield found, _day(found[1], found[2], found[3], written)
    named, named_first = _month_patterns()
    for found in named.finditer(text):
        yield found, _day(found[3], str(_month(found[2])), found[1], written)
    for found in named_first.finditer(text):
        yield found, _day(found[3], str(_month(found[1])), found[2], written)
    for found in _NUMBERS.finditer(text):
        yield found, _numbers(found, written, month_first=month_first)


def _numbers(found: re.Match[str], written: date | None, *, month_first: bool) -> date | None:
    """12.01.2027 is 12 January; 3/4/2027 is what lies nearer ahead, or what the writer's custom says."""
    first, mark, second, year = found.groups()
    year = f"20{year}" if year and len(year) == 2 else year
    if mark == "-" and not year:
        return None  # a range of numbers, or a telephone
    by_day, by_month = _day(year, second, first, written), _day(year, first, second, written)
    if mark != "/" or by_month is None or by_day == by_month:
        return by_day
    if by_day is None or month_first:
        return by_month
    soon = [one for one in (by_day, by_month) if written and 0 <= (one - written).days <= _SOON / 2]
    return soon[0] if len(soon) == 1 else by_day


def _day(year: str | None, month: str, day: str, written: date | None) -> date | None:
    try:
        if year:
            return date(int(year), int(month), int(day))
        if written is None:
            return None
        near = date(written.year, int(month), int(day))
        return near if near >= written - timedelta(days=30) else near.replace(year=written.year + 1)
    except ValueError:
        return None


def _weekdays(text: str, written: date) -> Iterator[_Found]:
    """'back on Monday': the next one after the day of the message."""
    for found in _weekday_pattern().finditer(text):
        number = next(int(key) for key, names in _table()["weekdays"].items() if found[0] in names)
        yield _Found(written + timedelta(days=(number - written.weekday() - 1) % 7 + 1), *found.span())


# -- words -------------------------------------------------------------------------------------------------------------


@cache
def _words(table: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    row = _table()[table]
    # The word itself, and at most a few small ones and a weekday between it and the day.
    return re.compile(rf"(?<!\w)(?:{row['before']})(?![.!?])[^.!?;\n]{{0,40}}$"), re.compile(rf"\s*(?:{row['after']})")


@cache
def _month_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    names = "|".join(sorted((re.escape(one) for one in _months()), key=len, reverse=True))
    between = r"(?:\s+|\.\s*|-|/|\s+(?:de|of|d'|של)\s+|\s*)"
    year = r"(?:,?\s*(?:de\s+|del\s+|of\s+)?(20\d\d)(?!\d))?"
    day = r"(\d{1,2})(?:st|nd|rd|th|er|º|ª|°|:e|\.)?"
    return (
        re.compile(rf"(?<!\d){day}{between}({names})\.?(?!\w){year}"),
        re.compile(rf"(?<!\w)({names})\.?\s+{day}(?![\d:]){year}"),
    )


@cache
def _weekday_pattern() -> re.Pattern[str]:
    names = (re.escape(one) for row in _table()["weekdays"].values() for one in row)
    return re.compile("|".join(sorted(names, key=len, reverse=True)))


@cache
def _months() -> dict[str, int]:
    return {name: int(number) for number, names in _table()["months"].items() for name in names}


def _month(name: str) -> int:
    return _months()[name]


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text("utf-8"))
