"""The first fax page of the seed letter in each language, held against the page that a person looked at."""

from __future__ import annotations

import pytest
from golden import FOLDER, SIX, difference, first_page
from letter_people import order_in
from PIL import Image

from dispatcher.letters import Printer

#: Of the inked squares. One line out of forty that moves is more.
TOLERANCE = 0.01


def _golden(tag: str) -> Image.Image:
    with Image.open(FOLDER / f"{tag}-fax.png") as image:
        return image.convert("L")


@pytest.mark.parametrize("tag", SIX)
def test_the_fax_page_looks_as_it_did(printer: Printer, tag: str) -> None:
    page = first_page(printer.render(order_in(tag)).parts["tiff"])
    assert difference(page, _golden(tag)) < TOLERANCE


@pytest.mark.parametrize("tag", SIX)
def test_one_line_that_moves_by_a_millimetre_is_seen(tag: str) -> None:
    golden = _golden(tag)
    top = next(row for row in range(1000, golden.height) if _ink(golden, row) and not _ink(golden, row - 1))
    bottom = next(row for row in range(top, golden.height) if not _ink(golden, row))
    moved = golden.copy()
    moved.paste(255, (0, top, golden.width, bottom))
    moved.paste(golden.crop((0, top, golden.width, bottom)), (8, top))
    assert difference(moved, golden) > TOLERANCE


def _ink(page: Image.Image, row: int) -> bool:
    return page.crop((0, row, page.width, row + 1)).getextrema()[0] == 0
