"""Everything that depends on the language of a letter, one row a language. A new language is a new row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Language:
    """The conventions of letters in one language."""

    tag: str  #: BCP 47 primary tag
    direction: str  #: 'ltr' or 'rtl'
    months: tuple[str, ...]
    date: str  #: with {day}, {month}, {year}
    date_line: str  #: with {place}, {date}
    re_label: str
    copy_label: str
    quotes: str  #: outer pair, inner pair
    bound: tuple[str, ...]  #: titles that may not stand at the end of a line


LANGUAGES: Mapping[str, Language] = {
    "en": Language(
        tag="en",
        direction="ltr",
        months=(
            *("January", "February", "March", "April", "May", "June"),
            *("July", "August", "September", "October", "November", "December"),
        ),
        date="{day} {month} {year}",
        date_line="{place}, {date}",
        re_label="Re:",
        copy_label="cc.",
        quotes="“”‘’",
        bound=("H.E.", "H.M.", "H.R.H.", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "St.", "No.", "Art."),
    ),
}


def written(day: date, language: Language) -> str:
    """The date as a letter writes it: '1 October 2015'."""
    return language.date.format(day=day.day, month=language.months[day.month - 1], year=day.year)
