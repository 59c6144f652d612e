"""Packs the drawing of a fax page for the line, band by band: what stood on a page before is not packed again.

A band is what stands between two blank rows of dots, mostly a line of text, and letters of one campaign have many lines
in common. Knows nothing of PDF.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from . import tiff

#: Grey at and above this is paper. Lower loses the bar of the e.
PAPER = 162
#: How many bands are kept, of half a kilobyte each: the lines of some hundred texts.
_KEPT = 4096
_WHITE = b"\xff"
#: The end of a page in Group 4 (ITU-T T.6, 2.4.1.1): two end-of-line codes.
_END, _END_BITS = 0x001001, 24


class Code(NamedTuple):
    """A piece of Group 4 code: so many bits of a number, the first bit on top."""

    value: int
    bits: int


class Band(NamedTuple):
    """A band as it goes over the line, with how many of its dots are black."""

    code: Code
    black: int


class Packed(NamedTuple):
    """A page as it goes over the line, with how many of its dots are black."""

    strip: tiff.Strip
    black: int


def black_and_white(grey: Image.Image) -> Image.Image:
    """The drawing as the fax machine prints it, mode '1'."""
    return grey.point([0] * PAPER + [255] * (256 - PAPER), "1")


def set_in_line(grey: Image.Image, rows: int, top: int = 0) -> Image.Image:
    """The drawing in black and white, mode '1', its middle in the middle of the line, below `top` white rows."""
    sheet = Image.new("1", (tiff.WIDTH, rows), 255)
    sheet.paste(black_and_white(grey), ((tiff.WIDTH - grey.width) // 2, top))
    return sheet


def packed(grey: Image.Image, dots: bytes | bytearray) -> Packed:
    """The drawing, set in the line and packed. `dots` are its own, row by row. Bit by bit what `tiff.strip` gives.

    Group 4 describes each row by the one above it. Below a blank row a band's code is therefore always the same, and a
    blank row below a blank row is a single 1 (T.6, 2.2.5: V0).
    """
    value, bits, black, row = 0, 0, 0, 0
    for first, after in _inked(dots, grey.width, grey.height):
        band = _BANDS.of(grey, dots, (first, after))
        blank = first - row
        value = ((value << blank | (1 << blank) - 1) << band.code.bits) | band.code.value
        bits += blank + band.code.bits
        black += band.black
        row = after
    blank = grey.height - row
    value, bits = (value << blank | (1 << blank) - 1) << _END_BITS | _END, bits + blank + _END_BITS
    spare = -bits % 8
    code = (value << spare).to_bytes((bits + spare) // 8, "big")
    return Packed(tiff.Strip(tiff.WIDTH, grey.height, code), black)


def _inked(dots: bytes | bytearray, wide: int, high: int) -> Iterator[tuple[int, int]]:
    """The first row of each band, and the row after the blank one that ends it, or after the last row of the page."""
    white, first = _WHITE * wide, None
    for row in range(high):
        blank = dots.startswith(white, row * wide)
        if first is None and not blank:
            first = row
        elif first is not None and blank:
            yield first, row + 1
            first = None
    if first is not None:
        yield first, high


class _Bands:
    """The bands of the last pages, under the digests of their drawings."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Band] = {}

    def of(self, grey: Image.Image, dots: bytes | bytearray, rows: tuple[int, int]) -> Band:
        """The band of these rows, packed now or before. It may be kept: nothing else goes into it than its dots."""
        wide = grey.width
        key = wide.to_bytes(4, "big") + hashlib.sha256(memoryview(dots)[rows[0] * wide : rows[1] * wide]).digest()
        band = self._kept.get(key)
        if band is None:
            band = self._kept[key] = _band(grey.crop((0, rows[0], wide, rows[1])))
            while len(self._kept) > _KEPT:
                self._kept.pop(next(iter(self._kept)), None)
        return band


_BANDS = _Bands()


def _band(grey: Image.Image) -> Band:
    strip = tiff.strip(set_in_line(grey, grey.height))
    return Band(_without_end(strip.code), sum(grey.histogram()[:PAPER]))


def _without_end(code: bytes) -> Code:
    value = int.from_bytes(code, "big")
    spare = (value & -value).bit_length() - 1  # the code ends with a 1, and is filled up to a byte with 0
    value >>= spare
    if value & (1 << _END_BITS) - 1 != _END:
        raise AssertionError("a page of Group 4 code without an end")
    return Code(value >> _END_BITS, 8 * len(code) - spare - _END_BITS)
