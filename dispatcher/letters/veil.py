"""Carries data unread through Jinja and Markdown. A veiled value is a run of private-use letters, one for each byte.

To the Markdown parser it is a word without any mark; to a template it is text that was already put out. So nothing in a
name can become emphasis, a link, a list or an expression. Data and templates are cleaned of private-use characters
first, so that none can be forged from outside.
"""

from __future__ import annotations

import re
from typing import Self

from .typography import clean

_BASE = 0xE100
_RUN = re.compile("[\ue100-\ue1ff]+")
#: Stand for a value that was printed and is not there; `fill` finds them and says on which line.
EMPTY, ABSENT = "\ue001", "\ue002"
#: Stands between a blank field's owner and its name; neither can hold it.
_APART = "|"
#: A blank field that was printed, and its name.
_NAMED = re.compile(f"{EMPTY}([\ue100-\ue1ff]+)")
LEFTOVER = re.compile("[\ue000-\uf8ff]")


class Blank(str):  # noqa: SLOT000 - it carries two attributes, and mypy would lose them to slots
    """An empty field: false, and '' to whoever compares it; if it is printed all the same, it says whose it was."""

    owner: str  #: the contact's id
    name: str  #: the field's

    def __new__(cls, owner: str, name: str) -> Self:
        made = super().__new__(cls, "")
        made.owner, made.name = owner, name
        return made


def veil(value: object) -> str:
    """What `{{ value }}` puts out."""
    if isinstance(value, Blank):
        return EMPTY + veil(f"{value.owner}{_APART}{value.name}")
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return ABSENT
    text = clean(str(value))
    return "".join(chr(_BASE + byte) for byte in text.encode()) or EMPTY


def blanks(text: str) -> list[tuple[str, str]]:
    """(owner, name) of the blank fields that were printed into this text."""
    pairs = (unveil(run).partition(_APART) for run in _NAMED.findall(text))
    return [(owner, name) for owner, _, name in pairs]


def unveil(text: str) -> str:
    """The text with every veiled value in its own letters. Raises UnicodeDecodeError for a run that was cut."""
    return _RUN.sub(lambda run: bytes(ord(char) - _BASE for char in run.group()).decode(), text)
