"""Settles a letter in doubt: one by one, by a person, with a reason. There is no way to settle several at once."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Actor, Attempt, Delivery
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Signal, Stage, State, Verdict
from dispatcher.store import attempts, campaigns, deliveries

from . import guard
from .hear import apply
from .moves import move
from .office import Office


class Decision(StrEnum):
    """What a person has found out about a letter in doubt."""

    ARRIVED = "arrived"  # somebody confirmed it: evidence by that person's word
    NOT_SENT = "not_sent"  # it surely did not go: back to the queue
    RESEND = "resend"  # nobody can tell; send again knowingly: it may arrive twice, and its record says so
    GIVE_UP = "give_up"  # leave it at that


async def settle_doubt(office: Office, delivery_id: str, decision: Decision, reason: str, actor: Actor) -> Delivery:
    """Settle one delivery in doubt, with a reason. Never in bulk.

    Raises UserError without a reason, Conflict when it is not in doubt, or a resend would come before the lease of the
    doubtful try has surely ended (its worker may still be alive).
    """
    if not reason.strip():
        raise UserError(
            Problem("reason", "a doubt is settled only with a reason", "Say how you know.", "E_DOUBT_REASON")
        )
    if decision in (Decision.NOT_SENT, Decision.RESEND):
        await guard.enter(office)

    async def unit(connection: AsyncConnection) -> Delivery:
        seen = await deliveries.get(connection, delivery_id)
        attempt = await attempts.last_made(connection, seen.id)
        if seen.state is not State.IN_DOUBT or attempt is None:
            raise Conflict(f"delivery {seen.id} is {seen.state}, not in doubt")
        return await _DECISIONS[decision](connection, office, seen, attempt, reason, actor)

    return await office.store.write(unit)


async def _arrived(
    connection: AsyncConnection, office: Office, seen: Delivery, attempt: Attempt, reason: str, actor: Actor
) -> Delivery:
    outcome = Outcome(Verdict.DELIVERED, Cause.PERSON_NOTE, reason)
    await apply(connection, office, Report(attempt.id, f"note/{attempt.id}/{seen.version}", outcome), str(actor))
    return await deliveries.get(connection, seen.id)


async def _not_sent(
    connection: AsyncConnection, office: Office, seen: Delivery, attempt: Attempt, reason: str, actor: Actor
) -> Delivery:
    _require_rest(office, attempt)
    await _require_going(connection, seen)
    return await move(
        connection, office, seen, Signal.RETRY, actor, cause=Cause.PERSON_RETRY, reason=reason, tries=0, expires_at=None
    )


async def _resend(
    connection: AsyncConnection, office: Office, seen: Delivery, attempt: Attempt, reason: str, actor: Actor
) -> Delivery:
    _require_rest(office, attempt)
    await _require_going(connection, seen)
    return await move(
        connection,
        office,
        seen,
        Signal.RETRY,
        actor,
        cause=Cause.PERSON_RETRY,
        reason=reason,
        data={"knowingly": True, "after": attempt.id},
        tries=0,
        knowingly=True,
        expires_at=None,
    )


async def _give_up(
    connection: AsyncConnection, office: Office, seen: Delivery, attempt: Attempt, reason: str, actor: Actor
) -> Delivery:
    return await move(connection, office, seen, Signal.CANCEL, actor, cause=Cause.PERSON_GAVE_UP, reason=reason)


_DECISIONS = {
    Decision.ARRIVED: _arrived,
    Decision.NOT_SENT: _not_sent,
    Decision.RESEND: _resend,
    Decision.GIVE_UP: _give_up,
}


def _require_rest(office: Office, attempt: Attempt) -> None:
    """The worker of the doubtful try may still be alive until its lease has ended."""
    lease = office.policy.transmitting_lease
    end = (attempt.transmitting_at or attempt.opened_at) + lease + timedelta(seconds=1)
    if attempt.stage is not Stage.CLOSED or office.clock.now() < end:
        raise Conflict(f"E_DOUBT_WAIT its worker may still be sending; not before {end:%H:%M:%S} UTC")


async def _require_going(connection: AsyncConnection, seen: Delivery) -> None:
    """Nothing leaves for a campaign that was stopped, whoever asks for it."""
    if (await campaigns.get(connection, seen.campaign_id)).stopped_at is not None:
        raise Conflict(f"campaign '{seen.campaign_id}' was stopped; a stopped campaign sends nothing more")
