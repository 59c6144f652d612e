"""Looks at a PDF that is to go with a letter, before anybody approves it: is it one, is it whole, is it only paper?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pkgutil import resolve_name

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from dispatcher.domain.errors import Problem

from .fax import scale_for

#: More pages than this belong on a page of the web, or into the post.
MOST_PAGES = 50
_AGAIN = "Open it and print it as a PDF anew (Print, then 'Microsoft Print to PDF' or 'Save as PDF')"
_MAKE_ONE = "Make a PDF of it: in Word, Excel or LibreOffice choose File, then Save As or Export, then PDF"
#: How files begin that people take for a PDF.
_OTHERS = (
    (b"PK\x03\x04", "a Word, Excel or ZIP file"),
    (b"\xd0\xcf\x11\xe0", "an old Word or Excel file"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"II*\x00", "a picture (TIFF)"),
    (b"MM\x00*", "a picture (TIFF)"),
    (b"{\\rtf", "a text file (RTF)"),
    (b"<", "a page of the web"),
)


class Unreadable(Exception):
    """The file's objects cannot be read; the message says what stood in the way."""


@dataclass(slots=True)
class Findings:
    """What a file's objects tell (`structure.examine`)."""

    encrypted: bool = False
    active: set[str] = field(default_factory=set)  #: what is more than paper, in words: 'a script'
    unembedded: set[str] = field(default_factory=set)  #: names of fonts that are not in the file
    damaged: int = 0  #: streams that cannot be unpacked


def look(name: str, data: bytes) -> Iterator[Problem]:
    """What is wrong with the attachment; codes that begin with W_ are only for a person to see.

    After a fault that hides the rest (not a PDF, encrypted, broken) nothing more is said.
    """
    if not data:
        yield Problem(name, "is empty: 0 bytes", "Save it again", "E_ATT_EMPTY")
    elif not data.startswith(b"%PDF-"):
        kind = next((words for start, words in _OTHERS if data.startswith(start)), "something else")
        yield Problem(name, f"is no PDF but {kind}; only PDF travels by mail and by fax", _MAKE_ONE, "E_ATT_TYPE")
    elif b"%%EOF" not in data[-1024:]:
        yield Problem(name, "is cut short: its end is missing", f"Copy it again. Or: {_AGAIN}", "E_ATT_BROKEN")
    else:
        yield from _opened(name, data)


def _opened(name: str, data: bytes) -> Iterator[Problem]:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        locked = error.err_code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY)
        yield _encrypted(name) if locked else Problem(name, "cannot be opened", _AGAIN, "E_ATT_BROKEN")
        return
    try:
        yield from _inside(name, data, document)
    finally:
        document.close()


def _inside(name: str, data: bytes, document: pdfium.PdfDocument) -> Iterator[Problem]:
    # The reader of objects takes a second to load: who attaches nothing is spared it.
    examine = resolve_name("dispatcher.letters.structure:examine")
    try:
        found: Findings = examine(data)
    except Unreadable as error:
        yield Problem(name, f"is broken: {error}", _AGAIN, "E_ATT_BROKEN")
        return
    if found.encrypted or pdfium_c.FPDF_GetSecurityHandlerRevision(document) != -1:
        yield _encrypted(name)
        return
    yield from _judged(name, found, document)
    yield from _paper(name, document)


def _encrypted(name: str) -> Problem:
    cause = "is encrypted: some readers could not open it, and a fax cannot show it"
    return Problem(name, cause, "Save it without a password and without restrictions", "E_ATT_ENCRYPTED")


def _judged(name: str, found: Findings, document: pdfium.PdfDocument) -> Iterator[Problem]:
    if found.damaged:
        cause = f"is broken: {found.damaged} of its parts cannot be unpacked"
        yield Problem(name, cause, f"Copy it again. Or: {_AGAIN}", "E_ATT_BROKEN")
    active = found.active | set(_seen_by_pdfium(document))
    if active:
        cause = f"holds {', '.join(sorted(active))}; mail servers refuse that, and a reader is right to be afraid of it"
        yield Problem(name, cause, f"{_AGAIN}; the print has none of it", "E_ATT_ACTIVE")
    if found.unembedded:
        cause = f"does not bring its fonts: {', '.join(sorted(found.unembedded)[:4])}; others may see other letters"
        yield Problem(name, cause, "Save it as PDF/A, or with all fonts embedded", "W_ATT_FONTS")


def _seen_by_pdfium(document: pdfium.PdfDocument) -> Iterator[str]:
    """A second reader's eyes: what two readers see differently is how such things are hidden."""
    if pdfium_c.FPDFDoc_GetJavaScriptActionCount(document) > 0:
        yield "a script"
    if document.count_attachments() > 0:
        yield "an embedded file"


def _paper(name: str, document: pdfium.PdfDocument) -> Iterator[Problem]:
    if not 0 < len(document) <= MOST_PAGES:
        cause = f"has {len(document)} pages; {MOST_PAGES} are allowed"
        yield Problem(name, cause, "Leave pages out, or put it on the web and send its address", "E_ATT_PAGES")
        return
    sizes = []
    for number in range(len(document)):
        try:
            sizes.append(document[number].get_size())
        except pdfium.PdfiumError:
            yield Problem(name, f"is broken: its page {number + 1} cannot be read", _AGAIN, "E_ATT_BROKEN")
            return
    small = [str(number) for number, size in enumerate(sizes, 1) if scale_for(*size) < 1]
    if small:
        cause = f"is larger than the paper of a fax on page {', '.join(small[:5])}{' …' * (len(small) > 5)}"
        yield Problem(name, f"{cause}; it is made smaller there", "Look at the fax pages", "W_ATT_PAPER")
