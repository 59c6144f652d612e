"""The words of an HTML part, in lines as a reader sees them; no more than that.

By patterns that take time in proportion to the text: the standard library's parser takes the square of it for tags that
are never closed, and nothing here is ever shown as markup.
"""

from __future__ import annotations

import re
from html import unescape

from .limits import MAX_TEXT

#: Elements that begin a line of their own.
_BLOCK = (
    "address|blockquote|body|br|center|dd|div|dl|dt|h[1-6]|hr|html|li|ol|p|pre|table|tbody|td|th|tr|ul"  # HTML 4 and 5
)
#: One that is never closed goes to the end, as a browser has it; so nothing is looked for twice.
_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_LINE = re.compile(rf"</?(?:{_BLOCK})\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")
_SPACES = re.compile(r"[ \t\r\n\f\v\u00a0]+")


def text_of(markup: str) -> str:
    """What a reader sees: a line for each block, no more than one empty line between two."""
    markup = _UNSEEN.sub(" ", markup[: 2 * MAX_TEXT])
    plain = _TAG.sub("", _LINE.sub("\u2028", _SPACES.sub(" ", markup)))
    lines: list[str] = []
    for line in unescape(plain).split("\u2028"):
        tidy = _SPACES.sub(" ", line).strip()
        if tidy or (lines and lines[-1]):
            lines.append(tidy)
    return "\n".join(lines)
