"""Copy-fitting finds the step that halving would find, wherever it begins; and few settings are enough."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from letter_people import order_in
from PIL import Image, ImageChops

from dispatcher.letters import Order, Printer, fax
from dispatcher.letters.fitting import FULL, largest, room_left
from dispatcher.resources import resource

STEPS = 17


@dataclass(frozen=True)
class Page:
    """A page of which only the number of pages and the room at its foot matter."""

    count: int
    pdf: bytes


def page(room: float) -> Page:
    """Two pages where there is no room; else a page that is drawn as ours are, with so much room at its foot."""
    drawing = "/P<</MCID 0>>BDC\n" + "".join(_rule(high) for high in (700.0, 60.0)) + _line(60.0 + room)
    return Page(1 if room >= FULL else 2, b"1 0 obj <<>>\nstream\n" + _packed(drawing))


def _rule(high: float) -> str:
    return f"q 1 0 0 -1 70.5 {high} cm/c0 CS 0 SCN 1.1 w 4 M 0 0 m 455.81104 0 l\nS\nQ\n"


def _line(high: float) -> str:
    return f"q 1 0 0 -1 70.5 {high} cm/c0 cs 0 scn\nBT 0 Tr/f0 11 Tf 1 0 0 -1 0 0 Tm[(a)]TJ\nET\nQ\n"


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode())


def search(room: Callable[[int], float], near: int) -> tuple[int | None, int]:
    """The step that is found, and how many settings it took."""
    asked: list[int] = []

    def setting(step: int) -> Page:
        asked.append(step)
        return page(room(step))

    found = largest(setting, STEPS, near, FULL)
    return (found[0] if found else None), len(asked)


@given(fits=some.integers(0, STEPS), near=some.integers(0, STEPS - 1), step=some.floats(7.0, 30.0))
def test_every_beginning_leads_to_the_first_step_that_fits(fits: int, near: int, step: float) -> None:
    found, _ = search(lambda at: FULL + (at - fits) * step, near)
    assert found == (fits if fits < STEPS else None)


def test_a_good_guess_takes_one_setting_and_a_near_one_few() -> None:
    def room(at: int) -> float:
        return FULL + 1 + (at - 9) * 7.8

    assert search(room, 9) == (9, 1)
    assert search(room, 8) == (9, 2)
    assert search(room, 10) == (9, 2)
    assert search(room, 0)[1] <= 8


def test_the_room_at_the_foot_is_read_from_the_page() -> None:
    assert room_left(page(20.5).pdf) == pytest.approx(20.5)
    assert room_left(b"%PDF-1.7 with nothing in it") is None


@pytest.mark.parametrize("tag", ["en", "ar", "zh"])
def test_a_letter_comes_out_the_same_after_any_other(tag: str, printer: Printer) -> None:
    order = order_in(tag)
    alone = Printer(resource("templates")).render(order).parts
    printer.render(_longer(order))
    assert printer.render(order).parts == alone


def _longer(order: Order) -> Order:
    contact = replace(order.contact, postal=(*order.contact.postal, "Moscow", "Moscow"), name=order.contact.name * 2)
    return replace(order, contact=contact)


@pytest.mark.parametrize("tag", ["ar", "en", "ru", "zh"])
def test_the_largest_size_that_fits_is_taken(tag: str, printer: Printer) -> None:
    order = order_in(tag)
    sheet = printer._sheet(order, tag)
    typesetter = printer._typesetter
    for edition in ("print", "fax"):
        known = typesetter.set(sheet, edition, printer._like(sheet, order))
        for near in (0, 5, STEPS - 1):
            found = typesetter._largest(sheet, edition, near)
            assert (found[1].pdf if found else None) == (known.pdf if known.count == 1 else None)


def test_the_fax_edition_drawn_at_its_own_resolution_looks_as_if_drawn_finer(printer: Printer) -> None:
    pdf = printer.render(order_in("en")).parts["fax_pdf"]
    coarse, fine = (fax.drawn(pdf, fine=fine)[0].convert("L") for fine in (fax.STRONG_STROKES, 3))
    assert _squares(coarse, fine) < 0.02


def test_two_by_two_dots_show_thin_strokes_as_three_by_three_do(printer: Printer) -> None:
    pdf = printer.render(order_in("en")).parts["pdf"]
    two, three = (fax.drawn(pdf, fine=fine)[0].convert("L") for fine in (fax.THIN_STROKES, 3))
    assert _squares(two, three) < 0.002


def _squares(page: Image.Image, other: Image.Image) -> float:
    """The share of the inked squares of four by four dots whose grey is another by more than a third."""
    ours, theirs = page.reduce(4), other.reduce(4)
    return sum(ImageChops.difference(ours, theirs).histogram()[96:]) / sum(theirs.histogram()[:200])
