"""Lists what is printed on a PDF page, thing by thing: its kind, place, size and darkness. Judges nothing.

Asks PDFium's C functions directly: a page of Arabic has two thousand things, and an object in Python for each of them
would cost more than drawing the page.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from enum import Enum
from math import hypot, sqrt
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

#: a, b, c, d, e, f as PDF 32000-1 section 8.3.3 has them.
Matrix = tuple[float, float, float, float, float, float]
#: left, bottom, right, top in points, in the page's own coordinates.
Box = tuple[float, float, float, float]
_AS_IT_IS: Matrix = (1, 0, 0, 1, 0, 0)
#: Forms within forms deeper than this are not looked into; PDFium itself stops drawing soon after.
_DEPTH = 8
#: Text that is only there to be searched, as scanners lay it over a picture (PDF 32000-1 table 106, mode 3).
_UNSEEN = 3


class Made(Enum):
    """What a thing is made of."""

    TEXT = "text"
    FILL = "fill"
    STROKE = "stroke"
    PICTURE = "picture"
    SHADING = "shading"


#: What needs no closer look than its place.
_PLAIN = {pdfium_c.FPDF_PAGEOBJ_IMAGE: Made.PICTURE, pdfium_c.FPDF_PAGEOBJ_SHADING: Made.SHADING}


class Thing(NamedTuple):
    """One thing on a page."""

    made: Made
    box: Box
    light: float  #: 0 is black, 255 white, as the eye weighs colours (ITU-R BT.601); 0 where it has no one colour
    size: float  #: points: the type's size, the line's width; else 0


def things(page: pdfium.PdfPage) -> Iterator[Thing]:
    """Everything that leaves ink on the page, in the order in which it is painted."""
    reader, raw = _Reader(), page.raw
    for number in range(pdfium_c.FPDFPage_CountObjects(raw)):
        item = pdfium_c.FPDFPage_GetObject(raw, number)
        kind = pdfium_c.FPDFPageObj_GetType(item)
        if kind != pdfium_c.FPDF_PAGEOBJ_TEXT:
            yield from reader.thing(item, kind, _AS_IT_IS, 0)
        elif text := reader.text(item, _AS_IT_IS):
            yield text


class _Reader:
    """Reads one page; keeps the few boxes that PDFium writes its answers into."""

    def __init__(self) -> None:
        self._four = [ctypes.c_float() for _ in range(4)]
        self._colour = [ctypes.c_uint() for _ in range(4)]
        self._one, self._fill, self._stroke = ctypes.c_float(), ctypes.c_int(), ctypes.c_int()
        self._found = pdfium_c.FS_MATRIX()

    def thing(self, item: Any, kind: int, outer: Matrix, depth: int) -> Iterator[Thing]:
        """The thing; where it is a form, all that stands in it. `outer` is the matrix of the form that it stands in."""
        if kind == pdfium_c.FPDF_PAGEOBJ_FORM:
            yield from self._inside(item, outer, depth)
        elif kind == pdfium_c.FPDF_PAGEOBJ_TEXT:
            if text := self.text(item, outer):
                yield text
        elif (box := self._box(item, outer)) is None:
            return
        elif kind == pdfium_c.FPDF_PAGEOBJ_PATH:
            yield from self._path(item, outer, box)
        elif kind in _PLAIN:
            yield Thing(_PLAIN[kind], box, 0, 0)

    def _inside(self, form: Any, outer: Matrix, depth: int) -> Iterator[Thing]:
        if depth >= _DEPTH:
            return
        inner = _times(self._matrix(form), outer)
        for number in range(pdfium_c.FPDFFormObj_CountObjects(form)):
            item = pdfium_c.FPDFFormObj_GetObject(form, number)
            yield from self.thing(item, pdfium_c.FPDFPageObj_GetType(item), inner, depth + 1)

    def text(self, item: Any, outer: Matrix) -> Thing | None:
        """A run of text; None for one that is not seen."""
        box = self._box(item, outer)
        if box is None or pdfium_c.FPDFTextObj_GetTextRenderMode(item) == _UNSEEN:
            return None
        pdfium_c.FPDFTextObj_GetFontSize(item, self._one)
        own = self._matrix(item)
        _, _, c, d, _, _ = own if outer is _AS_IT_IS else _times(own, outer)
        light = self._light(item, pdfium_c.FPDFPageObj_GetFillColor)
        return Thing(Made.TEXT, box, light, self._one.value * hypot(c, d))

    def _path(self, item: Any, outer: Matrix, box: Box) -> Iterator[Thing]:
        pdfium_c.FPDFPath_GetDrawMode(item, self._fill, self._stroke)
        if self._fill.value:
            yield Thing(Made.FILL, box, self._light(item, pdfium_c.FPDFPageObj_GetFillColor), 0)
        if self._stroke.value:
            pdfium_c.FPDFPageObj_GetStrokeWidth(item, self._one)
            a, b, c, d, _, _ = _times(self._matrix(item), outer)
            light = self._light(item, pdfium_c.FPDFPageObj_GetStrokeColor)
            yield Thing(Made.STROKE, box, light, self._one.value * sqrt(abs(a * d - b * c)))

    def _light(self, item: Any, colour: Any) -> float:
        """How light its colour comes out on white paper; a pattern, which has no one colour, counts as black."""
        r, g, b, a = self._colour
        if not colour(item, r, g, b, a):
            return 0
        red, green, blue, alpha = r.value, g.value, b.value, a.value
        return 255 - (255 - (0.299 * red + 0.587 * green + 0.114 * blue)) * alpha / 255

    def _box(self, item: Any, outer: Matrix) -> Box | None:
        """Where it stands on the page; None for what PDFium can give no place, such as a space."""
        p, q, r, s = self._four
        if not pdfium_c.FPDFPageObj_GetBounds(item, p, q, r, s):
            return None
        left, bottom, right, top = p.value, q.value, r.value, s.value
        if outer is _AS_IT_IS:
            return left, bottom, right, top
        corners = [_moved(x, y, outer) for x in (left, right) for y in (bottom, top)]
        across, up = [x for x, _ in corners], [y for _, y in corners]
        return min(across), min(up), max(across), max(up)

    def _matrix(self, item: Any) -> Matrix:
        found = self._found
        pdfium_c.FPDFPageObj_GetMatrix(item, found)
        return found.a, found.b, found.c, found.d, found.e, found.f


def _times(inner: Matrix, outer: Matrix) -> Matrix:
    """First `inner`, then `outer`."""
    a, b, c, d, e, f = inner
    x, y = _moved(e, f, outer)
    p, q, r, s, _, _ = outer
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, x, y


def _moved(x: float, y: float, by: Matrix) -> tuple[float, float]:
    a, b, c, d, e, f = by
    return a * x + c * y + e, b * x + d * y + f
