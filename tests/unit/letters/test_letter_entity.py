"""The entity is put together from a frame that is made once; it is, byte for byte, what the email package makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes
from email.message import MIMEPart
from email.policy import SMTP

import pytest

from dispatcher.letters import Order, Printer, Rendered, mail
from dispatcher.letters.enclosure import Enclosure

POLICY = SMTP.clone(max_line_length=78)
LONG = "Der Überblick über alles, was in den Jahren 2010 bis 2015 geschehen ist, und mehr"
ANNEXES = (
    Enclosure("annex.pdf", "", b"%PDF-1.7 " + bytes(range(256)) * 30, 1),
    Enclosure("Übersicht 2.pdf", LONG, b"%", 1),
)
TEXTS = (
    "One.\n",
    "A line = of signs, with a space at its end \nand a tab\t\n\n-- \nLast.\n",
    "Зимняя буря " * 40 + "\n",
    "x" * 500 + "\n" + "é" * 75 + "\n" + "y" * 76 + "\n" + "z" * 77 + "\n",
    "From here\n.\n中文没有空格\nno end",
)


def _part(data: bytes, name: str, title: str) -> MIMEPart:
    part = MIMEPart(POLICY)
    part.set_content(data, maintype="application", subtype="pdf", disposition="attachment", filename=name)
    if title:
        part["Content-Description"] = title
    return part


def _words(text: str, subtype: str, locale: str) -> MIMEPart:
    part = MIMEPart(POLICY)
    part.set_content(text, subtype=subtype, charset="utf-8", cte="quoted-printable")
    part["Content-Language"] = locale
    return part


def _multipart(subtype: str, boundary: str, parts: Sequence[MIMEPart]) -> MIMEPart:
    whole = MIMEPart(POLICY)
    whole["Content-Type"] = f"multipart/{subtype}"
    whole.set_boundary(boundary)
    for part in parts:
        whole.attach(part)
    return whole


def _theirs(ours: bytes, words: tuple[str, str], locale: str, files: Sequence[tuple[bytes, str, str]]) -> bytes:
    """The email package's own entity, with the boundaries of ours."""
    outer = message_from_bytes(ours, policy=SMTP)
    inner = next(outer.iter_parts())
    both = [_words(text, kind, locale) for text, kind in zip(words, ("plain", "html"), strict=True)]
    parts = [_multipart("alternative", str(inner.get_boundary()), both), *(_part(*file) for file in files)]
    whole = _multipart("mixed", str(outer.get_boundary()), parts)
    whole["MIME-Version"] = "1.0"
    return whole.as_bytes(policy=POLICY)


@pytest.fixture(scope="module")
def rendered(printer: Printer, order: Order) -> Rendered:
    return printer.render(order)


@pytest.mark.parametrize("enclosures", [(), ANNEXES[:1], ANNEXES])
@pytest.mark.parametrize("text", TEXTS)
def test_it_is_what_the_email_package_makes(
    printer: Printer, order: Order, text: str, enclosures: tuple[Enclosure, ...]
) -> None:
    sheet = printer._sheet(order, "en")
    html, pdf = f"<p>{text}</p>\n", b"%PDF " + text.encode() * 20
    ours = mail.entity(sheet, text, html, pdf, enclosures)
    files = [(pdf, mail.file_name(sheet), ""), *((one.data, one.name, one.title) for one in enclosures)]
    assert ours == _theirs(ours, (text, html), sheet.language.locale, files)


def test_two_letters_of_one_frame_have_boundaries_of_their_own(printer: Printer, order: Order) -> None:
    sheet = printer._sheet(order, "en")
    first, second = (mail.entity(sheet, text, "<p>", b"%PDF") for text in ("One.\n", "Two.\n"))
    assert first.replace(b"One.", b"Two.") != second
    assert mail.entity(replace(sheet), "One.\n", "<p>", b"%PDF") == first


def test_a_finished_letter_is_what_the_email_package_makes(printer: Printer, order: Order, rendered: Rendered) -> None:
    ours, sheet = rendered.parts["entity"], printer._sheet(order, "en")
    words = (rendered.parts["text"].decode(), rendered.parts["html"].decode())
    files = [(rendered.parts["pdf"], mail.file_name(sheet), "")]
    assert ours == _theirs(ours, words, sheet.language.locale, files)
