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
from email.message import MIMEPart
from email.policy import SMTP
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dispatcher.domain.errors import Problem, TemplateError

from . import text as plain
from .enclosure import Enclosure
from .parse import marked
from .sheet import Sheet
from .typography import direction

_POLICY = SMTP.clone(max_line_length=78)
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
    digest = hashlib.sha256(b"\0".join(contents)).hexdigest()[:24]
    both = _multipart("alternative", f"=_a_{digest}", [_words(text, "plain", sheet), _words(html, "html", sheet)])
    gap = f"=_g_{digest}"
    files = [_attachment(gap, file_name(sheet)), *(_enclosed(gap, one) for one in enclosures)]
    whole = _multipart("mixed", f"=_m_{digest}", [both, *files])
    whole["MIME-Version"] = "1.0"
    return _filled(whole.as_bytes(policy=_POLICY), gap, contents[2:])


def _multipart(subtype: str, boundary: str, parts: list[MIMEPart]) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part["Content-Type"] = f"multipart/{subtype}"
    part.set_boundary(boundary)
    for inner in parts:
        part.attach(inner)
    return part


def _words(text: str, subtype: str, sheet: Sheet) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part.set_content(text, subtype=subtype, charset="utf-8", cte="quoted-printable")
    part["Content-Language"] = sheet.language.locale
    return part


def _attachment(gap: str, name: str) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part.set_content(b"", maintype="application", subtype="pdf", disposition="attachment", filename=name)
    part.set_payload(gap)
    return part


def _filled(entity: bytes, gap: str, contents: Sequence[bytes]) -> bytes:
    """Puts the files into their gaps, in turn; the library would take each of them apart line by line."""
    before, *after = entity.split(gap.encode())
    return b"".join([before, *(part for pair in zip(map(_base64, contents), after, strict=True) for part in pair)])


def _base64(data: bytes) -> bytes:
    """Lines of 76 characters (RFC 2045, 6.8)."""
    code = binascii.b2a_base64(data, newline=False)
    return b"".join(code[at : at + 76] + b"\r\n" for at in range(0, len(code), 76))


def _enclosed(gap: str, enclosure: Enclosure) -> MIMEPart:
    part = _attachment(gap, enclosure.name)
    if enclosure.title:
        part["Content-Description"] = enclosure.title
    return part


def _check_names(sheet: Sheet, enclosures: Sequence[Enclosure]) -> None:
    own = file_name(sheet)
    if any(one.name.casefold() == own for one in enclosures):
        cause = f"the attachment {own} has the name that the letter's own PDF gets"
        raise TemplateError(Problem(f"letters/{sheet.letter}", cause, "Rename the attachment", "E_ATT_NAME"))
