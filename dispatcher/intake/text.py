"""One line of text from a person: finds what must never reach a header, a page or a terminal. It changes no meaning."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from dispatcher.domain.characters import offences

from .findings import Findings

#: The longest cell or value we take, in characters; real names of offices stay far below it.
LONGEST = 300


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
    for one in offences(text):
        findings.fault(where.place, one.code, f"{where.name}: {one}", one.way_out)
