"""Looks whether all words of a finished PDF are on its paper: what runs off the edge is lost, and nobody is told."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pypdfium2 as pdfium

from dispatcher.domain.errors import Problem, TemplateError

from .sheet import Sheet
from .tree import words

#: Points, of 1/72 inch, by which a letter may hang over: serifs, and the edge of a mark.
_SLACK = 2.0
#: A word of more letters than fit a line in every face and size; Chinese breaks anywhere, a no-break space holds.
_LONG_WORD = re.compile(r"[^ \u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]{41}")
#: Copies that fit a page with any letter.
_FEW = 8


def require_within(sheet: Sheet, pdfs: Iterable[bytes]) -> None:
    """Raises TemplateError, naming the words of the letter that are cut off by the edge of the paper."""
    if not _may_run_off(sheet):
        return
    problems = [fault for pdf in dict.fromkeys(pdfs) for fault in cut_off(pdf, f"letters/{sheet.letter}")]
    if problems:
        raise TemplateError(list(dict.fromkeys(problems)))


def _may_run_off(sheet: Sheet) -> bool:
    """Reading a page back takes a tenth of the time of setting it; only these letters need it."""
    lines = [*sheet.addressee, sheet.subject, sheet.salutation, sheet.closing, sheet.sender_name, sheet.sender_title]
    lines += [words(sheet.body), *(line for copy in sheet.copies for line in copy)]
    lines += [
        sheet.head.title,
        sheet.head.intro,
        *sheet.head.board,
        *(one for line in sheet.head.footer for one in line),
    ]
    return len(sheet.copies) > _FEW or any(map(_LONG_WORD.search, lines))


def cut_off(pdf: bytes, place: str) -> list[Problem]:
    """For each page, the first words that are not on it."""
    document = pdfium.PdfDocument(pdf)
    try:
        return [fault for number, page in enumerate(document, 1) for fault in _cut_off(page, number, place)]
    finally:
        document.close()


def _cut_off(page: pdfium.PdfPage, number: int, place: str) -> list[Problem]:
    """The first words of the page that are not on it."""
    wide, high = page.get_size()
    text = page.get_textpage()
    for index in range(text.count_rects()):
        left, bottom, right, top = text.get_rect(index)
        if left < -_SLACK or bottom < -_SLACK or right > wide + _SLACK or top > high + _SLACK:
            lost = text.get_text_bounded(left, bottom, right, top).strip()
            cause = f"page {number}: the words {lost[:40]!r} run off the paper"
            return [Problem(place, cause, "Shorten the line, or put spaces into its long words", "E_TPL_LIMIT")]
    return []
