"""Which characters no word of ours may hold, whoever wrote it: one list for the door, the letter and the header.

What stands on this list cannot be shown as it was written. It is refused with its place; nothing is taken out in
silence, because a name that was altered unseen is a wrong name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

#: They reorder what follows them on screen and paper, so that a reader sees another text than was stored.
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: Persian and several Indic scripts are misspelt without these two; behind a Latin letter they only hide.
JOINERS = frozenset("\u200c\u200d")
_JOINED: tuple[str, ...] = (
    *("ARABIC", "SYRIAC", "DEVANAGARI", "BENGALI", "GUJARATI", "GURMUKHI", "ORIYA", "TAMIL", "TELUGU", "KANNADA"),
    *("MALAYALAM", "SINHALA", "MYANMAR", "KHMER", "MONGOLIAN"),
)
#: Nobody sees them although they count as letters or marks (Unicode 15.1, Default_Ignorable_Code_Point).
_IGNORED = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
#: More marks than this on one letter hide the lines above it. Arabic and Vietnamese stack three. The standard's own
#: bound, 30, keeps programs safe and not readers (Unicode Annex 15, Stream-Safe Text Format).
MAX_MARKS = 6
#: What an offence is, and the way out of it.
WHAT = {
    "E_CTRL": "control character",
    "E_BIDI": "direction control",
    "E_INVISIBLE": "invisible character",
    "E_CHARACTER": "private or unassigned character",
    "E_MARKS": f"more than {MAX_MARKS} marks on one letter, with",
}
WAY_OUT = {
    "E_CTRL": "Delete it (often a line break or a tab inside the cell); one line each",
    "E_BIDI": "Delete it: it makes the text look different from what it is",
    "E_INVISIBLE": "Delete it: nobody can see it, and it comes along with copied text",
    "E_CHARACTER": "Delete it: it means something else, or nothing, on every other machine",
    "E_MARKS": "Delete the marks: they cover the lines around them",
}


@dataclass(frozen=True, slots=True)
class Offence:
    """A character that may not stand where it stands."""

    code: str
    character: str
    position: int  #: counted from 1

    def __str__(self) -> str:
        return f"{WHAT[self.code]} U+{ord(self.character):04X} at {self.position}"

    @property
    def way_out(self) -> str:
        return WAY_OUT[self.code]


def offences(text: str) -> Iterator[Offence]:
    """The first offender of each kind; a thousand of them are one mistake."""
    if text.isascii() and text.isprintable():  # true of most values, and twenty times faster than each character
        return
    seen: set[str] = set()
    marks, before = 0, ""
    for position, character in enumerate(text, start=1):
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        code = "E_MARKS" if marks > MAX_MARKS else _code(character, category, before)
        if code and code not in seen:
            seen.add(code)
            yield Offence(code, character, position)
        before = character


def offence(text: str) -> Offence | None:
    """The first offender; None where the text may stand anywhere."""
    return next(offences(text), None)


def _code(character: str, category: str, before: str) -> str:
    if character in BIDI_CONTROLS:
        return "E_BIDI"
    if category in ("Cc", "Zl", "Zp", "Cs"):
        return "E_CTRL"
    if category in ("Co", "Cn"):
        return "E_CHARACTER"
    if character in JOINERS:
        return "" if before and unicodedata.name(before, "").startswith(_JOINED) else "E_INVISIBLE"
    hidden = category == "Cf" or character in _IGNORED or 0xFE00 <= ord(character) <= 0xFE0F
    return "E_INVISIBLE" if hidden or 0xE0100 <= ord(character) <= 0xE01EF else ""
