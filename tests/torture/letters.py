"""The letters of a torture run: rows put in as a launch would, one tiny frozen letter for all, no rendering."""

from __future__ import annotations

import io
import random
from datetime import datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw

from dispatcher.domain.model import Address, Contact, Delivery, Letter, delivery_id
from dispatcher.domain.words import Kind, Role
from dispatcher.store import campaigns, contacts, deliveries
from dispatcher.usecases.office import Office

from .place import SPEED, Place, open_office

CAMPAIGN = "torture"
ENTITY = b'Content-Type: text/plain; charset="us-ascii"\r\n\r\nExcellency,\r\n'
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


def _pages() -> bytes:
    image = Image.new("1", (1728, 100), 1)
    ImageDraw.Draw(image).rectangle((100, 20, 400, 80), fill=0)
    file = io.BytesIO()
    image.save(file, "TIFF", compression="group4", dpi=(204, 196))
    return file.getvalue()


async def put_in(place: Place, letters: int, seconds: float, seed: int) -> None:
    """Queue so many letters, which fall due evenly over so many true seconds."""
    where = addresses(letters, random.Random(seed))
    async with open_office(place) as office:
        frozen = await _freeze(office)

        async def unit(connection: Any) -> None:
            await _open(connection, office, frozen)
            for number, address in enumerate(where):
                await _queue(connection, place, frozen, number, address, seconds * number / letters)

        await office.store.write(unit)


async def _freeze(office: Office) -> Letter:
    pages = await office.archive.put(_pages())
    parts = {"entity": await office.archive.put(ENTITY), "tiff": pages, "fax_pdf": pages}
    return Letter("0" * 64, CAMPAIGN, 0, "mission-0", "Air strikes", "en", 1, 1, parts)


async def _open(connection: Any, office: Office, frozen: Letter) -> None:
    facts: dict[str, Any] = {"title": "Torture", "sender_name": "Megan Burke", "sender_email": "m@coalition.example"}
    now = office.clock.now()
    await campaigns.put(connection, CAMPAIGN, launched_at=now, hours=None, steps=[[0, 0]], proof_after=3, **facts)
    await _keep(connection, _mission(0), now)
    await campaigns.put_letters(connection, [frozen])


async def _keep(connection: Any, person: Contact, now: datetime) -> None:
    await contacts.set_all(connection, {person.id: contacts.Kept(person, True, "the torture run")}, now)


def _mission(number: int, *addresses: Address) -> Contact:
    name = f"mission-{number}"
    return Contact(name, "", name, "", "", (), "", "", "en", "UTC", "Excellency,", addresses)


async def _queue(connection: Any, place: Place, frozen: Letter, number: int, address: Address, seconds: float) -> None:
    now, person = place.clock.now(), _mission(number, address)
    await _keep(connection, person, now)
    name = delivery_id(CAMPAIGN, 0, person.id, person.id, address)
    one = Delivery(
        id=name,
        campaign_id=CAMPAIGN,
        step=0,
        contact_id=person.id,
        addressee_id=person.id,
        kind=address.kind,
        address=address.value,
        role=Role.TO,
        recipient=person.name,
        zone="UTC",
        letter=frozen.digest,
        message_id=f"<{name}@coalition.example>",
        not_before=now,
        due=now + timedelta(seconds=seconds * SPEED),
        created_at=now,
        changed_at=now,
    )
    await deliveries.add(connection, one)
