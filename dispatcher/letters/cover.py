"""The words of a fax cover page: from whom, to whom, how many pages, and what to do when one is missing.

There is one document a letter, so the cover names the addressee; whoever receives a copy stands under 'copies to', on
the same page, with the number to which the copy goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dispatcher.domain.errors import Problem, TemplateError

from .address import Order
from .languages import written
from .sheet import Cover, CoverLine, Sheet
from .typography import direction, finish

#: So many characters without a space may be too much for the lines beside the labels.
_LONG_WORD = re.compile(r"(\S{36})(?=\S)")


def cover_of(sheet: Sheet, order: Order, pages: int) -> Cover:
    """The cover of a fax of so many `pages`, this one included.

    Raises TemplateError where the letterhead gives no way to say that a page is missing.
    """
    labels, head = sheet.language.cover, sheet.head
    ways = [(labels.phone, head.phone), (labels.email, head.email)]
    if not any(value for _, value in ways):
        cause = "gives neither phone nor email, and a fax cover page says whom to tell of a missing page"
        place = f"letterheads/{order.organisation}/letterhead.toml"
        raise TemplateError(Problem(place, cause, 'Add phone = "+41 …" or email = "…"', "E_FAX_COVER"))
    rows = tuple((label, tuple(lines)) for label, lines in _rows(sheet, order, pages) if lines)
    return Cover(labels.fax, rows, labels.missing, tuple(_number(value, label) for label, value in ways if value))


def _rows(sheet: Sheet, order: Order, pages: int) -> Iterator[tuple[str, Sequence[CoverLine]]]:
    labels, head, note = sheet.language.cover, sheet.head, order.cover
    assert note is not None
    yield labels.to, [*map(_line, sheet.addressee), *_numbers(labels.fax, note.number)]
    sender = (sheet.sender_name, sheet.sender_title, head.title)
    yield labels.sender, [*(_line(text) for text in sender if text), *_numbers(labels.fax, head.fax)]
    yield labels.date, [_line(finish(written(sheet.day, sheet.language), sheet.language))]
    yield labels.subject, [_line(sheet.subject)]
    yield labels.pages, [_line(str(pages))]
    attached = (finish(one.title, sheet.language) or one.name for one in order.enclosures)
    yield labels.attachments, [_line(_breakable(text)) for text in attached]
    copies = zip(sheet.copies, note.copies, strict=True)
    yield labels.copies, [line for lines, number in copies for line in (_line(lines[0]), *_numbers(labels.fax, number))]
    yield labels.remarks, [_line(_breakable(finish(head.word(note.remarks), sheet.language)))] if note.remarks else []


def _breakable(text: str) -> str:
    """With unseen places to break at in words that are longer than a line: the name of a file, an address."""
    return _LONG_WORD.sub("\\1\N{ZERO WIDTH SPACE}", text)


def _line(text: str) -> CoverLine:
    return {"label": "", "v": text, "d": direction(text, "")}


def _number(number: str, label: str) -> CoverLine:
    """A number or an address runs from left to right in every language."""
    return {"label": label, "v": number, "d": "ltr"}


def _numbers(label: str, number: str) -> list[CoverLine]:
    return [_number(number, label)] if number else []
