"""One fax page that says that it is a test: for the doctor, to one's own machine. It is no letter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from PIL import Image, ImageDraw, ImageFont

from . import tiff
from .header_line import HeaderWords, strip
from .legibility import STRIP_ROWS

_FONT = ("fontpkg_source_sans_3", "files/SourceSans3[wght].ttf")
#: Rows: of a page of A4 at 196 a inch, from one line to the next, and where the first one begins.
_HEIGHT, _STEP, _TOP, _LEFT = 2292, 70, 400, 200


def trial_page(lines: Sequence[str], words: HeaderWords | None) -> bytes:
    """A TIFF of one page with these lines, and with the header line where there is one. Same lines, same bytes."""
    page = Image.new("1", (tiff.WIDTH, _HEIGHT), 255)
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        draw.text((_LEFT, _TOP + number * _STEP), line, fill=0, font=_font())
    draw.rectangle((_LEFT, _TOP - 60, tiff.WIDTH - _LEFT, _TOP - 57), fill=0)
    if words is not None:
        page.paste(strip(words, "1/1").crop((0, 0, tiff.WIDTH, STRIP_ROWS)), (0, 0))
    return tiff.write([page])


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    package, path = _FONT
    return ImageFont.truetype(str(files(package) / path), 48, layout_engine=ImageFont.Layout.BASIC)
