"""Writes and checks the TIFF that fax machines take: Group 4, one strip a page, MinIsWhite (TIFF 6.0; RFC 3949 is kin).

Pillow compresses the strips; the file around them is ours, because Pillow turns every pixel round in Python when it is
asked for MinIsWhite, and writes no page numbers.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, TiffImagePlugin

#: As its own module has it: unless that is loaded, Pillow loads all forty of its formats to find the one.
_FORMAT = TiffImagePlugin.TiffImageFile.format
WIDTH = 1728
DPI = (204, 196)
_HEADER = struct.Struct("<2sHI")
_ENTRY = struct.Struct("<HHII")
_SHORT, _LONG, _RATIONAL, _ASCII = 3, 4, 5, 2
_SIZES = {1: 1, _ASCII: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8}
_MAKER = b"Dispatcher\0"


@dataclass(frozen=True, slots=True)
class FaxPage:
    """What the directory of one page says."""

    width: int
    height: int
    dpi: tuple[float, float]
    compression: int  #: 4 is Group 4
    photometric: int  #: 0 is MinIsWhite
    strips: int
    number: int
    total: int
    start: int  #: where its code stands in the file
    size: int  #: bytes of its code, which are what the line carries


@dataclass(frozen=True, slots=True)
class Strip:
    """A page, packed: black is 1 in its Group 4 code, which is what MinIsWhite says."""

    width: int
    height: int
    code: bytes


def write(pages: Sequence[Image.Image]) -> bytes:
    """The pages (mode '1', white is 1, WIDTH wide) as one little-endian TIFF."""
    return bound([strip(page) for page in pages])


def bound(strips: Sequence[Strip]) -> bytes:
    """The packed pages as one little-endian TIFF."""
    out = bytearray(_HEADER.pack(b"II", 42, 0))
    link = 4
    for number, page in enumerate(strips):
        start = len(out)
        out += page.code + b"\0" * (len(page.code) % 2)
        struct.pack_into("<I", out, link, len(out))
        link = _append_directory(out, page, start, (number, len(strips)))
    return bytes(out)


def strip(page: Image.Image) -> Strip:
    """The page (mode '1', white is 1), packed."""
    target = io.BytesIO()
    ImageChops.invert(page).save(target, _FORMAT, compression="group4", strip_size=1 << 30)
    written = target.getvalue()
    tags = next(_directories(written))
    offsets, counts = tags[273], tags[279]
    if len(offsets) != 1:
        raise AssertionError("one page gave more than one strip")
    return Strip(*page.size, written[offsets[0] : offsets[0] + counts[0]])


def _append_directory(out: bytearray, page: Strip, start: int, number: tuple[int, int]) -> int:
    """Writes the page's directory at the end; returns where its link to the next one stands."""
    entries = _entries(page, start, number)
    extra_at = len(out) + 2 + 12 * len(entries) + 4
    extra = bytearray()
    out += struct.pack("<H", len(entries))
    for tag, kind, count, value in entries:
        if isinstance(value, bytes):
            out += _ENTRY.pack(tag, kind, count, extra_at + len(extra))
            extra += value
        else:
            out += _ENTRY.pack(tag, kind, count, value)
    link = len(out)
    out += b"\0\0\0\0" + extra
    return link


def _entries(page: Strip, start: int, number: tuple[int, int]) -> list[tuple[int, int, int, int | bytes]]:
    """Tag, type, count, value (bytes stand apart), in ascending order as TIFF 6.0 asks."""
    return [
        (254, _LONG, 1, 2),  # NewSubfileType: a page of several
        (256, _LONG, 1, page.width),
        (257, _LONG, 1, page.height),
        (258, _SHORT, 1, 1),
        (259, _SHORT, 1, 4),  # Compression: Group 4
        (262, _SHORT, 1, 0),  # PhotometricInterpretation: MinIsWhite
        (266, _SHORT, 1, 1),  # FillOrder: most significant bit first
        (273, _LONG, 1, start),
        (277, _SHORT, 1, 1),
        (278, _LONG, 1, page.height),  # RowsPerStrip: all of them
        (279, _LONG, 1, len(page.code)),
        (282, _RATIONAL, 1, struct.pack("<II", DPI[0], 1)),
        (283, _RATIONAL, 1, struct.pack("<II", DPI[1], 1)),
        (293, _LONG, 1, 0),  # T6Options: none
        (296, _SHORT, 1, 2),  # ResolutionUnit: inch
        (297, _SHORT, 2, number[0] | number[1] << 16),  # PageNumber: from 0, of so many
        (305, _ASCII, len(_MAKER), _MAKER + b"\0" * (len(_MAKER) % 2)),  # what follows stands at an even place
    ]


