"""Looks at fax pages as the far machine prints them, 204 × 196 dots of black or white, and says what will not be read.

It looks at what stands in the PDF (sizes, colours, lines, pictures) and at the drawing before it is made black and
white, and only warns. Each finding is one kind of trouble on one page, with its place in words that people use. The
limits were measured by reading fax pages back with OCR, and leave room for bad lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from dispatcher.domain.errors import Problem

from . import bands, fax, tiff
from .ink import Box, Made, Thing, things

#: Points. Measured legible from 8 at 204 × 98 dots; the rest is room for bad lines.
SMALL_PRINT, BODY = 9.0, 10.0
#: The letterhead of our own print edition is 8.2 points, which were measured to survive even 204 × 98 dots.
OWN_SMALL_PRINT = 8.0
#: Points. Thinner lines break up, or vanish between two rows of dots.
HAIRLINE = 0.5
#: From this lightness on (0 is black, 255 white) thin strokes break up; from the second on nobody misses anything.
GREY, PAPER = 96, 250
#: The share of a page that may be black: more is slow, and wastes the recipient's toner.
BLACK_SHARE = 0.20
#: Seconds of a page on the line at 9,600 bit/s, the speed that nearly every line reaches.
PAGE_SECONDS, CAUTIOUS_RATE = 90, 9_600
#: The rows at the top, 10 mm, that the line with sender, number, date and page goes into.
STRIP_ROWS = 77
#: No more things than this are looked at on a page: a map or a technical drawing may have a million.
MOST_THINGS = 20_000
#: The share of middle greys from which a picture becomes a blot.
_MIDTONES = 0.15
_MM = 72 / 25.4
_ROWS_PER_MM, _DOTS_PER_MM = tiff.DPI[1] / 25.4, tiff.DPI[0] / 25.4

#: code → what it does to the reader, the way out.
_MEANING = {
    "W_LEGIBLE_GREY": ("is too light: its strokes break up or vanish", "Make it black"),
    "W_LEGIBLE_REVERSED": ("is white on dark: its letters fill up", "Print it black on white"),
    "W_LEGIBLE_TINT": ("is a tint: a fax has none, it becomes white or a black block", "Take it out"),
    "W_LEGIBLE_BLOCK": ("is a solid block: slow to send, and heavy on toner", "Use an outline, or leave it out"),
    "W_LEGIBLE_HAIRLINE": (f"is a line thinner than {HAIRLINE} pt: it breaks up", "Make it 1 pt"),
    "W_LEGIBLE_SMALL": ("is too small to be read on a bad line", f"Set it in {SMALL_PRINT:.0f} pt or more"),
    "W_LEGIBLE_BODY": ("is the body of the page, and small", f"Set it in {BODY:.0f} pt or more"),
    "W_LEGIBLE_PICTURE": ("is a picture in shades: a fax turns it into blots", "Use a line drawing in pure black"),
    "W_LEGIBLE_STRIP": (
        "stands in the top 10 mm, where the line with sender, date and page goes",
        "Move it down: a page without room for that line cannot leave",
    ),
    "W_LEGIBLE_EDGE": ("is cut off at the edge of the fax page", "Move it in, or make the page A4"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Spot:
    """Something that was found, where, and what it is called when it is not text."""

    code: str
    box: Box
    name: str = ""


@dataclass(slots=True)
class _Seen:
    """One page: what stands on it, and its drawing in grey at fax resolution."""

    page: pdfium.PdfPage
    grey: Image.Image
    things: list[Thing]  #: in the sizes of the fax page
    turned: bool  #: a page that lies on its side is drawn upright

    def dots(self, box: Box) -> tuple[int, int, int, int]:
        """left, top, right, bottom in dots of the drawing; the page may be turned."""
        (x1, y1), (x2, y2) = self._dot(box[0], box[1]), self._dot(box[2], box[3])
        return min(x1, x2), min(y1, y2), max(x1, x2) + 1, max(y1, y2) + 1

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        across, down = pdfium_c.c_int(), pdfium_c.c_int()
        turned = int(self.turned)
        pdfium_c.FPDF_PageToDevice(self.page, 0, 0, *self.grey.size, turned, x, y, across, down)
        return across.value, down.value

    def histogram(self, box: Box) -> list[int]:
        """How many dots of each lightness lie in the box, as far as it is on the page."""
        left, top, right, bottom = self.dots(box)
        inside = (max(left, 0), max(top, 0), min(right, self.grey.width), min(bottom, self.grey.height))
        if inside[0] >= inside[2] or inside[1] >= inside[3]:
            return [0] * 256
        return self.grey.crop(inside).histogram()


def _seen(page: pdfium.PdfPage, grey: Image.Image) -> _Seen:
    """The page as it is drawn: turned where it lay on its side, and made smaller where it was too large."""
    wide, high = page.get_size()
    scale, found = fax.scale_for(wide, high), islice(things(page), MOST_THINGS)
    printed = list(found) if scale == 1 else [one._replace(size=one.size * scale) for one in found]
    return _Seen(page, grey, printed, turned=(wide > high) != (grey.width / tiff.DPI[0] > grey.height / tiff.DPI[1]))


class Inspector:
    """Looks at one document's fax pages, one after another; hand `look` to `fax.fax_pages`, then ask for `findings`.

    `place` names the letter: 'contact ru-president'. `small` is the size in points from which small print is good.
    """

    def __init__(self, place: str, small: float = SMALL_PRINT) -> None:
        self._place, self._small = place, small
        self._pages = 0
        self._problems: list[Problem] = []

    def look(self, page: pdfium.PdfPage, grey: Image.Image, black: int) -> None:
        """Look at the next page and its drawing, of which so many dots come out black."""
        self._pages += 1
        seen = _seen(page, grey)
        spots = [spot for find in _FINDERS for spot in find(seen)]
        spots += _small(seen, self._small)
        for code in _MEANING:
            if ours := [spot for spot in spots if spot.code == code]:
                self._problems.append(self._problem(seen, code, ours))
        self._problems += self._blackness(black / (grey.width * grey.height))

    def findings(self, pages: bytes) -> list[Problem]:
        """Everything that was found. `pages` is the finished TIFF, which tells how long each page takes on the line;
        pages after those that were looked at are another document's."""
        return [*self._problems, *self._slow(tiff.pages_of(pages)[: self._pages])]

    def _problem(self, seen: _Seen, code: str, spots: Sequence[_Spot]) -> Problem:
        trouble, way_out = _MEANING[code]
        first = min(spots, key=lambda spot: (seen.dots(spot.box)[1], seen.dots(spot.box)[0]))
        top = max(round(seen.dots(first.box)[1] / _ROWS_PER_MM), 0)
        more = len({seen.dots(spot.box)[1] for spot in spots}) - 1
        others = f", and so in {more} more places" if more > 1 else ", and so in one more place" if more else ""
        cause = f"{top} mm from the top: {_called(seen, first, spots)} {trouble}{others}"
        return Problem(f"{self._place}, fax page {self._pages}", cause, way_out, code)

    def _blackness(self, share: float) -> Iterator[Problem]:
        if share > BLACK_SHARE:
            cause = f"{share:.0%} of the page are black: slow to send, and heavy on toner"
            way_out = f"Keep it under {BLACK_SHARE:.0%}: no blocks, no photographs"
            yield Problem(f"{self._place}, fax page {self._pages}", cause, way_out, "W_LEGIBLE_BLACK")

    def _slow(self, pages: Iterable[tiff.FaxPage]) -> Iterator[Problem]:
        for number, page in enumerate(pages, start=1):
            seconds = page.size * 8 / CAUTIOUS_RATE
            if seconds > PAGE_SECONDS:
                cause = f"takes {seconds:.0f} seconds on the line, where {PAGE_SECONDS} are long"
                way_out = "Take out pictures, shades and fine patterns"
                yield Problem(f"{self._place}, fax page {number}", cause, way_out, "W_LEGIBLE_SLOW")


