"""The letter that a report is about, as far as it is returned with it: its heading, wherever that stands."""

from __future__ import annotations

import re

from .message import Fields, Mail, read_fields
from .signs import returned_at

_ENCLOSED = (
    "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers",
    "text/rfc822", "text/x-rfc822-headers", "application/rfc822", "message/partial",
)  # fmt: skip
_HEAD = re.compile(
    r"^[ \t>|]*(?:return-path|received|message-id|date|from|to|subject)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
_QUOTE = re.compile(r"^[ \t>|]+(?=[!-9;-~]{2,60}:)", re.MULTILINE)


def original_heading(mail: Mail) -> Fields:
    """The heading of the returned letter; without any field where none is returned."""
    for piece in mail.pieces:
        if piece.media in _ENCLOSED and ":" in piece.text:
            found = read_fields(piece.text)
            if found.pairs:
                return found
    return _in_text(mail.text)


def _in_text(text: str) -> Fields:
    rest = text[returned_at(text) :]
    start = _HEAD.search(rest)
    return read_fields(_QUOTE.sub("", rest[start.start() :])) if start else Fields(())


def notice(mail: Mail) -> str:
    """What the mail system itself says: the text before the returned letter; all of it where nothing is left then."""
    text = mail.text
    said = text[: returned_at(text)]
    return said if len(said.split()) > 2 else text
