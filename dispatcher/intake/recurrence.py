"""The [when] of a campaign that happens again: the rule of RFC 5545, and its end, become a list of local times.

It alone reads a rule. The list is what is approved: nothing is computed from the rule afterwards.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from itertools import islice

from dateutil.rrule import rrulestr

from dispatcher.domain.model import When

from .findings import clip
from .sheet import Sheet
from .timing import NO_TIME, check_exists

#: More letters to one office than this are no campaign.
MOST = 60
_WAY_OUT = 'Write a rule of RFC 5545, as in repeat = "FREQ=MONTHLY;BYDAY=1MO", and until or count'
#: By the clock on the wall, whole days apart: the time is that of `at`, the end is said beside the rule.
_PART = "(BYDAY|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYMONTH|BYSETPOS|WKST)=[A-Z0-9,+-]{1,60}|INTERVAL=[1-9][0-9]{0,2}"
_DAILY = "BYDAY=[A-Z,]{1,60}|INTERVAL=[1-9][0-9]{0,2}"  # with days of the month it might be sought for long
_RULE = re.compile(rf"FREQ=DAILY(;({_DAILY})){{0,2}}|FREQ=(WEEKLY|MONTHLY|YEARLY)(;({_PART})){{0,8}}")
#: No campaign goes on for longer.
_YEARS = 10


def read_repeats(sheet: Sheet, when: When, whole: Sheet) -> tuple[datetime, ...]:
    """The local times after the first one, in order; () for a campaign that happens once. `whole` is the file."""
    if not sheet.has("repeat"):
        for key in ("until", "count"):
            if sheet.has(key):
                sheet.fault("E_REPEAT", f"when.{key}: there is no repeat that it could end", _WAY_OUT, key)
        return ()
    text = sheet.text("repeat", _WAY_OUT).upper()
    until, count = _until(sheet), sheet.whole("count", MOST, least=2, most=MOST)
    if not (sheet.has("until") or sheet.has("count")):
        sheet.fault("E_REPEAT", "when.repeat: it has no end", _WAY_OUT, "repeat")
    if whole.has("letter_date"):
        cause = "letter_date: each letter of a campaign that repeats has the date on which it leaves"
        whole.fault("E_REPEAT", cause, "Take the line out", "letter_date")
    if when.local is NO_TIME or not when.zone:
        return ()  # told already
    times = _times(sheet, text, when.local)
    kept = [one for one in islice(times, MOST + 1) if one.date() <= until][: count if sheet.has("count") else None]
    _check(sheet, kept, when.local, known=bool(times))
    for local in kept[1:]:
        check_exists(When(local, when.zone), sheet, "repeat")
    return tuple(kept[1:])


def _times(sheet: Sheet, text: str, first: datetime) -> list[datetime]:
    """The first few times of the rule; none, and the problem, where it is no rule."""
    if not text:
        return []
    end = f";UNTIL={first.year + _YEARS}1231T235959"
    try:
        if _RULE.fullmatch(text) and (times := list(islice(rrulestr(text + end, dtstart=first), MOST + 1))):
            return times
    except ValueError:
        pass  # a part has a value that it cannot have
    sheet.fault("E_REPEAT", f"when.repeat: {clip(text)} is not a rule that can be kept", _WAY_OUT, "repeat")
    return []


def _until(sheet: Sheet) -> date:
    way_out = "Give the last day, without quotation marks, as in until = 2027-12-31"
    if not sheet.has("until") or not sheet.of_type("until", date, way_out):
        return date.max
    value: date = sheet.values["until"]
    return value


def _check(sheet: Sheet, kept: list[datetime], first: datetime, *, known: bool) -> None:
    if not known:
        return
    if not kept or kept[0] != first:
        cause = f"when.at: {first:%A, %d %B %Y} is not a day of the rule in when.repeat"
        sheet.fault("E_REPEAT", cause, "Give the first time of the rule as `at`", "at")
    elif len(kept) > MOST:
        cause = f"when.repeat: more than {MOST} times until the end"
        sheet.fault("E_REPEAT", cause, "Give an earlier until, or a count", "repeat")
    elif sheet.has("count") and not sheet.has("until") and len(kept) < sheet.values["count"]:
        cause = f"when.count: only {len(kept)} of these times are within {_YEARS} years"
        sheet.fault("E_REPEAT", cause, "Give a smaller count, or an until", "count")
    elif len(kept) < 2:
        sheet.fault("E_REPEAT", "when.repeat: it ends before it repeats", "Give a later until", "repeat")
