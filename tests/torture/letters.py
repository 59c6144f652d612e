"""The letters of a torture run: rows put in as a launch would, one tiny frozen letter for all, no rendering."""

from __future__ import annotations

import io
import random
from datetime import timedelta

from desk import bare
from desk.bare import ENTITY, letter_of, mission, queued
from PIL import Image, ImageDraw

from dispatcher.domain.model import Address
from dispatcher.domain.words import Kind
from dispatcher.usecases.office import Office

from .place import SPEED, Place, open_office

CAMPAIGN = "torture"
#: What becomes of a fax, by the last two digits of its number (see dispatcher/rehearsal/gateway.py) and by weight. Left
#: out are the endings that would outlast the run: numbers always busy, or with a person at
#: them, and gateways that let nobody in.
FAXES = {
    "00": 10,
    "21": 2,  # busy, then delivered
    "25": 1,  # declined
    "32": 1,  # lost after the last page
    "33": 1,  # a page too few
    "34": 1,  # an unknown code
    "41": 1,  # no such number
    "44": 1,  # too many at once
    "45": 1,  # fails before it takes the fax
    "51": 1,  # taken, then silence
    "52": 2,  # taken, no answer
    "53": 2,  # taken, reset
    "55": 1,  # taken, no answer, no callback
    "61": 1,  # calls back twice
    "63": 1,  # in the wrong order
    "64": 2,  # never calls back
}
#: Ofcom's numbers for drama: a thousand in each of these areas.
AREAS = ("2079460", "1134960", "1144960", "1154960", "1164960", "1174960", "1184960", "1214960", "1314960", "1414960")
#: Of all letters.
FAX_SHARE = 0.25


def addresses(letters: int, dice: random.Random) -> list[Address]:
    """Where the letters go; no number twice, since one number takes one call at a time."""
    free = {ending: [f"+44{area}{digit}{ending}" for area in AREAS for digit in range(10)] for ending in FAXES}
    for numbers in free.values():
        dice.shuffle(numbers)
    return [_address(number, free, dice) for number in range(letters)]


def _address(number: int, free: dict[str, list[str]], dice: random.Random) -> Address:
    ending = dice.choices(list(FAXES), list(FAXES.values()))[0]
    if dice.random() < FAX_SHARE and free[ending]:
        return Address(Kind.FAX, free[ending].pop())
    return Address(Kind.EMAIL, f"mission@{number}.ardesia.example")


def one_page() -> bytes:
    image = Image.new("1", (1728, 100), 1)
    ImageDraw.Draw(image).rectangle((100, 20, 400, 80), fill=0)
    file = io.BytesIO()
    image.save(file, "TIFF", compression="group4", dpi=(204, 196))
    return file.getvalue()


async def put_in(place: Place, letters: int, seconds: float, seed: int) -> None:
    """Queue so many letters, which fall due evenly over so many true seconds."""
    people = [mission(number, where) for number, where in enumerate(addresses(letters, random.Random(seed)))]
    async with open_office(place) as office:
        parts = await _freeze(office)
        now, frozen = office.clock.now(), letter_of(CAMPAIGN, parts)
        pause = timedelta(seconds=seconds * SPEED / letters)
        rows = [queued(one, frozen, now, now + pause * number) for number, one in enumerate(people)]
        await office.store.write(lambda connection: bare.put_in(connection, people, [frozen], rows, now))


async def _freeze(office: Office) -> dict[str, str]:
    pages = await office.archive.put(one_page())
    return {"entity": await office.archive.put(ENTITY), "tiff": pages, "fax_pdf": pages}
