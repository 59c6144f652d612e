"""Letters for runs of many: rows put in as a launch leaves them, over frozen letters of one line; nothing is rendered.

And the fast clock that such runs go by.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.model import Address, Contact, Delivery, Letter, delivery_id
from dispatcher.domain.words import Role
from dispatcher.store import campaigns, contacts, deliveries

START = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
DOMAIN = "coalition.example"
ENTITY = b'Content-Type: text/plain; charset="us-ascii"\r\n\r\nExcellency,\r\n'


@dataclass(frozen=True, slots=True)
class FastClock:
    """The same fast time in every process of a run: the machine's monotonic clock, `speed` times over."""

    speed: float
    origin: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self.origin) * self.speed


def mission(number: int, *addresses: Address) -> Contact:
    name = f"mission-{number}"
    return Contact(name, "", name, "", "", (), "", "", "en", "UTC", "Excellency,", addresses)


def letter_of(campaign: str, parts: dict[str, str], step: int = 0) -> Letter:
    """The one letter of a step, named by its number."""
    return Letter(str(step) * 64, campaign, step, "mission-0", "Air strikes", "en", 1, 1, parts)


def queued(person: Contact, letter: Letter, now: datetime, due: datetime) -> Delivery:
    """The letter to the person's only address."""
    [address] = person.addresses
    name = delivery_id(letter.campaign_id, letter.step, person.id, person.id, address)
    return Delivery(
        id=name,
        campaign_id=letter.campaign_id,
        step=letter.step,
        contact_id=person.id,
        addressee_id=person.id,
        kind=address.kind,
        address=address.value,
        role=Role.TO,
        recipient=person.name,
        zone="UTC",
        letter=letter.digest,
        message_id=f"<{name}@{DOMAIN}>",
        not_before=now,
        due=due,
        created_at=now,
        changed_at=now,
    )


async def put_in(
    connection: AsyncConnection,
    people: Sequence[Contact],
    letters: Sequence[Letter],
    rows: Sequence[Delivery],
    now: datetime,
    **facts: Any,
) -> None:
    """The campaign of the letters, launched, and all of it; `facts`: of the campaign's row, where they differ."""
    usual = {"title": "Many letters", "sender_name": "Megan Burke", "sender_email": f"m@{DOMAIN}", "hours": None}
    usual |= {"launched_at": now, "steps": [[0, 0]], "proof_after": 3}
    await campaigns.put(connection, letters[0].campaign_id, **(usual | facts))
    kept = {one.id: contacts.Kept(one, True, "a run of many letters") for one in people}
    await contacts.set_all(connection, kept, now)
    await campaigns.put_letters(connection, letters)
    await deliveries.add_all(connection, rows)
