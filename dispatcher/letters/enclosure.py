"""An attachment as the printer gets it, and the fax pages that it adds: after the letter's, as paper would follow."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import pypdfium2 as pdfium

from dispatcher.domain.errors import Problem

from . import fax, tiff
from .legibility import STRIP_ROWS, Inspector

#: What PDFium writes into a new document from the clock and from chance; both have a fixed length.
_BORN = re.compile(rb"/CreationDate\(D:\d{14}[+-]\d\d'\d\d'\)")
_ID = re.compile(rb"/ID\[<[0-9A-F]{32}><[0-9A-F]{32}>\]")
#: They stand within so many bytes of the beginning and of the end.
_EDGE = 400


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A PDF that goes with the letter: looked at (`attachments.look`), and never changed."""

    name: str  #: 'annex.pdf'
    title: str  #: what it is, in words; ''
    data: bytes
    pages: int


def joined(letter: bytes, enclosures: Iterable[Enclosure], day: date) -> bytes:
    """The letter's fax pages and then those of each enclosure, in one PDF. Same parts, same bytes.

    It is a plain PDF and claims no standard: foreign pages bring neither tags nor the promises of PDF/A with them.
    """
    whole = pdfium.PdfDocument.new()
    try:
        for data in (letter, *(one.data for one in enclosures)):
            part = pdfium.PdfDocument(data)
            whole.import_pages(part)
            part.close()
        out = io.BytesIO()
        whole.save(out)
    finally:
        whole.close()
    return _timeless(out.getvalue(), day)


def _timeless(pdf: bytes, day: date) -> bytes:
    """With the letter's day for the clock's, and a name made of the contents for one made of chance."""
    head, dates = _BORN.subn(f"/CreationDate(D:{day:%Y%m%d}120000+00'00')".encode(), pdf[:_EDGE])
    name = hashlib.sha256(head + pdf[_EDGE:-_EDGE]).hexdigest()[:32].upper().encode()
    tail, names = _ID.subn(b"/ID[<" + name + b"><" + name + b">]", pdf[-_EDGE:])
    if (dates, names) != (1, 1):
        raise AssertionError(f"PDFium wrote {dates} dates and {names} names into a joined document")
    return head + pdf[_EDGE:-_EDGE] + tail


@dataclass(frozen=True, slots=True)
class Drawn:
    """The fax pages of an enclosure, and what a person should look at on them."""

    pages: tuple[tiff.Strip, ...]
    findings: tuple[Problem, ...]


@lru_cache(maxsize=32)
def drawn(enclosure: Enclosure) -> Drawn:
    """Kept, because a campaign sends the same enclosure with every letter; its findings name no contact.

    A page that begins so high that the line with sender, date and page would not have its room is made a little
    smaller, below that line: foreign pages cannot be asked to keep it free.
    """
    inspector = Inspector(enclosure.name)
    pages = tuple(fax.coded(enclosure.data, inspector.look, STRIP_ROWS))
    found = inspector.findings(tiff.bound(pages))
    return Drawn(pages, tuple(one for one in found if one.code != "W_LEGIBLE_STRIP"))
