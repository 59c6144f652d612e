"""Stops all sending at one word, and lets it go on: one row changes, and every claim and every dot asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Actor
from dispatcher.store import audit, limits, sending
from dispatcher.store.sending import Stopped

from . import guard
from .office import Office

__all__ = ["Halt", "Stopped", "banner", "resume", "status", "stop"]


class Halted(Conflict):
    """Nothing is sent by now: said in the transaction of a claim or of a commit point."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Whether anything is sent, and how many letters are past the point of no return at this moment."""

    stopped: Stopped | None
    leaving: int


async def stop(office: Office, reason: str, actor: Actor) -> Halt:
    """Nothing more leaves after this, whoever sends. Raises UserError without a reason, Conflict where it is stopped.

    What had its leave before the stop was written down cannot be called back: `leaving` counts it.
    """
    _require_reason(reason)

    async def unit(connection: AsyncConnection) -> Halt:
        if known := await sending.stopped(connection):
            raise Conflict(f"sending is stopped already, since {known.since:%d %B %H:%M} UTC by {known.by}")
        made = Stopped(office.clock.now(), str(actor), reason)
        await sending.put(connection, made)
        await _audit(connection, office, "sending.stop", reason, actor)
        return Halt(made, await limits.leaving(connection))

    return await office.store.write(unit)


async def resume(office: Office, reason: str, actor: Actor) -> None:
    """What was due meanwhile is due now. Raises UserError without a reason, Conflict where it goes on; Quarantined."""
    _require_reason(reason)
    await guard.enter(office)

    async def unit(connection: AsyncConnection) -> None:
        if await sending.stopped(connection) is None:
            raise Conflict("sending is not stopped")
        await sending.put(connection, None)
        await _audit(connection, office, "sending.resume", reason, actor)

    await office.store.write(unit)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise UserError(Problem("reason", "everything is stopped, and goes on, only with a reason", "Say why."))


async def status(office: Office) -> Halt:
    async def query(connection: AsyncConnection) -> Halt:
        return Halt(await sending.stopped(connection), await limits.leaving(connection))

    return await office.store.read(query)


async def banner(office: Office) -> str:
    """The line that every command shows while sending is stopped; '' while letters may leave."""
    found = await office.store.read(sending.stopped)
    return told(found) if found else ""


def told(found: Stopped) -> str:
    since = f"{found.since:%d %B %H:%M} UTC"
    return f"sending is stopped since {since} by {found.by}: {found.reason} (goes on with: dispatcher sending resume)"


async def require(connection: AsyncConnection) -> None:
    """In the transaction of a commit point that was refused its leave. Raises Halted where this is why."""
    if found := await sending.stopped(connection):
        raise Halted(told(found))


async def _audit(connection: AsyncConnection, office: Office, action: str, reason: str, actor: Actor) -> None:
    await audit.append(connection, AuditEvent(str(actor), action, "sending", reason=reason), office.clock.now())
