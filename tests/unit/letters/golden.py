"""The pages as they were when a person last looked at them, in both editions, at the resolution of a fax.

Run as a program, it takes today's pages as the new ones; look at each of them before you commit it:

    python tests/unit/letters/golden.py
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from letter_people import order_in
from PIL import Image, ImageChops, ImageSequence

from dispatcher.letters import Printer, Rendered, fax
from dispatcher.resources import resource

FOLDER = Path(__file__).parents[2] / "fixtures/letters"
SIX = ("ar", "en", "es", "fr", "ru", "zh")
#: Pages are compared in bands of so many rows, about the height of a letter: what one line does, others cannot hide.
BAND = 24
#: A band with less ink than this share is compared as if it had it: one dot of a dotted line is no line.
_FAINT = 0.004
#: The share of a band's ink that may look otherwise. Drawn a little otherwise, a page changes by 0.02 at the most; a
#: line that moves by one row of dots changes the band that it lies in by 0.18 and more, mostly by 0.4.
TOLERANCE = 0.12


def editions(rendered: Rendered) -> Iterator[tuple[str, Image.Image]]:
    """Every page of a letter in black and white, and its name: 'print-1', 'fax-2'."""
    for edition, tiff in (("print", fax.fax_pages(rendered.parts["pdf"])), ("fax", rendered.parts["tiff"])):
        with Image.open(io.BytesIO(tiff)) as pages:
            for number, page in enumerate(ImageSequence.Iterator(pages), 1):
                yield f"{edition}-{number}", page.convert("1")


def kept(tag: str) -> dict[str, Image.Image]:
    """The golden pages of a language."""
    pages = {}
    for file in sorted(FOLDER.glob(f"{tag}-*.png")):
        with Image.open(file) as image:
            pages[file.stem.removeprefix(f"{tag}-")] = image.convert("1")
    return pages


def difference(page: Image.Image, golden: Image.Image) -> float:
    """In the band that differs most, the dots that are otherwise as a share of the inked ones; 1 for another size."""
    if page.size != golden.size:
        return 1.0
    apart = _bands(ImageChops.logical_xor(page, golden))
    ink = _bands(ImageChops.invert(golden))
    return max(changed / max(inked, _FAINT) for changed, inked in zip(apart, ink, strict=True))


def _bands(dots: Image.Image) -> list[float]:
    """The share of white dots in each band of rows."""
    column = dots.convert("F").reduce((dots.width, BAND))
    return [grey / 255 for grey in memoryview(column.tobytes()).cast("f")]


def main() -> None:
    printer = Printer(resource("templates"))
    for old in FOLDER.glob("??-*.png"):
        old.unlink()
    for tag in SIX:
        for name, page in editions(printer.render(order_in(tag))):
            page.save(FOLDER / f"{tag}-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
