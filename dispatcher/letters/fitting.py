"""Looks for the largest size in which a letter fits its page, with as few settings as it can. Reads how much room is
left on a page; sets nothing itself."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Protocol, TypeVar

#: Room between the last line and the rule at the foot of a full page, in points; the foot of Arabic letters is deeper.
FULL, FULL_ARABIC = 16.5, 13.5
#: What one step more takes at least, and what it takes mostly, with the line that it adds now and then. Measured over
#: all steps of the shipped letters.
_LEAST, _MOSTLY = 7.0, 12.0
_STREAM = re.compile(rb"stream\r?\n")
_PLACE = re.compile(rb"q 1 0 0 -1 \S+ (\S+) cm")
_RULE = re.compile(rb"q 1 0 0 -1 \S+ (\S+) cm[^\n]* w [^\n]*0 0 m \S+ 0 l\n")


class Counted(Protocol):
    """A set letter."""

    @property
    def pdf(self) -> bytes: ...

    @property
    def count(self) -> int: ...


P = TypeVar("P", bound=Counted)


def largest(setting: Callable[[int], P], steps: int, near: int, full: float) -> tuple[int, P] | None:
    """The first of so many steps at which one page is enough, and that page; None where it is at none.

    Begins at `near`. A page that fits tells by its room whether the step before can fit too; one that does not fit is
    followed by later steps, further and further away. What fits is taken to fit at later steps too. `full`: the room
    of a page that is full.
    """
    low, high, step, stride, best = 0, steps, near, 1, None
    while low < high:
        page = setting(step)
        if page.count == 1:
            high, best = step, (step, page)
            step = max(step - _more(page.pdf, full), low)
            low = high if step == high else low
        else:
            low = step + 1
            step = min(step + stride, steps - 1) if high == steps else (low + high) // 2
            stride *= 2
    return best


def _more(pdf: bytes, full: float) -> int:
    """By how many steps the letter could be larger; 1 where the page does not tell."""
    room = room_left(pdf)
    if room is None:
        return 1
    return max(int((room - full) / _MOSTLY), 1) if room - full >= _LEAST else 0


def room_left(pdf: bytes) -> float | None:
    """Points between the last rule of the first page, at its foot, and what stands above it; None without a rule."""
    drawing = _drawing(pdf)
    rules = _RULE.findall(drawing)
    if len(rules) < 2:
        return None
    foot = float(rules[-1])
    above = [high for high in map(float, _PLACE.findall(drawing)) if high > foot]
    return min(above) - foot


def _drawing(pdf: bytes) -> bytes:
    """The first stream that draws a tagged page, unpacked; b'' where there is none."""
    for found in _STREAM.finditer(pdf):
        try:
            if b"BDC" in zlib.decompressobj().decompress(pdf[found.end() : found.end() + 1000], 200):
                return zlib.decompressobj().decompress(pdf[found.end() :])
        except zlib.error:
            continue
    return b""
