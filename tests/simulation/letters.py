"""The letters of a run, put in as a launch would leave them: one tiny frozen letter for all, each with its own hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from torture.letters import CAMPAIGN, ENTITY, _mission, _pages

from dispatcher.domain.model import Address, Delivery, Letter, delivery_id
from dispatcher.domain.words import Kind, Role
from dispatcher.store import campaigns, contacts, deliveries
from dispatcher.usecases.office import Office

PAGES = _pages()
#: Of all letters.
FAX_SHARE = 0.25


def address(number: int, *, fax: bool) -> Address:
    return Address(Kind.FAX, f"+4420794{number:05d}") if fax else Address(Kind.EMAIL, f"m@{number}.ardesia.example")


async def put_in(
    office: Office, faxes: list[bool], seconds: float, steps: tuple[tuple[int, int], ...] = ((0, 0),)
) -> None:
    """Queue a letter for each, which fall due evenly over so many seconds."""
    parts = {"entity": await office.archive.put(ENTITY)}
    parts |= dict.fromkeys(("tiff", "fax_pdf"), await office.archive.put(PAGES))
    rows = [_row(office, number, fax, seconds * number / len(faxes)) for number, fax in enumerate(faxes)]

    async def unit(connection: Any) -> None:
        now = office.clock.now()
        facts: dict[str, Any] = {
            "title": "Simulated",
            "sender_name": "Megan Burke",
            "sender_email": "m@coalition.example",
        }
        listed = [list(step) for step in steps]
        await campaigns.put(connection, CAMPAIGN, launched_at=now, hours=None, steps=listed, proof_after=3, **facts)
        people = [_mission(number, address(number, fax=fax)) for number, fax in enumerate(faxes)]
        kept = {one.id: contacts.Kept(one, True, "the simulation") for one in people}
        await contacts.set_all(connection, kept, now)
        await campaigns.put_letters(connection, [_letter(parts, number, steps) for number in range(len(steps))])
        await deliveries.add_all(connection, rows)

    await office.store.write(unit)


def _letter(parts: dict[str, str], step: int, steps: tuple[tuple[int, int], ...]) -> Letter:
    return Letter(str(step) * 64, CAMPAIGN, step, "mission-0", "Air strikes", "en", 1, 1, parts)


def _row(office: Office, number: int, fax: bool, seconds: float) -> Delivery:
    now, where, who = office.clock.now(), address(number, fax=fax), f"mission-{number}"
    name = delivery_id(CAMPAIGN, 0, who, who, where)
    return Delivery(
        id=name,
        campaign_id=CAMPAIGN,
        step=0,
        contact_id=who,
        addressee_id=who,
        kind=where.kind,
        address=where.value,
        role=Role.TO,
        recipient=who,
        zone="UTC",
        letter="0" * 64,
        message_id=f"<{name}@coalition.example>",
        not_before=now,
        due=now + timedelta(seconds=seconds),
        created_at=now,
        changed_at=now,
    )
