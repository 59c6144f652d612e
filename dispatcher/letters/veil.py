"""Carries data unread through Jinja and Markdown. A veiled value is a run of private-use letters, one for each byte.

To the Markdown parser it is a word without any mark; to a template it is text that was already put out. So nothing in a
name can become emphasis, a link, a list or an expression. Data and templates are cleaned of private-use characters
first, so that none can be forged from outside.
"""

from __future__ import annotations

import re

from .typography import clean

_BASE = 0xE100
_RUN = re.compile("[\ue100-\ue1ff]+")
#: Stand for a value that was printed and is not there; `fill` finds them and says on which line.
EMPTY, ABSENT = "\ue001", "\ue002"
LEFTOVER = re.compile("[\ue000-\uf8ff]")


def veil(value: object) -> str:
    """What `{{ value }}` puts out."""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return ABSENT
    text = clean(str(value))
    return "".join(chr(_BASE + byte) for byte in text.encode()) or EMPTY


def unveil(text: str) -> str:
    """The text with every veiled value in its own letters. Raises UnicodeDecodeError for a run that was cut."""
    return _RUN.sub(lambda run: bytes(ord(char) - _BASE for char in run.group()).decode(), text)
