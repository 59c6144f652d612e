"""Finished pages as pictures: the changed words of two versions are marked where they stand; a sheet holds twelve."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdfium2
import pytest
from hostile import bare
from letterbook import pdf_text
from PIL import Image

from dispatcher.domain.errors import UserError
from dispatcher.letters import Order, Printer
from dispatcher.letters.compare import Change, Version, side_by_side, word_changes
from dispatcher.letters.thumbnails import Thumb, page_picture, sheet_of


@pytest.fixture(scope="module")
def letter(printer: Printer, order: Order) -> bytes:
    return printer.render(order).parts["pdf"]


@pytest.fixture(scope="module")
def corrected(printer: Printer, order: Order) -> bytes:
    return printer.render(replace(order, contact=replace(order.contact, name="Dmitry Medvedev"))).parts["pdf"]


def marked(pdf: bytes, channel: int) -> list[tuple[int, int]]:
    """Where the first page has points in which this colour alone is strong: of 0 red, of 1 green."""
    with Image.open(io.BytesIO(page_picture(pdf, dpi=72))) as picture:
        wide, points = picture.width, list(picture.convert("RGB").tobytes())
    pixels = zip(points[0::3], points[1::3], points[2::3], strict=True)
    others = [other for other in range(3) if other != channel]
    strong = [
        number for number, pixel in enumerate(pixels) if all(pixel[channel] > pixel[other] + 50 for other in others)
    ]
    return [(number % wide, number // wide) for number in strong]


def test_words_that_only_one_version_has_are_marked_on_its_own_side(letter: bytes, corrected: bytes) -> None:
    both = side_by_side(Version("then", "", letter), Version("now", "", corrected))
    green = marked(both, 1)
    half = 842 / 2
    assert green
    assert all(x > half for x, _ in green)
    # The addressee's first line, and nothing else: within so many points below one another.
    assert max(y for _, y in green) - min(y for _, y in green) < 15
    same = side_by_side(Version("then", "", letter), Version("now", "", letter))
    assert marked(same, 1) == []
    assert len(marked(both, 0)) > len(marked(same, 0))  # the letterhead is reddish itself
    text = pdf_text(both)
    assert text.index("then") < text.index("now")


def test_changed_words_stand_in_reading_order() -> None:
    assert word_changes("we ask you\nto stop", "we ask all of you to  stop now") == [
        Change("same", "we ask"),
        Change("new", "all of"),
        Change("same", "you to stop"),
        Change("new", "now"),
    ]
    assert word_changes("one two", "one three") == [
        Change("same", "one"),
        Change("gone", "two"),
        Change("new", "three"),
    ]


def test_a_sheet_holds_twelve_letters_a_page_with_names_in_any_script(letter: bytes) -> None:
    names = ["H.E. Ms. Elena Marchetti", "弗拉基米尔·普京", "Его Превосходительству В. В. Путину", "*not* #bold"]
    thumbs = [Thumb(letter, names[number % 4], "email · 1 page", ("one", "two", "three")) for number in range(13)]
    pdf = sheet_of("A title", "plan 1234", thumbs)
    document = pypdfium2.PdfDocument(pdf)
    try:
        assert len(document) == 2
    finally:
        document.close()
    text = pdf_text(pdf)
    assert [name for name in names if bare(name) not in bare(text)] == []
    assert text.count("and 1 more") == 13
    assert "1/2" in text


def test_a_page_that_there_is_not_is_not_drawn(letter: bytes) -> None:
    with pytest.raises(UserError, match=r"the letter has 1 pages\. Choose one of 1 to 1"):
        page_picture(letter, 2)
