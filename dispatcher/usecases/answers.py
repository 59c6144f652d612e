"""Notes that somebody answered: they have the letter, and no follow-up goes to them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.model import Actor, Delivery
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Signal, Stage, State, Verdict
from dispatcher.store import attempts, audit, contacts, deliveries

from .hear import apply
from .moves import move
from .office import Office

_ANSWERED = Outcome(Verdict.UNSENT, Cause.GATE_ANSWERED, "they answered before anything left")


@dataclass(frozen=True, slots=True)
class Noted:
    """An answer on record, and the follow-ups that it stopped."""

    contact_id: str
    stopped: tuple[str, ...]


async def note_answer(office: Office, delivery_id: str, note: str, actor: Actor) -> Noted:
    """Somebody answered this letter: it is delivered (they have it), and no follow-up goes to them."""

    async def unit(connection: AsyncConnection) -> Noted:
        return await note_in(connection, office, await deliveries.get(connection, delivery_id), note, actor)

    return await office.store.write(unit)


async def note_in(connection: AsyncConnection, office: Office, seen: Delivery, note: str, actor: Actor) -> Noted:
    """The same inside a transaction."""
    now = office.clock.now()
    await contacts.note_answer(connection, seen.campaign_id, seen.addressee_id, str(actor), note, now)
    # What they said stands with the answer alone: the log holds no more about people than it must.
    data = {"campaign": seen.campaign_id}
    await audit.append(connection, AuditEvent(str(actor), "answer.note", f"delivery:{seen.id}", data=data), now)
    await _answer_proves(connection, office, seen, actor)
    return Noted(seen.addressee_id, tuple(await _stop_follow_ups(connection, office, seen, actor)))


async def _answer_proves(connection: AsyncConnection, office: Office, seen: Delivery, actor: Actor) -> None:
    attempt = await attempts.last_made(connection, seen.id)
    if attempt is not None:
        outcome = Outcome(Verdict.DELIVERED, Cause.PERSON_NOTE, "they answered")
        await apply(connection, office, Report(attempt.id, f"answer/{attempt.id}/{seen.version}", outcome), str(actor))


async def _stop_follow_ups(connection: AsyncConnection, office: Office, seen: Delivery, actor: Actor) -> list[str]:
    """Those that wait, and those that are claimed; what is past its commit point has left, and nobody stops it."""
    stopped = []
    for row in await deliveries.follow_ups_waiting(connection, seen.campaign_id, seen.addressee_id):
        if row.state is not State.SENDING or await _called_off(connection, office, row):
            await move(connection, office, row, Signal.CANCEL, actor, cause=Cause.GATE_ANSWERED)
            stopped.append(row.id)
    return stopped


async def _called_off(connection: AsyncConnection, office: Office, row: Delivery) -> bool:
    """Its try ends here, as its worker finds at the commit point; False once it is past that."""
    attempt = await attempts.latest(connection, row.id)
    if attempt is None or attempt.stage is not Stage.OPEN:
        return False
    return await attempts.close(connection, attempt.id, _ANSWERED, office.clock.now())
