"""One line of text from a person: finds what must never reach a header, a page or a terminal. It changes no meaning."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from .findings import Findings

#: The longest cell or value we take, in characters; real names of offices stay far below it.
LONGEST = 300

#: They reorder what follows them on screen and paper, so that a reader sees another text than was stored.
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: Persian and several Indic scripts are misspelt without these two.
JOINERS = frozenset("\u200c\u200d")


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a value: its file and line, and the name of its column or key."""

    place: str
    name: str


def clean(text: str) -> str:
    """The text without spaces around it, in Unicode form NFC, which every font and header can carry."""
    return unicodedata.normalize("NFC", text.strip(" \u00a0"))


def check_line(text: str, where: Where, findings: Findings) -> bool:
    """True when the text may stand on one line anywhere; else every reason is noted.

    RFC 2047 section 2 is why '=?' is refused: a mail reader would decode it into something nobody has seen.
    """
    before = len(findings.problems)
    _check_characters(text, where, findings)
    if "=?" in text:
        findings.fault(
            where.place,
            "E_ENCODED_WORD",
            f"{where.name}: '=?' begins an encoded word",
            "Write it as plain text in UTF-8",
        )
    if len(text) > LONGEST:
        findings.fault(
            where.place, "E_TEXT_LONG", f"{where.name}: {len(text)} characters; the limit is {LONGEST}", "Shorten it"
        )
    return len(findings.problems) == before


def _check_characters(text: str, where: Where, findings: Findings) -> None:
    """Names the first offender of each kind; a thousand of them are one mistake."""
    if text.isprintable():  # true of nearly every value, and twenty times faster than looking at each character
        return
    seen: set[str] = set()
    for position, character in enumerate(text, start=1):
        code = _offence(character)
        if code and code not in seen:
            seen.add(code)
            cause = f"{where.name}: {_WHAT[code]} U+{ord(character):04X} at {position}"
            findings.fault(where.place, code, cause, _WAY_OUT[code])


def _offence(character: str) -> str:
    if character in BIDI_CONTROLS:
        return "E_BIDI"
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp", "Cs"):
        return "E_CTRL"
    return "E_INVISIBLE" if category == "Cf" and character not in JOINERS else ""


_WHAT = {"E_CTRL": "control character", "E_BIDI": "direction control", "E_INVISIBLE": "invisible character"}
_WAY_OUT = {
    "E_CTRL": "Delete it (often a line break or a tab inside the cell); one line each",
    "E_BIDI": "Delete it: it makes the text look different from what it is",
    "E_INVISIBLE": "Delete it: nobody can see it, and it comes along with copied text",
}
