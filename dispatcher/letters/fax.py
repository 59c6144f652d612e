"""Draws PDF pages as a fax sees them: black and white, 1728 dots a line, 204 × 196 dots an inch (ITU-T T.4, fine)."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from . import tiff
from .bands import PAPER, packed, set_in_line

WIDTH = tiff.WIDTH
_DPI_X, _DPI_Y = 204, 196
#: The paper of a fax, in points: as wide as US Letter, as long as A4. So little more is not worth a smaller print.
_WIDEST, _LONGEST = 612, 841.89
_SPARE = 1.003
#: Each dot is the mean of so many by so many, so that thin strokes survive.
THIN_STROKES = 2
#: In the face of our fax edition no stroke is thin: it looks as if drawn finer (test_letter_fitting.py compares).
STRONG_STROKES = 1


#: Looks at a page while it is at hand: the page, its drawing in grey, at fax resolution, before it is made black and
#: white and set into the line, and how many of its dots come out black. The drawing lasts no longer than the look: the
#: next page is drawn over it.
Look = Callable[[pdfium.PdfPage, Image.Image, int], None]

# Pillow gives the memory of each picture back at once, and the system takes as long to hand out and blank as much again
# as all that is done to a page. Three pictures are about at a time.
Image.core.set_blocks_max(3)  # type: ignore[attr-defined]  # PILLOW_BLOCKS_MAX, which is read too early for us


def fax_pages(pdf: bytes, look: Look | None = None) -> bytes:
    """The pages of `pdf` as one multi-page Group 4 TIFF. Same PDF, same bytes; `look` is shown each page in turn."""
    return tiff.bound(coded(pdf, look))


def coded(pdf: bytes, look: Look | None = None, free: int = 0, fine: int = THIN_STROKES) -> list[tiff.Strip]:
    """The pages of `pdf`, packed for the line; one that has ink in its first `free` rows is set below them.

    `fine`: how finely the strokes are drawn, THIN_STROKES or STRONG_STROKES.
    """
    return [_coded(page, look, free, fine) for page in _pages(pdf)]


def drawn(pdf: bytes, free: int = 0, fine: int = THIN_STROKES) -> list[Image.Image]:
    """What `coded` packs, as pictures: mode '1', white paper."""
    return [_shown(page, free, fine) for page in _pages(pdf)]


def _pages(pdf: bytes) -> Iterator[pdfium.PdfPage]:
    document = pdfium.PdfDocument(pdf)
    try:
        yield from document
    finally:
        document.close()


def scale_for(wide: float, high: float) -> float:
    """By how much a page of this size (in points) is made smaller to fit the paper of a fax; 1: not at all.

    A page that lies on its side is turned before it is made smaller.
    """
    across, along = (high, wide) if _lies(wide, high) else (wide, high)
    scale = min(_WIDEST / across, _LONGEST / along)
    return scale if scale * _SPARE < 1 else 1.0


def _lies(wide: float, high: float) -> bool:
    return wide > max(high, _WIDEST * _SPARE)


class _Drawing(NamedTuple):
    """A page in grey, and its dots, row by row."""

    grey: Image.Image
    dots: bytes | bytearray


def _coded(page: pdfium.PdfPage, look: Look | None, free: int, fine: int) -> tiff.Strip:
    drawing, rows, top = _set(page, free, fine)
    strip, black = packed(*(drawing if drawing.grey.height == rows else _lowered(drawing.grey, rows, top)))
    if look:
        look(page, drawing.grey, black)
    return strip


def _shown(page: pdfium.PdfPage, free: int, fine: int) -> Image.Image:
    drawing, rows, top = _set(page, free, fine)
    return set_in_line(drawing.grey, rows, top)


def _lowered(grey: Image.Image, rows: int, top: int) -> _Drawing:
    paper = Image.new("L", (grey.width, rows), 255)
    paper.paste(grey, (0, top))
    return _Drawing(paper, paper.tobytes())


def _set(page: pdfium.PdfPage, free: int, fine: int) -> tuple[_Drawing, int, int]:
    """The drawing of the page, how many rows it has on the fax, and how many of them stand free above the drawing."""
    drawing = _grey(page, 1.0, fine)
    rows, top = drawing.grey.height, free if _inked(drawing.grey, free) else 0
    return (_grey(page, (rows - top) / rows, fine) if top else drawing), rows, top


def _inked(grey: Image.Image, rows: int) -> bool:
    return bool(rows) and sum(grey.crop((0, 0, grey.width, rows)).histogram()[:PAPER]) > 0


def _grey(page: pdfium.PdfPage, smaller: float, fine: int) -> _Drawing:
    """The page at fax resolution, upright, as large as the paper lets it be, times `smaller`."""
    wide, high = page.get_size()
    turned, scale = _lies(wide, high), scale_for(wide, high) * smaller
    wide, high = (high * scale, wide * scale) if turned else (wide * scale, high * scale)
    width, height = round(wide / 72 * _DPI_X), round(high / 72 * _DPI_Y)
    drawing = _drawn(page, width * fine, height * fine, turned=turned)
    if fine == 1:
        return drawing
    grey = drawing.grey.reduce(fine)
    return _Drawing(grey, grey.tobytes())


def _drawn(page: pdfium.PdfPage, width: int, height: int, *, turned: bool) -> _Drawing:
    """The page in grey at exactly this size, upright or turned; the two scales differ, which `render` cannot do.

    It is a window on the paper of this thread, and changes when the next page is drawn.
    """
    paper = _PAPER.of(width * height)
    dots = (ctypes.c_ubyte * len(paper)).from_buffer(paper)
    bitmap = pdfium.PdfBitmap.new_native(width, height, pdfium_c.FPDFBitmap_Gray, buffer=dots)
    try:
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        pdfium_c.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, int(turned), pdfium_c.FPDF_ANNOT)
    finally:
        bitmap.close()
    return _Drawing(Image.frombuffer("L", (width, height), paper, "raw", "L", width, 1), paper)


class _Paper(threading.local):
    """The memory that pages are drawn in, one after another: fresh memory costs more than the drawing of a line."""

    def __init__(self) -> None:
        self._dots = bytearray()

    def of(self, dots: int) -> bytearray:
        """At least so many dots; what was drawn in them before is still there."""
        if len(self._dots) < dots:
            self._dots = bytearray(dots)
        return self._dots


_PAPER = _Paper()
