"""A page packed band by band has, bit for bit, the code that the whole page packed at once has."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageDraw

from dispatcher.letters import bands, tiff

WIDTHS = (1, 900, 1687, tiff.WIDTH, 1734, 1735)


def _whole(grey: Image.Image) -> tiff.Strip:
    return tiff.strip(bands.set_in_line(grey, grey.height))


def _packed(grey: Image.Image) -> bands.Packed:
    return bands.packed(grey, grey.tobytes())


def _scribbled(chance: random.Random, wide: int, high: int) -> Image.Image:
    """Blocks of any grey anywhere; now and then none, or one that touches the first or the last row."""
    grey = Image.new("L", (wide, high), 255)
    draw = ImageDraw.Draw(grey)
    for _ in range(chance.randrange(12)):
        left, top = chance.randrange(wide), chance.randrange(high)
        draw.rectangle((left, top, left + chance.randrange(400), top + chance.randrange(10)), chance.randrange(256))
    return grey


@pytest.mark.parametrize("wide", WIDTHS)
def test_scribbles_are_packed_as_if_at_once(wide: int) -> None:
    chance = random.Random(wide)
    for _ in range(40):
        grey = _scribbled(chance, wide, chance.choice((1, 2, 60, 300)))
        packed = _packed(grey)
        assert packed.strip == _whole(grey)
        assert packed.black == sum(grey.histogram()[: bands.PAPER])


def test_noise_is_packed_as_if_at_once() -> None:
    chance = random.Random(1)
    dots = bytes(chance.choice((255, 255, 200, 0)) for _ in range(300 * 40))
    grey = Image.frombytes("L", (300, 40), dots)
    assert _packed(grey).strip == _whole(grey)


@pytest.mark.parametrize("light", [255, bands.PAPER])
def test_a_page_without_ink_is_packed_as_if_at_once(light: int) -> None:
    grey = Image.new("L", (1687, 2292), light)
    assert _packed(grey) == (_whole(grey), 0)


def test_what_was_packed_before_is_found_again_at_another_height_and_is_no_other_width() -> None:
    first = _scribbled(random.Random(5), 1687, 60)
    _packed(first)
    for wide, top in ((1687, 0), (1687, 37), (1700, 37)):
        grey = Image.new("L", (wide, 200), 255)
        grey.paste(first, (0, top))
        assert _packed(grey).strip == _whole(grey)


def test_more_bands_than_are_kept_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "_KEPT", 2)
    grey = _scribbled(random.Random(9), 1687, 300)
    for _ in range(2):
        assert _packed(grey).strip == _whole(grey)


def test_a_reader_of_tiff_sees_the_drawing() -> None:
    grey = _scribbled(random.Random(11), 1687, 300)
    with Image.open(io.BytesIO(tiff.bound([_packed(grey).strip]))) as image:
        assert image.convert("1").tobytes() == bands.set_in_line(grey, 300).tobytes()
