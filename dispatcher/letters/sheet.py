"""One letter, complete and in words: what every writer gets. Nothing in it is markup of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .languages import Language
from .letterhead import Letterhead, Signature
from .tree import Block


@dataclass(frozen=True, slots=True)
class Sheet:
    """The parts of a letter in reading order."""

    letter: str  #: the letter's name, for file names
    language: Language
    day: date
    head: Letterhead
    addressee: tuple[str, ...]
    date_line: str
    subject: str
    salutation: str
    body: tuple[Block, ...]
    closing: str
    sender_name: str
    sender_title: str
    copies: tuple[tuple[str, ...], ...]  #: the lines of each cc party
    signature: Signature | None = None  #: stands on paper alone: mail programs hide pictures, and show no SVG

    @property
    def headline(self) -> str:
        """'Re: Air strikes in …': the title of the document."""
        return self.language.labelled(self.language.re_label, self.subject)
