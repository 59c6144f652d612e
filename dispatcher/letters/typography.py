"""The typographic pass that all words go through before any writer sees them. Adds and removes no word."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from .languages import Language

NBSP = "\N{NO-BREAK SPACE}"
_NARROW = "\N{NARROW NO-BREAK SPACE}"
#: Characters that turn text about, or that nobody sees: bidi controls, byte order mark, soft hyphen, and the like.
_UNSEEN = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad\u2060\u200b")
#: Controls, private use, unassigned, surrogates: no font has them and no letter needs them.
_REFUSED = frozenset(("Cc", "Co", "Cn", "Cs"))
_SPACES = re.compile(r"[ \t]+")
_INNER_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")


def clean(text: str) -> str:
    """Composed (NFC), on one line, without controls, bidi controls, private-use and unassigned characters."""
    if text.isprintable():  # then it holds nothing that is left out below, and no space but the ordinary one
        return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    spaced = "".join(" " if char in "\n\r\t\v\f\u0085\u2028\u2029" else char for char in text)
    kept = "".join(char for char in spaced if char not in _UNSEEN and unicodedata.category(char) not in _REFUSED)
    return _SPACES.sub(" ", unicodedata.normalize("NFC", kept)).strip()


def polish(text: str, language: Language) -> str:
    """Raises apostrophes within words, binds titles to names, days to months, months to years; the language's rules."""
    return _bind(_INNER_APOSTROPHE.sub("’", text), language)


def finish(text: str, language: Language) -> str:
    """`clean`, then `polish`: for one line of data, such as a name."""
    return polish(clean(text), language)


def unbound(text: str) -> str:
    """With ordinary spaces, for subject lines and plain text."""
    return text.replace(NBSP, " ").replace(_NARROW, " ")


def _bind(text: str, language: Language) -> str:
    for pattern in _bindings(language):
        text = pattern.sub(lambda found: found.group(1) + NBSP, text)
    for pattern, instead in _rules(language):
        text = pattern.sub(instead, text)
    return text


@lru_cache
def _bindings(language: Language) -> tuple[re.Pattern[str], ...]:
    titles = "|".join(map(re.escape, language.bound)) or "(?!)"
    months = "|".join(map(re.escape, language.months))
    return (
        re.compile(rf"(?<!\w)({titles}) (?=\S)"),
        re.compile(rf"(?<!\d)(\d{{1,2}}) (?=(?:{months})\b)"),
        re.compile(rf"\b({months}) (?=\d{{4}}\b)"),
    )


@lru_cache
def _rules(language: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), instead) for pattern, instead in language.rules)


def direction(text: str, otherwise: str = "ltr") -> str:
    """'rtl' or 'ltr', by the first letter that has a direction (Unicode Annex 9, rules P2 and P3)."""
    kinds = (unicodedata.bidirectional(char) for char in text)
    first = next((kind for kind in kinds if kind in ("L", "R", "AL")), "")
    return ("ltr" if first == "L" else "rtl") if first else otherwise