def inspect(pdf: bytes, place: str, small: float = SMALL_PRINT) -> list[Problem]:
    """What a fax will not carry of the pages of any PDF."""
    inspector = Inspector(place, small)
    return inspector.findings(fax.fax_pages(pdf, inspector.look))


# -- what to call it ---------------------------------------------------------------------------------------------------


def _called(seen: _Seen, first: _Spot, spots: Iterable[_Spot]) -> str:
    """The words of the first line at fault, or what kind of thing it is."""
    if first.name:
        return first.name
    level = [spot.box for spot in spots if not spot.name and abs(spot.box[1] - first.box[1]) < 2]
    box = (min(b[0] for b in level), first.box[1], max(b[2] for b in level), first.box[3])
    words = " ".join(_words(seen.page, box).split())
    if len(words) > 50:
        words = words[:50].rsplit(" ", 1)[0] + " …"
    return f"the text “{words}”" if words else "a text"


def _words(page: pdfium.PdfPage, box: Box) -> str:
    text = page.get_textpage()
    try:
        found: str = text.get_text_bounded(*box)
    finally:
        text.close()
    return found


def _sized(name: str, box: Box) -> str:
    return f"{name} of {(box[2] - box[0]) / _MM:.0f} × {(box[3] - box[1]) / _MM:.0f} mm"


# -- what is looked for ------------------------------------------------------------------------------------------------


def _light_text(seen: _Seen) -> Iterator[_Spot]:
    for one in seen.things:
        if one.made is not Made.TEXT or one.light < GREY:
            continue
        counts = seen.histogram(one.box)
        dark, all_ = sum(counts[:128]), sum(counts)
        if 2 * dark > all_:
            yield _Spot("W_LEGIBLE_REVERSED", one.box)
        elif sum(counts[:PAPER]):  # white on white is no trouble of the fax
            yield _Spot("W_LEGIBLE_GREY", one.box)


