"""Copy-fitting: the letters of one text are of one size, a longer one is made smaller, and few settings are enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from letter_people import order_in
from PIL import Image, ImageChops

from dispatcher.letters import Order, Printer, fax
from dispatcher.letters.fitting import from_step, largest
from dispatcher.resources import resource

STEPS = 17


@dataclass(frozen=True)
class Page:
    """A page of which only the number of pages matters."""

    count: int


def searched(fits: int, look: Callable[[Callable[[int], Page]], object]) -> tuple[object, list[int]]:
    """What is found where steps from `fits` on fit, and the steps that were set for it."""
    asked: list[int] = []

    def setting(step: int) -> Page:
        asked.append(step)
        return Page(1 if step >= fits else 2)

    return look(setting), asked


@given(fits=some.integers(0, STEPS))
def test_halving_finds_the_first_step_that_fits(fits: int) -> None:
    found, asked = searched(fits, lambda setting: largest(setting, STEPS))
    assert (found[0] if isinstance(found, tuple) else None) == (fits if fits < STEPS else None)
    assert len(asked) <= 5


@given(fits=some.integers(0, STEPS), base=some.integers(0, STEPS + 3))
def test_a_letter_of_common_length_is_set_once_and_a_longer_one_made_smaller(fits: int, base: int) -> None:
    found, asked = searched(fits, lambda setting: from_step(setting, STEPS, base))
    assert (found is not None) == (fits < STEPS)
    assert asked == sorted(asked)
    assert len(asked) == 1 if fits <= base else len(asked) <= 6
    assert asked[0] == min(base, STEPS - 1)


@pytest.mark.parametrize("tag", ["en", "ar", "zh"])
def test_a_letter_comes_out_the_same_after_any_other(tag: str, printer: Printer) -> None:
    order = order_in(tag)
    alone = Printer(resource("templates")).render(order).parts
    printer.render(_longer(order))
    assert printer.render(order).parts == alone


def _longer(order: Order) -> Order:
    contact = replace(order.contact, postal=(*order.contact.postal, "Moscow", "Moscow"), name=order.contact.name * 2)
    return replace(order, contact=contact)


@pytest.mark.parametrize("tag", ["ar", "en", "es", "fr", "ru", "zh"])
def test_a_letter_is_set_nearly_as_large_as_its_page_allows(tag: str, printer: Printer) -> None:
    order = order_in(tag)
    sheet = printer._sheet(order, tag)
    typesetter, like = printer._typesetter, printer._like(sheet, order)
    for edition in ("print", "fax"):
        common, own = typesetter.set(sheet, edition, like), typesetter.set(sheet, edition)
        assert common.count == own.count
        assert 0 <= common.fit - own.fit <= 1.0 or own.count > 1


def test_letters_of_one_text_are_of_one_size(printer: Printer) -> None:
    order = replace(order_in("en"), copies=())
    names = ("Ana Li", "Maria Anna Muster", "Friederike von Hohenlohe-Bartenstein")
    sheets = [printer._sheet(replace(order, contact=replace(order.contact, name=name)), "en") for name in names]
    like = printer._like(sheets[0], order)
    assert len({printer._typesetter.set(sheet, "print", like).fit for sheet in sheets}) == 1


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
