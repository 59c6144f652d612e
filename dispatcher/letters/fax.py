"""Draws PDF pages as a fax sees them: black and white, 1728 dots a line, 204 × 196 dots an inch (ITU-T T.4, fine)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from . import tiff

WIDTH = tiff.WIDTH
_DPI_X, _DPI_Y = 204, 196
#: Each dot is the mean of so many by so many: thin strokes survive (measured: papers on letters, 5).
_OVERSAMPLE = 3
#: Grey at and above this is paper. Lower loses the bar of the e.
PAPER = 162


#: Looks at a page while it is at hand: the page, and its drawing in grey, at fax resolution, before it is made black
#: and white and set into the line.
Look = Callable[[pdfium.PdfPage, Image.Image], None]


def fax_pages(pdf: bytes, look: Look | None = None) -> bytes:
    """The pages of `pdf` as one multi-page Group 4 TIFF. Same PDF, same bytes; `look` is shown each page in turn."""
    document = pdfium.PdfDocument(pdf)
    try:
        return tiff.write([_page(page, look) for page in document])
    finally:
        document.close()


def black_and_white(grey: Image.Image) -> Image.Image:
    """The drawing as the fax machine prints it, mode '1'."""
    return grey.point([0] * PAPER + [255] * (256 - PAPER), "1")


def _page(page: pdfium.PdfPage, look: Look | None) -> Image.Image:
    """One page, mode '1', white paper, its middle in the middle of the line."""
    wide, high = page.get_size()
    width, height = round(wide / 72 * _DPI_X), round(high / 72 * _DPI_Y)
    grey = _drawn(page, width * _OVERSAMPLE, height * _OVERSAMPLE).reduce(_OVERSAMPLE)
    if look:
        look(page, grey)
    dots = black_and_white(grey)
    sheet = Image.new("1", (WIDTH, height), 255)
    sheet.paste(dots, ((WIDTH - width) // 2, 0))
    return sheet


def _drawn(page: pdfium.PdfPage, width: int, height: int) -> Image.Image:
    """The page in grey at exactly this size; the two scales differ, which the library's own `render` cannot do."""
    bitmap = pdfium.PdfBitmap.new_native(width, height, pdfium_c.FPDFBitmap_Gray)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    pdfium_c.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, pdfium_c.FPDF_ANNOT)
    try:
        raw = ctypes.string_at(bitmap.buffer, bitmap.stride * height)
        return Image.frombytes("L", (width, height), raw, "raw", "L", bitmap.stride)
    finally:
        bitmap.close()
