"""A letter with attachments: the mail read back by the standard library, the fax page by page."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pypdfium2
import pytest
from annexes import annex
from letterbook import pdf_text
from PIL import Image, ImageChops

from dispatcher.domain.errors import TemplateError
from dispatcher.domain.words import Kind
from dispatcher.letters import Order, Printer, Rendered, fax, tiff
from dispatcher.letters.address import CoverNote
from dispatcher.letters.check import MOST_FAX_PAGES, too_much
from dispatcher.letters.enclosure import Enclosure
from dispatcher.letters.header_line import HeaderWords, stamp
from dispatcher.letters.legibility import STRIP_ROWS

FACTS = Enclosure("facts.pdf", "Annex I: the facts", annex("Facts", pages=2), 2)
PLAN = Enclosure("Übersicht 2.pdf", "", annex("Plan", paper='paper: "a4", flipped: true'), 1)
NOTE = CoverNote("+442079460123", ("",))


@pytest.fixture(scope="module")
def sent(printer: Printer, order: Order) -> Rendered:
    return printer.render(replace(order, enclosures=(FACTS, PLAN), cover=NOTE))


def _files(entity: bytes) -> list[EmailMessage]:
    message = message_from_bytes(entity, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return [part for part in message.iter_attachments() if isinstance(part, EmailMessage)]


def test_the_mail_carries_the_letter_and_then_each_attachment_byte_for_byte(sent: Rendered) -> None:
    letter, facts, plan = _files(sent.parts["entity"])
    assert letter.get_content() == sent.parts["pdf"]
    assert (facts.get_filename(), facts.get_content()) == ("facts.pdf", FACTS.data)
    assert (plan.get_filename(), plan.get_content()) == ("Übersicht 2.pdf", PLAN.data)
    assert {part.get_content_type() for part in (letter, facts, plan)} == {"application/pdf"}
    assert {part.get_content_disposition() for part in (letter, facts, plan)} == {"attachment"}
    assert facts["Content-Description"] == "Annex I: the facts"
    assert plan["Content-Description"] is None


def test_the_mail_is_clean_text_on_the_wire(sent: Rendered) -> None:
    entity = sent.parts["entity"]
    assert entity.isascii()
    assert max(map(len, entity.split(b"\r\n"))) <= 78
    assert entity.count(b"\n") == entity.count(b"\r\n")


def test_the_fax_is_cover_letter_and_attachments_in_this_order(printer: Printer, order: Order, sent: Rendered) -> None:
    assert (sent.pages, sent.fax_pages) == (4, 5)
    directories = tiff.pages_of(sent.parts["tiff"])
    assert [(page.number, page.total) for page in directories] == [(n, 5) for n in range(5)]
    alone = printer.render(order).parts["tiff"]
    expected = [*fax.drawn(FACTS.data), *fax.drawn(PLAN.data)]
    with Image.open(io.BytesIO(sent.parts["tiff"])) as image, Image.open(io.BytesIO(alone)) as letter:
        image.seek(1)
        assert ImageChops.difference(image.convert("L"), letter.convert("L")).getbbox() is None
        for number, page in enumerate(expected, 2):
            image.seek(number)
            assert image.convert("1").tobytes() == page.tobytes()


def test_the_archived_fax_document_has_the_same_pages(sent: Rendered) -> None:
    document = pypdfium2.PdfDocument(sent.parts["fax_pdf"])
    texts = [page.get_textpage().get_text_range() for page in document]
    document.close()
    assert [text.strip() for text in texts[2:]] == ["Facts, page 1", "Facts, page 2", "Plan, page 1"]
    assert texts[1].startswith("CLUSTER MUNITION COALITION")
    with Image.open(io.BytesIO(sent.parts["tiff"])) as image:
        for number, page in enumerate(fax.drawn(sent.parts["fax_pdf"])[2:], 2):
            image.seek(number)
            assert image.convert("1").tobytes() == page.tobytes()
    assert b"pdfaid" not in sent.parts["fax_pdf"], "a joined document claims no standard that it may not keep"


def test_the_cover_counts_them_and_names_them(sent: Rendered) -> None:
    said = pdf_text(sent.parts["fax_pdf"]).split("CLUSTER MUNITION COALITION")[1]
    assert "Annex I: the facts" in said
    assert "Übersicht 2.pdf" in said
    assert "\r\nincluded\r\n5" in said or "included 5" in " ".join(said.split())


def test_the_letters_own_pdf_is_the_same_with_and_without_them(printer: Printer, order: Order, sent: Rendered) -> None:
    plain = printer.render(order)
    for part in ("pdf", "html", "text"):
        assert sent.parts[part] == plain.parts[part]


def test_another_printer_and_another_hour_give_the_same_bytes(printer: Printer, order: Order, sent: Rendered) -> None:
    again = printer.render(replace(order, enclosures=(FACTS, PLAN), cover=NOTE))
    digests = [hashlib.sha256(one.parts["fax_pdf"]).hexdigest() for one in (sent, again)]
    assert digests[0] == digests[1]
    assert again.parts == sent.parts


def test_their_order_and_their_bytes_change_the_letter(printer: Printer, order: Order, sent: Rendered) -> None:
    for enclosures in ((PLAN, FACTS), (FACTS,), (replace(FACTS, data=annex("Other", pages=2)), PLAN)):
        other = printer.render(replace(order, enclosures=enclosures, cover=NOTE))
        for part in ("entity", "tiff", "fax_pdf"):
            assert other.parts[part] != sent.parts[part]
        assert printer.inputs_digest(replace(order, enclosures=enclosures)) != printer.inputs_digest(
            replace(order, enclosures=(FACTS, PLAN))
        )


def test_a_page_on_its_side_is_turned_and_a_large_one_made_smaller() -> None:
    lying, large = fax.drawn(PLAN.data)[0], fax.drawn(annex("Large", paper='paper: "a3"'))[0]
    upright = fax.drawn(annex("Plan"))[0]
    assert lying.size == upright.size == large.size == (1728, 2292)
    for page in (lying, large):
        assert page.convert("L").getextrema() == (0, 255)
    # The words run down the right side of the page that was turned, and not along its top.
    left, top, right, bottom = ImageChops.invert(lying.convert("L")).getbbox() or (0, 0, 0, 0)
    assert left > 1728 / 2
    assert bottom - top > right - left


def test_a_page_that_begins_too_high_is_set_below_the_line_of_the_sender(printer: Printer, order: Order) -> None:
    high = Enclosure("high.pdf", "", annex("High", paper='paper: "a4", margin: (x: 30mm, top: 3mm)'), 1)
    rendered = printer.render(replace(order, enclosures=(high,)))
    with Image.open(io.BytesIO(rendered.parts["tiff"])) as image:
        image.seek(1)
        page = image.convert("L")
    assert page.size == (1728, 2292)
    assert page.crop((0, 0, 1728, STRIP_ROWS)).getextrema() == (255, 255)
    box = ImageChops.invert(page).getbbox()
    assert box
    assert STRIP_ROWS < box[1] < 2 * STRIP_ROWS
    assert "W_LEGIBLE_STRIP" not in [one.code for one in rendered.warnings]
    words = HeaderWords("Cluster Munition Coalition", "+41 22 920 1115", "2015-10-01 10:00", "+442079460123")
    assert tiff.faults(stamp(rendered.parts["tiff"], words)) == []


def test_a_fax_of_many_pages_says_of_what_it_is_made(sent: Rendered) -> None:
    [long] = [one for one in sent.warnings if one.code == "W_FAX_PAGES"]
    assert "the fax has 5 pages (cover 1, letter 1, attachments 3)" in long.cause


def test_what_is_pale_on_an_attachment_is_told_once_and_names_no_contact(printer: Printer, order: Order) -> None:
    pale = Enclosure("pale.pdf", "", annex("#text(fill: luma(200))[A pale sentence of some length]"), 1)
    people = [replace(order.contact, id=name) for name in ("one", "two")]
    told = [printer.render(replace(order, contact=one, enclosures=(pale,))).warnings for one in people]
    pale_ones = [{one for one in warnings if one.place.startswith("pale.pdf")} for warnings in told]
    assert pale_ones[0]
    assert pale_ones[0] == pale_ones[1]


def test_an_attachment_may_not_be_called_as_the_letter_is(printer: Printer, order: Order) -> None:
    same = replace(FACTS, name="2015-10-01-Air-strikes-in-the-Syrian-Arab-Republic.pdf")
    with pytest.raises(TemplateError, match="E_ATT_NAME"):
        printer.render(replace(order, enclosures=(same,)))


def test_no_letter_is_larger_than_what_a_far_end_takes() -> None:
    def found(kinds: set[Kind], size: int, pages: int) -> list[str]:
        return [one.code for one in too_much("contact x", kinds, size, pages, 10_000_000)]

    assert found({Kind.EMAIL, Kind.FAX}, 9_990_000, MOST_FAX_PAGES) == []
    assert found({Kind.EMAIL, Kind.FAX}, 9_999_999, MOST_FAX_PAGES + 1) == ["E_ATT_SIZE", "E_FAX_PAGES"]
    assert found({Kind.FAX}, 99_000_000, 1) == []
    assert found({Kind.EMAIL}, 1, 1_000) == []
