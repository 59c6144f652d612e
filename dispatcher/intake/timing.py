"""The [when] of a campaign file: the local time and its zone, the hours, the date on the letter.

A local time that a clock skips in spring is moved forward by as much as the clock is (RFC 5545 section 3.3.5: 02:30
becomes 03:30); of a time that comes twice in autumn, the first is meant. Both are told as warnings.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from dispatcher.domain.model import Hours, When
from dispatcher.domain.words import Days

from .contacts import time_zones
from .findings import clip, did_you_mean
from .sheet import Sheet, choose

#: Stands in where the file has none that can be used; no campaign is ever made of it.
NO_TIME = datetime.fromisoformat("2000-01-01T00:00")
YEARS = range(2000, 2101)
_AT = "Write it without quotation marks and without an offset, as in at = 2027-03-01T09:00:00"
_ZONE = 'Name the zone of the time in `at`, as in zone = "Europe/Zurich"'
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d) ?[-\u2013] ?([01]\d|2[0-3]):([0-5]\d)")


def read_when(sheet: Sheet) -> When:
    """The instant of the first letter, as a local time in a named zone."""
    when = When(_local(sheet), _zone(sheet))
    if when.local is not NO_TIME and when.zone:
        check_exists(when, sheet)
    return when


def read_hours(sheet: Sheet) -> Hours | None:
    """When letters may leave, in the recipient's own time; None where the file says nothing."""
    way_out = 'Write it as hours = "08:00-18:00"'
    text = sheet.text("hours", way_out, required=False)
    match = _HOURS.fullmatch(text)
    if not match:
        if text:
            sheet.fault("E_HOURS", f"when.hours: {clip(text)} is not a span of hours", way_out, "hours")
        elif sheet.has("days"):
            sheet.fault("E_HOURS", "when.days: there are no hours to go with it", f"{way_out}, beside it", "days")
        return None
    opens, closes = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    if opens >= closes:
        sheet.fault("E_HOURS", f"when.hours: {clip(text)} ends before it begins", way_out, "hours")
    return Hours(opens, closes, _days(sheet))


def _days(sheet: Sheet) -> Days:
    """On which days of the recipient's calendar letters may leave; working days where the file says nothing."""
    word = choose(sheet, "days", [one.value for one in Days]) if sheet.has("days") else ""
    return Days(word) if word else Days.WORKING


def read_letter_date(sheet: Sheet, when: When) -> date:
    """The date printed on the letter; by default the local day on which it leaves."""
    way_out = "Write it without quotation marks, as in letter_date = 2027-03-01"
    if sheet.has("letter_date") and sheet.of_type("letter_date", date, way_out):
        value: date = sheet.values["letter_date"]
        return value
    return when.local.date()


def _local(sheet: Sheet) -> datetime:
    if not sheet.require("at", _AT):
        return NO_TIME
    value = sheet.values["at"]
    if type(value) is not datetime:
        sheet.of_type("at", datetime, _AT)
        return NO_TIME
    if value.tzinfo is not None:
        cause = f"when.at: {value.isoformat()} has an offset, which is wrong for half of the year"
        sheet.fault("E_TIME_OFFSET", cause, f"{_AT}, and name the zone in when.zone", "at")
        return NO_TIME
    if value.year not in YEARS:
        cause = f"when.at: the year {value.year} cannot be meant"
        sheet.fault("E_TIME_RANGE", cause, f"Give a year from {YEARS[0]} to {YEARS[-1]}", "at")
        return NO_TIME
    return value


def _zone(sheet: Sheet) -> str:
    if not sheet.require("zone", _ZONE, "E_TIME_ZONE"):
        return ""
    zone = sheet.text("zone", _ZONE)
    if zone and zone not in time_zones():
        cause = f"when.zone: {clip(zone)} is not a known time zone"
        sheet.fault("E_ZONE", cause, did_you_mean(zone, time_zones(), _ZONE), "zone")
        return ""
    return zone


def check_exists(when: When, sheet: Sheet, key: str = "at") -> None:
    """Warns of a local time that does not exist, or comes twice; `key` is where it was said."""
    zone, local = ZoneInfo(when.zone), when.local
    meant = when.instant.astimezone(zone).replace(tzinfo=None)
    if meant != local:
        cause = f"when.{key}: {local:%H:%M} does not exist in {when.zone} on {local:%d %B %Y}: the clock skips it"
        way_out = f"The letters leave at {meant:%H:%M}; write that, or another time"
        sheet.findings.warn(sheet.place(key), "W_TIME_GAP", cause, way_out)
    elif local.replace(tzinfo=zone).utcoffset() != local.replace(tzinfo=zone, fold=1).utcoffset():
        cause = f"when.{key}: {local:%H:%M} comes twice in {when.zone} on {local:%d %B %Y}"
        way_out = f"The first is taken ({when.instant.astimezone(UTC):%H:%M} UTC); write another time where it matters"
        sheet.findings.warn(sheet.place(key), "W_TIME_FOLD", cause, way_out)