def _lines(seen: _Seen) -> Iterator[_Spot]:
    for one in seen.things:
        if one.made is Made.STROKE and GREY <= one.light < PAPER:
            yield _Spot("W_LEGIBLE_GREY", one.box, "a line or frame")
        elif one.made is Made.STROKE and one.size < HAIRLINE and one.light < PAPER:
            yield _Spot("W_LEGIBLE_HAIRLINE", one.box, _sized("a line or frame", one.box))
        elif one.made is Made.FILL and one.light < PAPER and _is_hair(one.box):
            yield _Spot("W_LEGIBLE_HAIRLINE", one.box, _sized("a line", one.box))


def _is_hair(box: Box) -> bool:
    """A rule that was drawn as a filled rectangle, as office programs do."""
    wide, high = box[2] - box[0], box[3] - box[1]
    return min(wide, high) < HAIRLINE and max(wide, high) > 5 * _MM


def _fills(seen: _Seen) -> Iterator[_Spot]:
    for one in seen.things:
        wide, high = (one.box[2] - one.box[0]) / _MM, (one.box[3] - one.box[1]) / _MM
        if one.made is Made.SHADING:
            yield _Spot("W_LEGIBLE_TINT", one.box, "a run of shades")
        elif one.made is not Made.FILL or min(wide, high) < 1:
            continue
        elif GREY <= one.light < PAPER:
            yield _Spot("W_LEGIBLE_TINT", one.box, _sized("a field", one.box))
        elif min(wide, high) > 3 and wide * high > 100:
            yield from _field(seen, one.box)


def _field(seen: _Seen, box: Box) -> Iterator[_Spot]:
    """A block, or shades, which have no one colour; nothing where it is an outline, or the letters of a logo."""
    counts = seen.histogram(box)
    if sum(counts[64:200]) > _MIDTONES * sum(counts):
        if any(one.made is Made.PICTURE for one in seen.things):
            return  # it is the picture's: white fields lie under everything that office programs draw
        yield _Spot("W_LEGIBLE_TINT", box, "a run of shades")
    elif sum(counts[:128]) > 0.7 * sum(counts):
        yield _Spot("W_LEGIBLE_BLOCK", box, _sized("a field", box))


def _pictures(seen: _Seen) -> Iterator[_Spot]:
    for one in seen.things:
        if one.made is Made.PICTURE:
            counts = seen.histogram(one.box)
            if sum(counts[64:200]) > _MIDTONES * sum(counts):
                yield _Spot("W_LEGIBLE_PICTURE", one.box, _sized("something", one.box))


def _in_the_strip(seen: _Seen) -> Iterator[_Spot]:
    strip = seen.grey.crop((0, 0, seen.grey.width, STRIP_ROWS))
    if not sum(strip.histogram()[: bands.PAPER]):
        return
    high = [one for one in seen.things if seen.dots(one.box)[1] < STRIP_ROWS]
    there = [one for one in high if sum(seen.histogram(one.box)[: bands.PAPER])]
    for one in there:
        yield _Spot("W_LEGIBLE_STRIP", one.box, "" if one.made is Made.TEXT else _sized("something", one.box))
    if not there:  # what is laid over a page, such as a stamp or a comment, is none of its things
        yield _Spot("W_LEGIBLE_STRIP", seen.page.get_cropbox(fallback_ok=True), "something")


def _over_the_edge(seen: _Seen) -> Iterator[_Spot]:
    wide, high = seen.grey.size
    spare = max((wide - tiff.WIDTH) // 2, 0)  # what the line of 1728 dots does not hold, at each side
    left, right = spare - 2, wide - spare + 2
    box = seen.page.get_cropbox(fallback_ok=True)
    for one in seen.things:
        if spare == 0 and _within(one.box, box):
            continue
        x1, y1, x2, y2 = seen.dots(one.box)
        if (x1 < left or x2 > right or y1 < -2 or y2 > high + 2) and _inked(seen, one):
            yield _Spot("W_LEGIBLE_EDGE", one.box, "" if one.made is Made.TEXT else _sized("something", one.box))


def _within(inner: Box, outer: Box) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _inked(seen: _Seen, one: Thing) -> bool:
    """Not a white field that covers the page, as slide programs draw it."""
    return one.made is Made.TEXT or one.light < PAPER


def _small(seen: _Seen, limit: float) -> Iterator[_Spot]:
    """Text under the limit; not a raised figure or two. Where most of the page is under BODY, that is said instead."""
    texts = [one for one in seen.things if one.made is Made.TEXT and one.light < PAPER]
    tiny = [one for one in texts if one.size < limit - 0.05]
    if any(_wide(one) > 12 for one in tiny) or sum(map(_wide, tiny)) > 100:
        yield from (_Spot("W_LEGIBLE_SMALL", one.box) for one in tiny)
    less = [one for one in texts if one.size < BODY - 0.05]
    whole = sum(map(_wide, texts))
    if not tiny and whole > 1000 and sum(map(_wide, less)) > 0.6 * whole:
        yield from (_Spot("W_LEGIBLE_BODY", one.box) for one in less)


def _wide(one: Thing) -> float:
    return one.box[2] - one.box[0]


_FINDERS: tuple[Callable[[_Seen], Iterator[_Spot]], ...] = (
    _light_text,
    _lines,
    _fills,
    _pictures,
    _in_the_strip,
    _over_the_edge,
)