def pages_of(data: bytes) -> tuple[FaxPage, ...]:
    """What each page's directory says. Raises ValueError when the bytes are not such a TIFF."""
    try:
        return tuple(_fax_page(tags) for tags in _directories(data))
    except (struct.error, KeyError, IndexError, ZeroDivisionError) as error:
        raise ValueError(f"not a fax TIFF: {error!r}") from None


def faults(data: bytes, *, unpack: bool = True) -> list[str]:
    """Why a fax line would not take this TIFF; empty when it would. `unpack`: look into the strips too."""
    try:
        pages = pages_of(data)
    except ValueError as error:
        return [str(error)]
    found = [f"page {n}: {fault}" for n, page in enumerate(pages) for fault in _page_faults(page, n, len(pages))]
    return found or (_undecodable(data) if unpack else []) if pages else ["has no page"]


def _page_faults(page: FaxPage, number: int, total: int) -> Iterator[str]:
    wanted = {
        "width": (page.width, WIDTH),
        "resolution": (page.dpi, DPI),
        "compression": (page.compression, 4),
        "photometric": (page.photometric, 0),
        "strips": (page.strips, 1),
        "page number": ((page.number, page.total), (number, total)),
    }
    yield from (f"{name} is {got}, not {want}" for name, (got, want) in wanted.items() if got != want)


def _undecodable(data: bytes) -> list[str]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                image.load()
    except (OSError, ValueError, SyntaxError) as error:
        return [f"cannot be decoded: {error}"]
    return []


def _directories(data: bytes) -> Iterator[dict[int, tuple[int, ...]]]:
    order, magic, at = _HEADER.unpack_from(data)
    if (order, magic) != (b"II", 42):
        raise ValueError("not a little-endian TIFF")
    seen: set[int] = set()
    while at:
        if at in seen:
            raise ValueError("not a fax TIFF: its directories go in a circle")
        seen.add(at)
        (count,) = struct.unpack_from("<H", data, at)
        rows = [_ENTRY.unpack_from(data, at + 2 + 12 * i) for i in range(count)]
        yield {tag: _values(data, at + 2 + 12 * i + 8, kind, n) for i, (tag, kind, n, _) in enumerate(rows)}
        (at,) = struct.unpack_from("<I", data, at + 2 + 12 * count)


def _values(data: bytes, at: int, kind: int, count: int) -> tuple[int, ...]:
    size = _SIZES.get(kind, 1) * count
    if size > len(data):
        raise ValueError("not a fax TIFF: a field is longer than the file")
    (start,) = (at,) if size <= 4 else struct.unpack_from("<I", data, at)
    letter = {_SHORT: "H", _LONG: "I", _RATIONAL: "I"}.get(kind, "B")
    return struct.unpack_from(f"<{count * (2 if kind == _RATIONAL else 1)}{letter}", data, start)


def _fax_page(tags: dict[int, tuple[int, ...]]) -> FaxPage:
    return FaxPage(
        width=tags[256][0],
        height=tags[257][0],
        dpi=(tags[282][0] / tags[282][1], tags[283][0] / tags[283][1]),
        compression=tags[259][0],
        photometric=tags[262][0],
        strips=len(tags[273]),
        number=tags[297][0],
        total=tags[297][1],
        start=tags[273][0],
        size=sum(tags[279]),
    )
