"""The cover pages of faxes as they were when a person last looked at them, one a language.

Run as a program, it takes today's pages as the new ones; look at each of them before you commit it:

    python tests/unit/letters/covers.py
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from golden import SIX
from letter_people import order_in
from PIL import Image

from dispatcher.letters import Order, Printer, Rendered
from dispatcher.letters.address import CoverNote
from dispatcher.resources import resource

FOLDER = Path(__file__).parents[2] / "fixtures/covers"
NOTE = CoverNote("+442079460123", ("+441632960101",), "The original follows by post.")


def covered(order: Order, note: CoverNote = NOTE) -> Order:
    return replace(order, cover=note)


def first_page(rendered: Rendered) -> Image.Image:
    with Image.open(io.BytesIO(rendered.parts["tiff"])) as pages:
        return pages.convert("1")


def main() -> None:
    printer = Printer(resource("templates"))
    FOLDER.mkdir(exist_ok=True)
    for tag in SIX:
        first_page(printer.render(covered(order_in(tag)))).save(FOLDER / f"{tag}.png", optimize=True)


if __name__ == "__main__":
    main()
