"""Draws finished pages as pictures to look at: one page alone, or the first page of each letter on one sheet."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium

from dispatcher.domain.errors import Problem, UserError

from .paper import compose
from .typography import clean, direction

#: Dots an inch: of a page to read on a screen, and of one of many on a sheet.
READABLE, SMALL = 150, 50
#: Letters on a sheet of A4: so many beside and below one another.
COLUMNS, ROWS = 4, 3
_SHOWN_WARNINGS = 2


@dataclass(frozen=True, slots=True)
class Thumb:
    """One letter of the sheet."""

    pdf: bytes
    name: str  #: of the contact, as on the envelope
    caption: str  #: pages, ways, language
    warnings: tuple[str, ...] = ()


def page_picture(pdf: bytes, number: int = 1, dpi: int = READABLE) -> bytes:
    """A page as PNG, in grey levels and colour as on paper. Raises UserError for a page that there is not."""
    document = pdfium.PdfDocument(pdf)
    try:
        if not 1 <= number <= len(document):
            way_out = f"Choose one of 1 to {len(document)}"
            raise UserError(Problem(f"page {number}", f"the letter has {len(document)} pages", way_out))
        picture = document[number - 1].render(scale=dpi / 72).to_pil()
    finally:
        document.close()
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def sheet_of(title: str, note: str, thumbs: Sequence[Thumb]) -> bytes:
    """All the letters on sheets of A4, twelve on each, as one PDF."""
    pictures = {f"{number}.png": page_picture(one.pdf, dpi=SMALL) for number, one in enumerate(thumbs)}
    letters = [_words(number, one) for number, one in enumerate(thumbs)]
    words = {"title": clean(title), "note": clean(note), "columns": COLUMNS, "rows": ROWS, "letters": letters}
    return compose("sheet.typ", words, pictures)


def _words(number: int, one: Thumb) -> dict[str, object]:
    shown = [clean(text) for text in one.warnings[:_SHOWN_WARNINGS]]
    if more := len(one.warnings) - len(shown):
        shown.append(f"and {more} more")
    name = clean(one.name)
    return {
        "picture": f"{number}.png",
        "name": name,
        "direction": direction(name),
        "caption": clean(one.caption),
        "warnings": shown,
    }
