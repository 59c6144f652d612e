"""Every page of the seed letter, in six languages and both editions, held against the page that a person looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from golden import BAND, SIX, TOLERANCE, difference, editions, kept
from letterbook import Seed
from PIL import Image

from dispatcher.letters import fax


@pytest.mark.parametrize("tag", SIX)
def test_the_pages_look_as_they_did(seed: Seed, tag: str) -> None:
    """Where the change is meant: run `python tests/unit/letters/golden.py`, and look at what it wrote."""
    golden, today = kept(tag), dict(editions(seed(tag)))
    assert sorted(today) == sorted(golden)
    apart = {name: difference(page, golden[name]) for name, page in today.items()}
    assert {name: share for name, share in apart.items() if share > TOLERANCE} == {}


@pytest.mark.parametrize("tag", SIX)
def test_each_single_line_that_moves_by_one_row_of_dots_is_seen(tag: str) -> None:
    for name, page in kept(tag).items():
        lines = list(_lines(page))
        assert len(lines) > 10, name
        for top, bottom in lines:
            moved = page.copy()
            moved.paste(page.crop((0, top, page.width, bottom)), (0, top + 1))
            moved.paste(255, (0, top, page.width, top + 1))
            assert _around(moved, page, top, bottom) > TOLERANCE, f"{tag}-{name}, rows {top} to {bottom}"


def _lines(page: Image.Image) -> Iterator[tuple[int, int]]:
    """The rows of each line of text or rule: between two empty rows, and with more ink than a few dots of letters."""
    grey = page.convert("L")
    inked = [grey.crop((0, row, page.width, row + 1)).getextrema()[0] == 0 for row in range(page.height)]
    starts = [row for row in range(1, page.height) if inked[row] and not inked[row - 1]]
    ends = [row for row in range(1, page.height) if inked[row - 1] and not inked[row]]
    for top, bottom in zip(starts, ends, strict=True):
        if sum(grey.crop((0, top, page.width, bottom)).histogram()[:128]) > 400:
            yield top, bottom


def _around(moved: Image.Image, page: Image.Image, top: int, bottom: int) -> float:
    """The difference in the part of the page that the line lies in; the rest is the same."""
    part = (0, top // BAND * BAND, page.width, min((bottom // BAND + 1) * BAND, page.height))
    return difference(moved.crop(part), page.crop(part))


@pytest.mark.parametrize("tag", SIX)
def test_the_same_page_drawn_a_little_otherwise_is_no_difference(seed: Seed, tag: str) -> None:
    """So that another release of the program that draws does not break what looks the same."""
    pdf = seed(tag).parts["fax_pdf"]
    for fine, finer in zip(fax.drawn(pdf, fine=2), fax.drawn(pdf, fine=3), strict=True):
        assert 0 < difference(finer, fine) < TOLERANCE
