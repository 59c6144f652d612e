"""Who picks up under a number of the exchange, and what the line does then, for calls that are really made (t30.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .t30 import FarEnd, Heard, Line, call
from .tiff import page_sizes

#: By the exchange's code for the call, and the number of pages. A call that nobody answers is not in it.
SCENES: dict[str, Callable[[int], tuple[FarEnd, Line]]] = {
    "ok": lambda _pages: (FarEnd(), Line()),
    "E4711": lambda _pages: (FarEnd(), Line()),
    "voice": lambda _pages: (FarEnd(is_fax=False), Line()),
    "declined": lambda _pages: (FarEnd(declines=True), Line()),
    "line_lost": lambda pages: (FarEnd(), Line(cut_in_page=min(2, pages))),
    "short": lambda pages: (FarEnd(), Line(cut_in_page=pages)),
    "lost_after_last_page": lambda _pages: (FarEnd(), Line(dead_after_last_page=True)),
}


def place(code: str, number: str, document: bytes) -> Heard | None:
    """Make the call; None where nobody picks up. Raises NotATiff; OSError where the library is not installed."""
    if code not in SCENES:
        return None
    far, line = SCENES[code](len(page_sizes(document)))
    return call(document, replace(far, station=number), line)
