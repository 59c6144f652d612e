"""One letter, complete and in words: what every writer gets. Nothing in it is markup of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .languages import Language
from .letterhead import Letterhead, Signature
from .tree import Block, words

#: A line of a cover page: 'v' is what it says, 'd' its own direction, 'label' what stands before it.
CoverLine = dict[str, str]


@dataclass(frozen=True, slots=True)
class Cover:
    """A fax cover page: a label and its lines for each row; then whom to tell of missing pages, and how."""

    title: str
    rows: tuple[tuple[str, tuple[CoverLine, ...]], ...]
    missing: str
    ways: tuple[CoverLine, ...]

    @property
    def words(self) -> str:
        lines = [line for _, lines in self.rows for line in lines]
        return " ".join([self.title, *(line["v"] for line in (*lines, *self.ways)), self.missing])


#: Characters in a line of the body, in most scripts.
_COLUMNS = 95


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
    cover: Cover | None = None  #: the page before the letter, on a fax
    signature: Signature | None = None  #: stands on paper alone: mail programs hide pictures, and show no SVG

    @property
    def rows(self) -> float:
        """About how many lines it takes: good enough to say which of two letters is the longer one, and by how much."""
        return len(words(self.body)) / _COLUMNS + len(self.addressee) + sum(map(len, self.copies))

    @property
    def headline(self) -> str:
        """'Re: Air strikes in …': the title of the document."""
        return self.language.labelled(self.language.re_label, self.subject)
