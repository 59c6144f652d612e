"""One cell in, one value of the domain out, or the problem that says why not. Nothing is guessed from a name."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from zoneinfo import available_timezones

from dispatcher.domain.words import Form, Gender, Policy

from .findings import Findings, clip, did_you_mean
from .text import Where
from .words import code_of, fold, spelt

#: Primary tags (BCP 47) of the languages that letters are written in: the six of the United Nations, and German.
LANGUAGES = ("ar", "de", "en", "es", "fr", "ru", "zh")
LONGEST_ID = 64
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_WAY_OUT = f"Use small letters a-z, digits and single hyphens, at most {LONGEST_ID}, as in 'ardesia-geneva'"
LANGUAGE_WAY_OUT = f"Give one of: {', '.join(LANGUAGES)}"
ZONE_WAY_OUT = "Give the office's zone, as in 'Europe/Zurich'"
_DATE_WAY_OUT = "Write it as year-month-day, as in 2026-04-03"
_DAY_WAY_OUT = "Write month and day, as in 08-01 for the first of August; a space between two of them"
_GENDER_WAY_OUT = "Give f or m as the source states it, or leave the cell empty"
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00)?)?")
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})(?:\2(\d{4})|\.)?")
_WORDED = re.compile(
    r"(?:(\d{1,2})(?:er|st|nd|rd|th)?\.? (?:de )?)?([^\W\d_]+)\.?(?: (\d{1,2}))?(?:,? (?:de )?(\d{4}))?"
)
_LEAP = 2024


@cache
def time_zones() -> frozenset[str]:
    """The IANA names that stand for a place, and UTC. Old abbreviations such as 'EST' know no summer time."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def is_slug(text: str) -> bool:
    """Is this a plain name, as ids and tags are?"""
    return len(text) <= LONGEST_ID and bool(SLUG.fullmatch(text))


def read_zone(text: str, where: Where, findings: Findings) -> str:
    """An IANA name; the problem E_ZONE where it is none."""
    if text and text not in time_zones():
        way_out = did_you_mean(text, time_zones(), "Give an IANA name, as in 'Europe/Zurich'")
        findings.fault(where.place, "E_ZONE", f"{where.name}: {clip(text)} is not a known time zone", way_out)
    return text


def read_language(text: str, where: Where, findings: Findings) -> str:
    """The code of a language, by its code ('fr', 'fr-CH', 'fr_CH') or its name in a UN language; E_LANGUAGE."""
    code = code_of("languages", text) or code_of("languages", re.split(r"[-_]", text)[0])
    if text and not code:
        way_out = did_you_mean(text, spelt("languages"), LANGUAGE_WAY_OUT)
        findings.fault(where.place, "E_LANGUAGE", f"{where.name}: {clip(text)} is not known here", way_out)
    return code


def read_gender(text: str, where: Where, findings: Findings) -> Gender:
    """As a column states it; E_GENDER where the word is unknown."""
    code = code_of("genders", text) or code_of("honorifics", text)
    if text and not code:
        findings.fault(where.place, "E_GENDER", f"{where.name}: {clip(text)} states no gender", _GENDER_WAY_OUT)
    return Gender(code)


def gender_of_honorific(text: str) -> Gender:
    """What 'H.E. Ms.' or 'S.E. M.' states; NONE for every honorific that states nothing."""
    return Gender(code_of("honorifics", text))


def split_honorific(name: str) -> tuple[str, str]:
    """'S.E. M. Jean Dupont' as honorific and name; the honorific is '' where the name begins with none we know."""
    words = name.split(" ")
    for count in range(min(4, len(words) - 1), 0, -1):
        if gender_of_honorific(" ".join(words[:count])):
            return " ".join(words[:count]), " ".join(words[count:])
    return "", name


def read_form(text: str, where: Where, findings: Findings) -> Form:
    """The form of address that all of the text names; NONE and the note W_FORM where it names none."""
    code = form_of(text)
    if text and code is None:
        cause = f"{where.name}: {clip(text)} names no form of address that is known"
        known = ", ".join(form.value for form in Form if form)
        findings.warn(where.place, "W_FORM", cause, did_you_mean(text, spelt("forms"), f"Known: {known}"))
    return code or Form.NONE


