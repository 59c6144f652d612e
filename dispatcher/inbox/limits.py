"""How much of a message is looked at, and what is not looked at at all: bounds on the raw bytes, before any parsing.

What is over a bound is quarantined: kept as it came, for a person. Measured in tests/faults/test_mail_bombs.py.
"""

from __future__ import annotations

import re

#: Bytes, and lines, of a message that are parsed. A report, and a person's words, stand before what they enclose.
READ_AT_MOST, MAX_LINES = 2 * 1024 * 1024, 40_000
#: Header lines of one message or part, and bytes of one field (a list of a thousand recipients has less).
MAX_FIELDS, MAX_FIELD = 500, 64 * 1024
#: Multiparts in each other; parts in all.
MAX_DEPTH, MAX_PARTS = 20, 400
#: Recipients of one report that are told of.
MAX_RECIPIENTS = 200
#: Characters of text that phrases are searched in, and of one header field's text.
MAX_TEXT, MAX_VALUE = 64 * 1024, 8 * 1024
#: Seconds for one message, and bytes of address space for the process that reads it.
MAX_SECONDS, MAX_MEMORY = 4.0, 256 * 1024 * 1024

_BLANK = re.compile(rb"\r?\n\r?\n|\r\r")
_CONTAINER = re.compile(rb"^content-type:[ \t]*(?:\r?\n[ \t]+)?\"?multipart/", re.IGNORECASE | re.MULTILINE)


class TooMuch(Exception):
    """The message is over a bound; says which."""


def check(raw: bytes) -> bytes:
    """What of the message is to be parsed. Raises TooMuch where its heading, or its parts, are over a bound."""
    raw = _first_lines(raw[:READ_AT_MOST].lstrip(b"\r\n\t \xef\xbb\xbf"))
    found = _BLANK.search(raw)
    check_heading(raw[: found.start()] if found else raw)
    if sum(1 for _ in _CONTAINER.finditer(raw)) > MAX_PARTS:
        raise TooMuch(f"more than {MAX_PARTS} multiparts")
    return raw


def _first_lines(raw: bytes) -> bytes:
    end = 0
    for _ in range(MAX_LINES):
        end = raw.find(b"\n", end) + 1
        if not end:
            return raw
    return raw[:end]


def check_heading(heading: bytes) -> None:
    """Raises TooMuch for more fields, or a longer one, than any mail system writes."""
    fields = size = 0
    for line in heading.split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            size += len(line)
        else:
            fields, size = fields + 1, len(line)
        if fields > MAX_FIELDS:
            raise TooMuch(f"more than {MAX_FIELDS} header fields")
        if size > MAX_FIELD:
            raise TooMuch(f"a header field of more than {MAX_FIELD // 1024} KiB")
