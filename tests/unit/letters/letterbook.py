"""Reads finished letters back into words, for the tests of this folder."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pypdfium2

from dispatcher.letters import Printer, Rendered

#: Gives a printer whose letter `own` has the given text.
Own = Callable[[str], Printer]
#: Gives the seed letter in a language; each is made once.
Seed = Callable[[str], Rendered]


def pdf_text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def html_text(page: bytes) -> str:
    body = page.decode().split("<body", 1)[1].split(">", 1)[1]
    return html.unescape(re.sub(r"<[^>]*>", " ", body))


def words(text: str) -> list[str]:
    """The words alone: separators are spaces, quotation marks are straight."""
    straight = text.translate({ord("’"): "'", ord("‘"): "'", ord("“"): '"', ord("”"): '"', 0xA0: " ", 0xAD: ""})
    return straight.replace("|", " ").replace("·", " ").split()
