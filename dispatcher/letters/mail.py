"""The letter as mail: HTML, plain text, and the MIME entity that carries both with the PDF. Knows no address.

The entity has only the headers that describe it (Content-*, MIME-Version); who sends it to whom, and when, is added at
each attempt, so that the frozen bytes never change.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from email import quoprimime
from email.message import MIMEPart
from email.policy import SMTP
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dispatcher.domain.errors import Problem, TemplateError

from . import text as plain
from .enclosure import Enclosure
from .parse import marked
from .sheet import Sheet
from .typography import direction

_COLUMNS = 78
_POLICY = SMTP.clone(max_line_length=_COLUMNS)
#: Characters of a digest that stand in the boundaries.
_MARK = 24
_UNFIT = re.compile(r"[^a-z0-9]+")


class MailWriter:
    """Holds the two mail templates, compiled."""

    def __init__(self, templates: Path) -> None:
        loader = FileSystemLoader(templates / "mail")
        web = Environment(loader=loader, undefined=StrictUndefined, autoescape=True)
        # Plain text has no markup that data could break out into.
        flat = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
        web.filters.update(marked=marked, direction=direction)
        flat.filters.update(wrap=plain.wrap, blocks=plain.body, copies=plain.copies)
        self._html = web.get_template("letter.html.j2")
        self._text = flat.get_template("letter.txt.j2")

    def html(self, sheet: Sheet) -> str:
        """One self-contained page: styles inline, nothing fetched."""
        return self._html.render(sheet=sheet) + "\n"

    def text(self, sheet: Sheet) -> str:
        """72 columns, ordinary spaces, the contact lines after '-- '."""
        return self._text.render(sheet=sheet).strip("\n") + "\n"


def file_name(sheet: Sheet) -> str:
    """'2015-10-01-air-strikes-in-the-syrian-arab-republic.pdf': ASCII, short, the same on every system."""
    ascii_words = unicodedata.normalize("NFKD", sheet.subject).encode("ascii", "ignore").decode().lower()
    slug = _UNFIT.sub("-", ascii_words).strip("-")[:60].rstrip("-")
    return f"{sheet.day.isoformat()}-{slug or sheet.letter}.pdf"


def entity(sheet: Sheet, text: str, html: str, pdf: bytes, enclosures: Sequence[Enclosure] = ()) -> bytes:
    """multipart/mixed[ alternative[ text, html ], pdf, … ] with CRLF; boundaries come from the contents' digest.

    Raises TemplateError where an enclosure has the name of the letter's own PDF.
    """
    _check_names(sheet, enclosures)
    contents = (text.encode(), html.encode(), pdf, *(one.data for one in enclosures))
    digest = hashlib.sha256(b"\0".join(contents)).hexdigest()[:_MARK]
    enclosed = tuple((one.name, one.title) for one in enclosures)
    frame = _frame(sheet.language.locale, file_name(sheet), enclosed)
    pieces = [piece.replace(frame.mark, digest.encode()) for piece in frame.pieces]
    parts = [_quoted(contents[0]), _quoted(contents[1]), *map(_base64, contents[2:])]
    return b"".join([pieces[0], *(part for pair in zip(parts, pieces[1:], strict=True) for part in pair)])


@dataclass(frozen=True, slots=True)
class _Frame:
    """An entity without its contents: what stands before, between and after them, with a mark where the digest goes."""

    pieces: tuple[bytes, ...]
    mark: bytes


@lru_cache(maxsize=64)
def _frame(locale: str, name: str, enclosed: tuple[tuple[str, str], ...]) -> _Frame:
    """All letters of a text have one frame; the library, which is careful and slow, makes it once."""
    mark = hashlib.sha256(repr((locale, name, enclosed)).encode()).hexdigest()[:_MARK]
    gap = f"=_g_{mark}"
    both = _multipart("alternative", f"=_a_{mark}", [_words(gap, kind, locale) for kind in ("plain", "html")])
    files = [_attachment(gap, name), *(_enclosed(gap, *one) for one in enclosed)]
    whole = _multipart("mixed", f"=_m_{mark}", [both, *files])
    whole["MIME-Version"] = "1.0"
    return _Frame(tuple(whole.as_bytes(policy=_POLICY).split(gap.encode())), mark.encode())


def _multipart(subtype: str, boundary: str, parts: list[MIMEPart]) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part["Content-Type"] = f"multipart/{subtype}"
    part.set_boundary(boundary)
    for inner in parts:
        part.attach(inner)
    return part


def _words(gap: str, subtype: str, locale: str) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part.set_content("", subtype=subtype, charset="utf-8", cte="quoted-printable")
    part.set_payload(gap)
    part["Content-Language"] = locale
    return part


def _attachment(gap: str, name: str) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part.set_content(b"", maintype="application", subtype="pdf", disposition="attachment", filename=name)
    part.set_payload(gap)
    return part


def _enclosed(gap: str, name: str, title: str) -> MIMEPart:
    part = _attachment(gap, name)
    if title:
        part["Content-Description"] = title
    return part


def _quoted(text: bytes) -> bytes:
    """Lines in quoted-printable (RFC 2045, 6.7), ended by CRLF, as the library's own `set_content` writes them."""
    lines = b"\n".join(text.splitlines()) + b"\n"
    return quoprimime.body_encode(lines.decode("latin-1"), _COLUMNS).replace("\n", "\r\n").encode("ascii")


def _base64(data: bytes) -> bytes:
    """Lines of 76 characters (RFC 2045, 6.8)."""
    code = binascii.b2a_base64(data, newline=False)
    return b"\r\n".join([code[at : at + 76] for at in range(0, len(code), 76)] + [b""])


def _check_names(sheet: Sheet, enclosures: Sequence[Enclosure]) -> None:
    own = file_name(sheet)
    if any(one.name.casefold() == own for one in enclosures):
        cause = f"the attachment {own} has the name that the letter's own PDF gets"
        raise TemplateError(Problem(f"letters/{sheet.letter}", cause, "Rename the attachment", "E_ATT_NAME"))
