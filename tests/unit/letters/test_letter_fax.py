"""The fax pages, read byte by byte and with Pillow."""

from __future__ import annotations

import io
import struct

import pytest
from letterbook import Own
from PIL import Image

from dispatcher.letters import Order, Printer, fax, tiff

A4_ROWS = 2292


@pytest.fixture(scope="module")
def pages(printer: Printer, order: Order) -> bytes:
    return printer.render(order).parts["tiff"]


def _tags(data: bytes, at: int) -> tuple[dict[int, tuple[int, int, bytes]], int]:
    """One directory, read by hand: tag → type, count, the four bytes of value or offset; and the next one's place."""
    (count,) = struct.unpack_from("<H", data, at)
    rows = [struct.unpack_from("<HHI4s", data, at + 2 + 12 * i) for i in range(count)]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    return {tag: (kind, n, value) for tag, kind, n, value in rows}, struct.unpack_from("<I", data, at + 2 + 12 * count)[
        0
    ]


def test_the_file_says_what_a_fax_line_needs(pages: bytes) -> None:
    assert pages[:4] == b"II*\0"
    tags, following = _tags(pages, struct.unpack_from("<I", pages, 4)[0])
    assert following == 0
    number = {tag: int.from_bytes(value, "little") for tag, (_, _, value) in tags.items()}
    assert (number[256], number[257]) == (1728, A4_ROWS)
    assert (number[258], number[259], number[262], number[266]) == (1, 4, 0, 1)
    assert tags[273][1] == tags[279][1] == 1
    assert number[278] == A4_ROWS
    assert (number[293], number[296]) == (0, 2)
    assert struct.unpack("<HH", tags[297][2]) == (0, 1)
    for tag, dots in ((282, 204), (283, 196)):
        assert struct.unpack_from("<II", pages, number[tag]) == (dots, 1)
    assert number[273] + number[279] <= len(pages)


def test_pillow_sees_black_letters_on_white_paper(pages: bytes) -> None:
    with Image.open(io.BytesIO(pages)) as image:
        assert (image.mode, image.size) == ("1", (1728, A4_ROWS))
        grey = image.convert("L")
    black = grey.histogram()[0] / (1728 * A4_ROWS)
    assert 0.01 < black < 0.10
    margin = (1728 - 1687) // 2
    for box in ((0, 0, margin, A4_ROWS), (1728 - margin, 0, 1728, A4_ROWS)):
        assert grey.crop(box).getextrema() == (255, 255)


def test_the_top_ten_millimetres_are_free_for_the_senders_line(pages: bytes) -> None:
    with Image.open(io.BytesIO(pages)) as image:
        assert image.convert("L").crop((0, 0, 1728, round(196 * 10 / 25.4))).getextrema() == (255, 255)


def test_later_pages_leave_the_top_free_too_and_are_numbered(own: Own, order: Order) -> None:
    long = "\n\n".join("A paragraph of some length that is here to fill the page. " * 6 for _ in range(13))
    rendered = own(long).render(Order("own", order.organisation, order.contact, (), order.sender, order.letter_date))
    directories = tiff.pages_of(rendered.parts["tiff"])
    assert rendered.fax_pages == len(directories) == 2
    assert [(page.number, page.total) for page in directories] == [(0, 2), (1, 2)]
    assert tiff.faults(rendered.parts["tiff"]) == []
    with Image.open(io.BytesIO(rendered.parts["tiff"])) as image:
        image.seek(1)
        assert image.convert("L").crop((0, 0, 1728, round(196 * 10 / 25.4))).getextrema() == (255, 255)


def test_drawing_twice_gives_the_same_bytes(printer: Printer, order: Order) -> None:
    pdf = printer.render(order).parts["fax_pdf"]
    assert fax.fax_pages(pdf) == fax.fax_pages(pdf)


def test_a_letter_goes_in_less_than_a_minute_at_9600(pages: bytes) -> None:
    assert len(pages) * 8 / 9600 < 60


def _spoilt(data: bytes, tag: int, value: int) -> bytes:
    at = struct.unpack_from("<I", data, 4)[0]
    for i in range(struct.unpack_from("<H", data, at)[0]):
        row = at + 2 + 12 * i
        if struct.unpack_from("<H", data, row)[0] == tag:
            return data[: row + 8] + struct.pack("<I", value) + data[row + 12 :]
    raise AssertionError(tag)


@pytest.mark.parametrize(
    ("tag", "value", "fault"),
    [
        (256, 1700, "width"), (259, 1, "compression"), (262, 1, "photometric"), (297, 5, "page number"),
        (282, 0, "resolution"),
    ],
)  # fmt: skip
def test_a_spoilt_file_is_found_out(pages: bytes, tag: int, value: int, fault: str) -> None:
    assert fault in " ".join(tiff.faults(_spoilt(pages, tag, value)))


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"II*\0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"])
def test_what_is_no_fax_file_is_found_out(data: bytes) -> None:
    assert tiff.faults(data)


def test_a_file_cut_short_is_found_out(pages: bytes) -> None:
    assert tiff.faults(pages[: len(pages) // 2])
