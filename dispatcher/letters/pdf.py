"""Sets a sheet as PDF/A-2a and PDF/UA-1 pages with Typst: for print, and in the fax edition. Alone knows Typst."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pypdfium2 as pdfium
import typst

from dispatcher.domain.errors import Problem, TemplateError

from .parse import tree_data
from .sheet import Sheet
from .source import read_text
from .tree import words
from .typography import NBSP

Edition = Literal["print", "fax"]
#: Steps of copy-fitting: 0 is the largest size, 4 the smallest that is still comfortable to read.
FITS = tuple(step / 4 for step in range(17))
#: A letter that does not fit one page even so runs on, near its full size.
LONG_FIT = 0.5
#: More pages than this is a mistake, not a letter.
MAX_PAGES = 12
_FONTS = (("fontpkg_eb_garamond", "EB Garamond"), ("fontpkg_source_sans_3", "Source Sans 3"))
_STANDARDS: list[Any] = ["a-2a", "ua-1"]
_UNSHOWN = re.compile(r'the text `"(.+)"` could not be displayed', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pages:
    """A finished PDF."""

    pdf: bytes
    count: int
    fit: float  #: the step of copy-fitting that was taken


class Typesetter:
    """Holds the fonts and the page template. One a process; setting a page changes nothing in it."""

    def __init__(self, templates: Path) -> None:
        self._place = "typst/letter.typ"
        self._source = read_text(templates / self._place, self._place).encode()
        folders = [Path(str(files(package) / "files")) for package, _ in _FONTS]
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=folders)
        self._check_faces(fonts)
        self._compiler = typst.Compiler(font_paths=fonts, ignore_system_fonts=True, root=str(templates / "typst"))

    def _check_faces(self, fonts: typst.Fonts) -> None:
        missing = [name for _, name in _FONTS if name not in fonts.families()]
        if missing:
            raise TemplateError([Problem(name, "the typeface is not installed", "Install again") for name in missing])

    def set(self, sheet: Sheet, edition: Edition) -> Pages:
        """The largest step of FITS at which the letter fits one page; else as many pages as it takes.

        Halves the steps, always in the same order, so that the same sheet is set the same way everywhere.
        """
        text = json.dumps(_data(sheet), sort_keys=True, ensure_ascii=False)
        low, high, best = 0, len(FITS), None
        while low < high:
            middle = (low + high) // 2
            pages = self._compile(sheet, text, edition, FITS[middle], long=False)
            low, high, best = (low, middle, pages) if pages.count == 1 else (middle + 1, high, best)
        return best or self._long(sheet, text, edition)

    def _long(self, sheet: Sheet, text: str, edition: Edition) -> Pages:
        pages = self._compile(sheet, text, edition, LONG_FIT, long=True)
        if pages.count > MAX_PAGES:
            raise TemplateError(
                Problem(sheet.letter, f"runs to {pages.count} pages", f"{MAX_PAGES} are allowed", "E_TPL_LIMIT")
            )
        return pages

    def _compile(self, sheet: Sheet, text: str, edition: Edition, fit: float, *, long: bool) -> Pages:
        inputs = {"letter": text, "edition": edition, "fit": f"{fit:.2f}", "long": "yes" if long else "no"}
        noon = datetime.combine(sheet.day, time(12), UTC)
        try:
            pdf, warnings = self._compiler.compile_with_warnings(
                self._source, format="pdf", sys_inputs=inputs, pdf_standards=_STANDARDS, timestamp=noon
            )
        except typst.TypstError as error:
            raise TemplateError(_explained(error, sheet)) from error
        if warnings:
            raise TemplateError([Problem(self._place, warning.message, "", "E_TPL_PAGE") for warning in warnings])
        assert isinstance(pdf, bytes)
        return Pages(pdf, page_count(pdf), fit)


def page_count(pdf: bytes) -> int:
    """The number of pages of a PDF."""
    document = pdfium.PdfDocument(pdf)
    try:
        return len(document)
    finally:
        document.close()


def _explained(error: typst.TypstError, sheet: Sheet) -> Problem:
    """A character that no typeface has, named with its place; or what Typst says, word for word."""
    if found := _UNSHOWN.search(error.message):
        char = found.group(1)[0]
        cause = (
            f"no typeface of the letter has the character {char} (U+{ord(char):04X}), in {_whereabouts(sheet, char)}"
        )
        return Problem(f"letters/{sheet.letter}", cause, "Write it in letters that the typeface has", "E_TPL_GLYPH")
    return Problem(f"letters/{sheet.letter}", error.message, " ".join(error.hints), "E_TPL_PAGE")


def _whereabouts(sheet: Sheet, char: str) -> str:
    """The part of the letter where the character stands, and the words around it."""
    parts = {
        "the addressee": " ".join(sheet.addressee),
        "the subject": sheet.subject,
        "the salutation": sheet.salutation,
        "the signature": f"{sheet.closing} {sheet.sender_name} {sheet.sender_title}",
        "the cc block": " ".join(line for copy in sheet.copies for line in copy),
        "the body": words(sheet.body),
    }
    for name, text in parts.items():
        if char in text:
            at = text.index(char)
            return f"{name}: …{text[max(0, at - 20) : at + 20]}…"
    return "the letterhead"


def _data(sheet: Sheet) -> dict[str, object]:
    """The sheet as the page template reads it."""
    head = sheet.head
    return {
        "language": sheet.language.tag,
        "direction": sheet.language.direction,
        "title": head.title,
        "colour": head.colour,
        "intro": head.intro,
        "board": head.board,
        "footer": head.footer,
        "addressee": sheet.addressee,
        "date_line": sheet.date_line,
        "re": sheet.language.re_label,
        "subject": sheet.subject,
        "salutation": sheet.salutation,
        "body": tree_data(sheet.body),
        "closing": sheet.closing,
        "sender_name": sheet.sender_name,
        "sender_title": sheet.sender_title,
        "copy_label": sheet.language.copy_label,
        "copies": sheet.copies,
        "running": f"{sheet.addressee[0]} · {sheet.date_line}".replace(" ", NBSP),
    }
