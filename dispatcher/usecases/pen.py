"""The holding pen: messages of which a person has to say what they are, and about which letter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Actor, Attempt, Delivery
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Filing, Settlement, Tie, Verdict
from dispatcher.store import attempts, audit, deliveries, incoming
from dispatcher.store.incoming import Item

from .answers import note_in
from .hear import apply
from .office import Office

__all__ = ["Item", "find_message", "pen", "settle"]


async def pen(office: Office) -> list[Item]:
    """What waits for a person, the oldest first."""
    return await office.store.read(incoming.held)


async def find_message(office: Office, message: str) -> tuple[Item, Path]:
    """One message by the beginning of its id, and the file that it lies in. Raises NotFound, Conflict."""
    item = await office.store.read(lambda connection: incoming.get(connection, message))
    return item, office.archive.path(item.id)


async def settle(office: Office, message: str, said: Settlement, delivery_id: str, note: str, actor: Actor) -> Item:
    """Say what a held message is; `delivery_id` '' is the one that was guessed. Follow-ups that waited for it go on.

    Raises UserError without a note, or without a letter where one is needed; Conflict when it is not held.
    """
    if not note.strip():
        raise UserError(Problem("--note", "a message is settled only with a note", "Say how you know.", "E_REASON"))

    async def unit(connection: AsyncConnection) -> Item:
        item = await incoming.get(connection, message)
        if item.filing is not Filing.HELD:
            raise Conflict(f"message {item.id[:12]} is {item.filing}, and waits for nobody")
        seen = await _letter(connection, item, said, delivery_id)
        if seen is not None and said in _ACTS:
            await _ACTS[said](connection, office, item, seen, note, actor)
        return await _filed(connection, office, item, seen, said, note, actor)

    return await office.store.write(unit)


async def _letter(connection: AsyncConnection, item: Item, said: Settlement, delivery_id: str) -> Delivery | None:
    if said is Settlement.NOT_OURS:
        return None
    named = delivery_id or item.delivery_id
    if not named:
        raise UserError(
            Problem("--letter", "nobody knows which letter it is about", "Name the delivery.", "E_INBOX_LETTER")
        )
    return await deliveries.get(connection, named)


async def _filed(
    connection: AsyncConnection,
    office: Office,
    item: Item,
    seen: Delivery | None,
    said: Settlement,
    note: str,
    by: Actor,
) -> Item:
    now = office.clock.now()
    filed = await incoming.file(
        connection,
        item,
        Filing.SETTLED,
        why=said,
        tie=Tie.PERSON,
        delivery_id=seen.id if seen else None,
        campaign_id=seen.campaign_id if seen else "",
        addressee_id=seen.addressee_id if seen else "",
        settled_by=str(by),
        settled_at=now,
        note=note,
    )
    about, data = f"incoming:{item.id[:20]}", {"as": said.value, "delivery": seen.id if seen else ""}
    event = AuditEvent(
        str(by), "incoming.settle", about, before=item.filing, after=filed.filing, reason=note, data=data
    )
    await audit.append(connection, event, now)
    return filed


# -- what a person's word does ----------------------------------------------------------------------------------------

_Act = Callable[[AsyncConnection, Office, Item, Delivery, str, Actor], Awaitable[None]]


async def _answered(
    connection: AsyncConnection, office: Office, item: Item, seen: Delivery, note: str, actor: Actor
) -> None:
    await note_in(connection, office, seen, note, actor)


async def _arrived(
    connection: AsyncConnection, office: Office, item: Item, seen: Delivery, note: str, actor: Actor
) -> None:
    await _hear(connection, office, item, seen, Outcome(Verdict.DELIVERED, Cause.PERSON_NOTE, note), actor)


async def _came_back(
    connection: AsyncConnection, office: Office, item: Item, seen: Delivery, note: str, actor: Actor
) -> None:
    outcome = Outcome(Verdict.REFUSED, Cause.EMAIL_REFUSED, item.said or note)
    await _hear(connection, office, item, seen, outcome, actor)


async def _hear(
    connection: AsyncConnection, office: Office, item: Item, seen: Delivery, outcome: Outcome, actor: Actor
) -> None:
    attempt = await _try_of(connection, item, seen)
    await apply(connection, office, Report(attempt.id, f"mail/{item.id[:32]}", outcome), str(actor), item.id)


async def _try_of(connection: AsyncConnection, item: Item, seen: Delivery) -> Attempt:
    """The try that the message itself names, where it is one of this letter's; else the latest."""
    named = await attempts.find(connection, item.attempt_id) if item.attempt_id else None
    found = named if named and named.delivery_id == seen.id else await attempts.last_made(connection, seen.id)
    if found is None:
        raise Conflict(f"delivery {seen.id} was never sent: nothing can have come back")
    return found


_ACTS: dict[Settlement, _Act] = {
    Settlement.ANSWER: _answered,
    Settlement.RECEIPT: _arrived,
    Settlement.BOUNCE: _came_back,
}
