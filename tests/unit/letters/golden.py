"""The fax pages as they were when a person last looked at them. Run as a program, it takes today's as the new ones."""

from __future__ import annotations

import io
from pathlib import Path

from letter_people import order_in
from PIL import Image, ImageChops

from dispatcher.letters import Printer
from dispatcher.resources import resource

FOLDER = Path(__file__).parents[2] / "fixtures/letters"
SIX = ("ar", "en", "es", "fr", "ru", "zh")
#: Squares of so many dots are compared by their grey: a stroke that another release draws a dot wider is no difference.
_SQUARE = 4
_APART = 96


def first_page(tiff: bytes) -> Image.Image:
    with Image.open(io.BytesIO(tiff)) as image:
        return image.convert("L")


def difference(page: Image.Image, golden: Image.Image) -> float:
    """The share of the golden page's inked squares that look otherwise; 1 where the sizes differ."""
    if page.size != golden.size:
        return 1.0
    ours, theirs = page.reduce(_SQUARE), golden.reduce(_SQUARE)
    inked = sum(theirs.histogram()[:200])
    return sum(ImageChops.difference(ours, theirs).histogram()[_APART:]) / inked


def main() -> None:
    printer = Printer(resource("templates"))
    FOLDER.mkdir(exist_ok=True)
    for tag in SIX:
        first_page(printer.render(order_in(tag)).parts["tiff"]).convert("1").save(
            FOLDER / f"{tag}-fax.png", optimize=True
        )


if __name__ == "__main__":
    main()