def form_of(text: str) -> Form | None:
    """The form of address that an office's name asks for; None where the tables do not have all of it."""
    code = code_of("forms", text)
    return Form(code) if code else None


def read_policy(text: str, where: Where, findings: Findings) -> Policy | None:
    """The channel that an office prefers; E_PREFERS where the word is unknown."""
    code = code_of("policies", text)
    if text and not code:
        known = ", ".join(Policy)
        findings.fault(where.place, "E_PREFERS", f"{where.name}: {clip(text)} is no way to send", f"Give: {known}")
    return Policy(code) if code else None


def read_names(text: str, code: str, where: Where, findings: Findings) -> tuple[str, ...]:
    """Plain names with spaces between them: tags, or ids of other contacts."""
    names = tuple(dict.fromkeys(text.split()))
    for name in names:
        if not is_slug(name):
            findings.fault(where.place, code, f"{where.name}: {clip(name)} is not a plain name", SLUG_WAY_OUT)
    return names


def tags_of(text: str) -> str:
    """Groups as other programs write them ('* myContacts ::: Geneva missions') as plain names."""
    words = (re.sub(r"[^a-z0-9]+", "-", fold(part)).strip("-")[:LONGEST_ID] for part in re.split(r":::|[;,|]", text))
    return " ".join(word for word in words if word)


# -- dates -------------------------------------------------------------------------------------------------------------


def read_date(text: str, where: Where, findings: Findings) -> date | None:
    """A day; E_DATE where there is no such day, or where day and month could be exchanged."""
    if not text:
        return None
    day, why = _date(text)
    if day is None:
        findings.fault(where.place, "E_DATE", f"{where.name}: {clip(text)} {why}", _DATE_WAY_OUT)
    return day


def _date(text: str) -> tuple[date | None, str]:
    if match := _ISO.fullmatch(text):
        return _existing(int(match[1]), int(match[2]), int(match[3]))
    if (match := _NUMERIC.fullmatch(text)) and match[4]:
        return _numeric(int(match[1]), int(match[3]), match[2], int(match[4]))
    if (match := _WORDED.fullmatch(text)) and match[4]:
        return _worded(match, int(match[4]))
    return None, "is not a date"


def _numeric(first: int, second: int, between: str, year: int) -> tuple[date | None, str]:
    """Dots stand between day and month only; with slashes and hyphens half of the world begins with the month."""
    if between != "." and first != second and first <= 12 and second <= 12:
        return None, f"may be {date(year, second, first):%d %B} or {date(year, first, second):%d %B}"
    return _existing(year, first, second) if second > 12 and between != "." else _existing(year, second, first)


def _worded(match: re.Match[str], year: int) -> tuple[date | None, str]:
    month, day = code_of("months", match[2]), match[1] or match[3]
    if not month or not day or (match[1] and match[3]):
        return None, "is not a date"
    return _existing(year, int(month), int(day))


def _existing(year: int, month: int, day: int) -> tuple[date | None, str]:
    try:
        return date(year, month, day), ""
    except ValueError:
        return None, "is a day that does not exist"


def read_days(text: str, where: Where, findings: Findings) -> tuple[str, ...]:
    """Days of the year as 'MM-DD', from '08-01', '1 August', '1er août', or a date in a cell; E_DATE."""
    parts = text.split() if re.fullmatch(r"(?:\d{2}-\d{2} ?)+", text) else re.split(r" ?[;,] ?(?! ?\d{4})", text)
    days = []
    for part in filter(None, parts):
        day, why = _day(part)
        if day is None:
            findings.fault(where.place, "E_DATE", f"{where.name}: {clip(part)} {why}", _DAY_WAY_OUT)
        else:
            days.append(f"{day:%m-%d}")
    return tuple(dict.fromkeys(days))


def _day(text: str) -> tuple[date | None, str]:
    if match := re.fullmatch(r"(\d{2})-(\d{2})", text):
        return _existing(_LEAP, int(match[1]), int(match[2]))
    if (match := _NUMERIC.fullmatch(text)) and not match[4]:
        return _numeric(int(match[1]), int(match[3]), match[2], _LEAP)
    if (match := _WORDED.fullmatch(text)) and not match[4]:
        return _worded(match, _LEAP)
    return _date(text)
