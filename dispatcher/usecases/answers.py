"""Notes that somebody answered: they have the letter, and no follow-up goes to them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.model import Actor, Delivery
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Signal, Verdict
from dispatcher.store import attempts, audit, contacts, deliveries

from .hear import apply
from .moves import move
from .office import Office


@dataclass(frozen=True, slots=True)
class Noted:
    """An answer on record, and the follow-ups that it stopped."""

    contact_id: str
    stopped: tuple[str, ...]


async def note_answer(office: Office, delivery_id: str, note: str, actor: Actor) -> Noted:
    """Somebody answered this letter: it is delivered (they have it), and no follow-up goes to them."""

    async def unit(connection: AsyncConnection) -> Noted:
        seen = await deliveries.get(connection, delivery_id)
        now = office.clock.now()
        await contacts.note_answer(connection, seen.campaign_id, seen.addressee_id, str(actor), note, now)
        # What they said stands with the answer alone: the log holds no more about people than it must.
        data = {"campaign": seen.campaign_id}
        await audit.append(connection, AuditEvent(str(actor), "answer.note", f"delivery:{seen.id}", data=data), now)
        await _answer_proves(connection, office, seen, actor)
        return Noted(seen.addressee_id, tuple(await _stop_follow_ups(connection, office, seen, actor)))

    return await office.store.write(unit)


async def _answer_proves(connection: AsyncConnection, office: Office, seen: Delivery, actor: Actor) -> None:
    attempt = await attempts.last_made(connection, seen.id)
    if attempt is not None:
        outcome = Outcome(Verdict.DELIVERED, Cause.PERSON_NOTE, "they answered")
        await apply(connection, office, Report(attempt.id, f"answer/{attempt.id}/{seen.version}", outcome), str(actor))


async def _stop_follow_ups(connection: AsyncConnection, office: Office, seen: Delivery, actor: Actor) -> list[str]:
    rows = await deliveries.follow_ups_waiting(connection, seen.campaign_id, seen.addressee_id)
    for row in rows:
        await move(connection, office, row, Signal.CANCEL, actor, cause=Cause.GATE_ANSWERED)
    return [row.id for row in rows]
