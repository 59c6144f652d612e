"""The first letter, word for word, in every form; and what its pages declare."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from letterbook import html_text, pdf_text, words

from dispatcher.letters import Order, Printer, Rendered

SEED = Path(__file__).parents[2] / "fixtures/seed-letter.txt"
TITLE = ["CLUSTER", "MUNITION", "COALITION"]


@pytest.fixture(scope="module")
def seed(printer: Printer, order: Order) -> Rendered:
    return printer.render(order)


@pytest.fixture(scope="module")
def seed_words() -> list[str]:
    return words(SEED.read_text(encoding="utf-8"))


@pytest.mark.parametrize("part", ["pdf", "fax_pdf"])
def test_the_pages_say_the_seed_letter_word_for_word_in_its_order(
    seed: Rendered, seed_words: list[str], part: str
) -> None:
    assert words(pdf_text(seed.parts[part])) == TITLE + seed_words


def test_the_web_page_says_the_seed_letter_word_for_word(seed: Rendered, seed_words: list[str]) -> None:
    assert words(html_text(seed.parts["html"])) == TITLE + seed_words


def test_the_text_says_the_seed_letter_word_for_word_and_keeps_to_72_columns(
    seed: Rendered, seed_words: list[str]
) -> None:
    text = seed.parts["text"].decode()
    found = words(text)
    assert max(map(len, text.splitlines())) <= 72
    assert "\n-- \n" in text
    found.remove("--")
    assert found == TITLE + seed_words
    assert "\N{NO-BREAK SPACE}" not in text


def test_the_letter_has_one_page_and_one_fax_page(seed: Rendered) -> None:
    assert (seed.pages, seed.fax_pages, seed.warnings) == (1, 1, ())
    assert seed.subject == "Air strikes in the Syrian Arab Republic"


def test_the_pages_declare_the_standards_for_archives_and_for_readers(seed: Rendered) -> None:
    for part in ("pdf", "fax_pdf"):
        pdf = seed.parts[part]
        assert b"<pdfaid:part>2</pdfaid:part>" in pdf
        assert b"<pdfaid:conformance>A</pdfaid:conformance>" in pdf
        assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
        assert b"Re: Air strikes in the Syrian Arab Republic" in pdf
        assert b"2015-10-01T12:00:00" in pdf


def test_the_fax_pages_are_set_in_a_face_for_faxes(seed: Rendered) -> None:
    assert b"EBGaramond" in seed.parts["pdf"]
    assert b"EBGaramond" not in seed.parts["fax_pdf"]
    assert b"SourceSans3" in seed.parts["fax_pdf"]


def test_the_page_fetches_nothing_and_runs_nothing(seed: Rendered) -> None:
    page = seed.parts["html"].decode()
    for trace in ("src=", "url(", "@import", "<script", "<link", "<img", "http://", "https://"):
        assert trace not in page
    assert '<html lang="en" dir="ltr">' in page


def test_the_entity_carries_text_page_and_pdf_and_names_nobody(seed: Rendered) -> None:
    raw = seed.parts["entity"]
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert set(message.keys()) == {"Content-Type", "MIME-Version"}
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf",
    ]  # fmt: skip
    plain, page, pdf = (part for part in message.walk() if not part.is_multipart())
    assert plain.get_content().replace("\r\n", "\n").encode() == seed.parts["text"]
    assert page.get_content().replace("\r\n", "\n").encode() == seed.parts["html"]
    assert pdf.get_content() == seed.parts["pdf"]
    assert pdf.get_filename() == "2015-10-01-air-strikes-in-the-syrian-arab-republic.pdf"
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 78


def test_the_same_letter_serves_another_state(printer: Printer, order: Order) -> None:
    contact = replace(order.contact, state="the Republic of Freedonia", country="Freedonia", name="Rufus T. Firefly")
    text = printer.render(replace(order, contact=contact, copies=())).parts["text"].decode()
    flowing = " ".join(text.split())
    assert "armed forces of the Republic of Freedonia refrain" in flowing
    assert "The Republic of Freedonia voted in favor" in flowing
    assert "Russia" not in flowing
    assert "cc." not in flowing


def test_a_follow_up_names_the_date_of_the_first_letter(printer: Printer, order: Order) -> None:
    later = replace(order, letter="air-strikes-follow-up", letter_date=date(2015, 10, 22), first_date=date(2015, 10, 1))
    rendered = printer.render(later)
    flowing = " ".join(rendered.parts["text"].decode().split())
    assert "Geneva, 22 October 2015" in flowing
    assert "our letter of 1 October 2015, in which the Cluster Munition Coalition requested" in flowing
    assert rendered.subject.endswith("our letter of 1 October 2015")


@pytest.mark.parametrize("letter", ["air-strikes", "air-strikes-follow-up", "briefing-invitation"])
def test_every_letter_that_we_ship_passes_its_check(printer: Printer, order: Order, letter: str) -> None:
    assert printer.check(letter, order.organisation, "en") == []
    assert printer.render(replace(order, letter=letter)).pages == 1
