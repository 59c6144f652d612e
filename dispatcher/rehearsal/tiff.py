"""Reads of a TIFF what a fax machine needs: how many pages, and how many bytes of picture each. It reads nothing else.

Written apart from the code that makes our TIFFs, so that a page count it confirms is evidence. Source: TIFF 6.0,
sections 2 (structure) and 3 (StripByteCounts); BigTIFF is not read.
"""

from __future__ import annotations

import struct

STRIP_BYTE_COUNTS = 279
#: field type → (struct letter, bytes): SHORT and LONG are the two that a StripByteCounts field may have.
WIDTHS = {3: ("H", 2), 4: ("I", 4)}
MOST_PAGES = 1000


class NotATiff(ValueError):
    """The document cannot be read as TIFF pages."""


def page_sizes(document: bytes) -> tuple[int, ...]:
    """Bytes of picture data, page by page. Raises NotATiff."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(document[:4])
    if order is None:
        raise NotATiff("no TIFF header")
    try:
        return _walk(document, order)
    except struct.error as error:
        raise NotATiff("the file ends too early") from error


def _walk(document: bytes, order: str) -> tuple[int, ...]:
    sizes: list[int] = []
    (at,) = struct.unpack_from(order + "I", document, 4)
    while at:
        if len(sizes) >= MOST_PAGES:
            raise NotATiff("too many pages, or a ring of pages")
        size, at = _page(document, order, at)
        sizes.append(size)
    if not sizes:
        raise NotATiff("no page")
    return tuple(sizes)


def _page(document: bytes, order: str, at: int) -> tuple[int, int]:
    """The picture bytes of the page whose directory stands at `at`, and where the next directory stands."""
    (count,) = struct.unpack_from(order + "H", document, at)
    size = 0
    for number in range(count):
        entry = at + 2 + 12 * number
        tag, kind, values = struct.unpack_from(order + "HHI", document, entry)
        if tag == STRIP_BYTE_COUNTS:
            size = _total(document, order, entry + 8, kind, values)
    (following,) = struct.unpack_from(order + "I", document, at + 2 + 12 * count)
    if not 0 < size <= len(document):
        raise NotATiff("a page without picture data")
    return size, following


def _total(document: bytes, order: str, at: int, kind: int, values: int) -> int:
    if kind not in WIDTHS or values > len(document):
        raise NotATiff("strip sizes of an unknown type")
    letter, width = WIDTHS[kind]
    if width * values > 4:  # more than fits into the entry: it holds the place of the values instead
        (at,) = struct.unpack_from(order + "I", document, at)
    return sum(struct.unpack_from(f"{order}{values}{letter}", document, at))
