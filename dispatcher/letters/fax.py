"""Draws PDF pages as a fax sees them: black and white, 1728 dots a line, 204 × 196 dots an inch (ITU-T T.4, fine)."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from . import tiff

WIDTH = tiff.WIDTH
_DPI_X, _DPI_Y = 204, 196
#: The paper of a fax, in points: as wide as US Letter, as long as A4. So little more is not worth a smaller print.
_WIDEST, _LONGEST = 612, 841.89
_SPARE = 1.003
#: Each dot is the mean of so many by so many, so that thin strokes survive. Three by three gave no other page.
THIN_STROKES = 2
#: In the face of our fax edition no stroke is thin. Read by machine it is as good as drawn finer (3 characters in 1,000
#: wrong either way; 4 against 5 where every other row is lost), and done in a tenth of the time.
STRONG_STROKES = 1
#: Grey at and above this is paper. Lower loses the bar of the e.
PAPER = 162


#: Looks at a page while it is at hand: the page, and its drawing in grey, at fax resolution, before it is made black
#: and white and set into the line. The drawing lasts no longer than the look: the next page is drawn over it.
Look = Callable[[pdfium.PdfPage, Image.Image], None]

# Pillow gives the memory of each picture back at once, and the system takes as long to hand out and blank as much again
# as all that is done to a page. Three pictures are about at a time.
Image.core.set_blocks_max(3)  # type: ignore[attr-defined]  # PILLOW_BLOCKS_MAX, which is read too early for us


def fax_pages(pdf: bytes, look: Look | None = None) -> bytes:
    """The pages of `pdf` as one multi-page Group 4 TIFF. Same PDF, same bytes; `look` is shown each page in turn."""
    return tiff.bound(coded(pdf, look))


def coded(pdf: bytes, look: Look | None = None, free: int = 0, fine: int = THIN_STROKES) -> list[tiff.Strip]:
    """The pages of `pdf` as `drawn` gives them, packed for the line one by one: a hundredth of the memory."""
    return [tiff.strip(page) for page in _pages(pdf, look, free, fine)]


def drawn(pdf: bytes, look: Look | None = None, free: int = 0, fine: int = THIN_STROKES) -> list[Image.Image]:
    """The pages of `pdf`, each as `fax_pages` sets it; one that has ink in its first `free` rows is set below them.

    `fine`: how finely the strokes are drawn, THIN_STROKES or STRONG_STROKES.
    """
    return list(_pages(pdf, look, free, fine))


def _pages(pdf: bytes, look: Look | None, free: int, fine: int) -> Iterator[Image.Image]:
    document = pdfium.PdfDocument(pdf)
    try:
        for page in document:
            yield _page(page, look, free, fine)
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


def black_and_white(grey: Image.Image) -> Image.Image:
    """The drawing as the fax machine prints it, mode '1'."""
    return grey.point([0] * PAPER + [255] * (256 - PAPER), "1")


def _page(page: pdfium.PdfPage, look: Look | None, free: int, fine: int) -> Image.Image:
    """One page, mode '1', white paper, its middle in the middle of the line."""
    grey = _grey(page, 1.0, fine)
    rows, top = grey.height, free if _inked(grey, free) else 0
    if top:
        grey = _grey(page, (rows - top) / rows, fine)
    if look:
        look(page, grey)
    sheet = Image.new("1", (WIDTH, rows), 255)
    sheet.paste(black_and_white(grey), ((WIDTH - grey.width) // 2, top))
    return sheet


def _inked(grey: Image.Image, rows: int) -> bool:
    return bool(rows) and sum(grey.crop((0, 0, grey.width, rows)).histogram()[:PAPER]) > 0


def _grey(page: pdfium.PdfPage, smaller: float, fine: int) -> Image.Image:
    """The page at fax resolution, upright, as large as the paper lets it be, times `smaller`."""
    wide, high = page.get_size()
    turned, scale = _lies(wide, high), scale_for(wide, high) * smaller
    wide, high = (high * scale, wide * scale) if turned else (wide * scale, high * scale)
    width, height = round(wide / 72 * _DPI_X), round(high / 72 * _DPI_Y)
    drawn = _drawn(page, width * fine, height * fine, turned=turned)
    return drawn.reduce(fine) if fine > 1 else drawn


def _drawn(page: pdfium.PdfPage, width: int, height: int, *, turned: bool) -> Image.Image:
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
    return Image.frombuffer("L", (width, height), paper, "raw", "L", width, 1)


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
