"""What operators do with single deliveries: retry, hold, release, cancel, settle a doubt, note an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, CountChanged, Problem, UserError
from dispatcher.domain.model import Actor, Address, Attempt, Delivery
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import CAUSES, Bulk, Cause, Signal, Stage, State, Verdict
from dispatcher.store import attempts, audit, campaigns, contacts, deliveries
from dispatcher.store.views import Wanted, ids

from . import guard
from .follow import readdress as move_to
from .hear import apply
from .moves import move
from .office import Office

_CHUNK = 100


# -- failures ----------------------------------------------------------------------------------------------------------


async def retry(office: Office, delivery_id: str, reason: str, actor: Actor) -> Delivery:
    """Another full set of tries for one failed delivery. Raises IllegalMove unless it has failed, Quarantined."""
    await guard.enter(office)

    async def unit(connection: AsyncConnection) -> Delivery:
        return await _retry(connection, office, await deliveries.get(connection, delivery_id), reason, actor)

    return await office.store.write(unit)


async def retry_all(
    office: Office,
    cause: Cause,
    campaign_id: str,
    actor: Actor,
    *,
    first: int = 0,
    expect: int | None = None,
    after_trial: bool = False,
    reason: str = "",
) -> list[str]:
    """Retry the failures of one cause, all or the `first` few; the ids that were queued.

    Raises CountChanged when there are not `expect` of them, UserError where the cause does not allow it. A delivery in
    doubt is never among them: it is not a failure, and the state table has no road for it here.
    """
    await guard.enter(office)
    wanted = Wanted(campaign_id, (State.FAILED,), cause)
    found = await office.store.read(lambda connection: ids(connection, wanted))
    if expect is not None and len(found) != expect:
        raise CountChanged(f"there are now {len(found)} failures of '{cause}', not {expect}; look again")
    chosen = found[:first] if first else found
    _require_bulk(cause, len(chosen), trial_over=after_trial or len(chosen) <= 1)
    queued = await _retry_chosen(office, chosen, reason, actor)
    await _audit_bulk(office, cause, campaign_id, len(queued), reason, actor)
    return queued


def _require_bulk(cause: Cause, count: int, *, trial_over: bool) -> None:
    bulk = CAUSES[cause].bulk
    if count and bulk in (Bulk.NO, Bulk.NEVER):
        raise UserError(
            Problem(str(cause), "these cannot be retried together", "Repair each one, then retry it by its id.")
        )
    if bulk is Bulk.FIRST and not trial_over:
        raise UserError(
            Problem(str(cause), "one repair mends all of these, so try one first", "Use --first 1, then --after-trial.")
        )


async def _retry_chosen(office: Office, chosen: Sequence[str], reason: str, actor: Actor) -> list[str]:
    why = reason or "together with others of its cause"
    queued: list[str] = []
    for start in range(0, len(chosen), _CHUNK):
        queued += await _retry_part(office, chosen[start : start + _CHUNK], why, actor)
    return queued


async def _retry_part(office: Office, part: Sequence[str], reason: str, actor: Actor) -> list[str]:
    """Those of the part that are still failed, in one transaction."""

    async def unit(connection: AsyncConnection) -> list[str]:
        seen = [await deliveries.get(connection, delivery_id) for delivery_id in part]
        failed = [one for one in seen if one.state is State.FAILED]
        for one in failed:
            await _retry(connection, office, one, reason, actor)
        return [one.id for one in failed]

    return await office.store.write(unit)


async def _audit_bulk(office: Office, cause: Cause, campaign_id: str, count: int, reason: str, actor: Actor) -> None:
    about = f"campaign:{campaign_id}" if campaign_id else "campaigns"
    data = {"cause": cause.value, "count": count}
    event = AuditEvent(str(actor), "failures.retry", about, reason=reason, data=data)
    await office.store.write(lambda connection: audit.append(connection, event, office.clock.now()))


async def _retry(connection: AsyncConnection, office: Office, seen: Delivery, reason: str, actor: Actor) -> Delivery:
    _require_failed(seen)
    await _require_going(connection, seen)
    return await move(
        connection, office, seen, Signal.RETRY, actor, cause=Cause.PERSON_RETRY, reason=reason, tries=0, expires_at=None
    )


async def _require_going(connection: AsyncConnection, seen: Delivery) -> None:
    """Nothing leaves for a campaign that was stopped, whoever asks for it."""
    if (await campaigns.get(connection, seen.campaign_id)).stopped_at is not None:
        raise Conflict(f"campaign '{seen.campaign_id}' was stopped; a stopped campaign sends nothing more")


def _require_failed(seen: Delivery) -> None:
    hint = "; a doubt is settled one by one: doubts settle" if seen.state is State.IN_DOUBT else ""
    if seen.state is not State.FAILED:
        raise Conflict(f"delivery {seen.id} is {seen.state}, not failed{hint}")


async def readdress(office: Office, delivery_id: str, reason: str, actor: Actor) -> Delivery:
    """Send a failed letter to its contact's present address: the same frozen letter, as a delivery of its own.

    The failed one is cancelled in the same transaction and names the new one. Raises Conflict when it has not failed,
    or the contact's address is still the one that failed.
    """
    await guard.enter(office)
    return await office.store.write(lambda connection: _readdress(connection, office, delivery_id, reason, actor))


async def _readdress(
    connection: AsyncConnection, office: Office, delivery_id: str, reason: str, actor: Actor
) -> Delivery:
    seen = await deliveries.get(connection, delivery_id)
    _require_failed(seen)
    await _require_going(connection, seen)
    address = await _present_address(connection, seen)
    new, there = await move_to(connection, office, seen, address, reason, actor)
    if new is None:
        taken = there.id if there else seen.id
        raise Conflict(f"delivery {taken} goes to that address already, or went there; see: deliveries show {taken}")
    return new


async def _present_address(connection: AsyncConnection, seen: Delivery) -> Address:
    person = await contacts.get(connection, seen.contact_id)
    value = person.address(seen.kind) if person else None
    if value is None or value == seen.address:
        raise Conflict(
            f"contact '{seen.contact_id}' has no other {seen.kind} than {seen.address}; "
            "correct it in the contacts' file and import that first"
        )
    return Address(seen.kind, value)


# -- hold, release, cancel ---------------------------------------------------------------------------------------------

_BY_HAND = {Signal.HOLD: Cause.PERSON_HOLD, Signal.RELEASE: Cause.NONE, Signal.CANCEL: Cause.PERSON_CANCEL}


async def apply_by_hand(office: Office, delivery_id: str, signal: Signal, reason: str, actor: Actor) -> Delivery:
    """Hold, release or cancel one delivery. Raises Conflict while it is being sent; for a release, Quarantined."""
    if signal is Signal.RELEASE:
        await guard.enter(office)

    async def unit(connection: AsyncConnection) -> Delivery:
        seen = await deliveries.get(connection, delivery_id)
        if seen.state is State.SENDING:
            raise Conflict(f"E_TOO_LATE delivery {seen.id} is being sent at this moment; see what comes of it first")
        if signal is Signal.RELEASE:
            await _require_going(connection, seen)
        values: dict[str, Any] = _from_now_on(office, seen) if signal is Signal.RELEASE else {}
        return await move(connection, office, seen, signal, actor, cause=_BY_HAND[signal], reason=reason, **values)

    return await office.store.write(unit)


def _from_now_on(office: Office, seen: Delivery) -> dict[str, datetime]:
    """Whoever releases a letter that was held for being late has said that it may leave now."""
    return {"not_before": office.clock.now()} if seen.cause is Cause.GATE_LATE else {}


# -- doubts ------------------------------------------------------------------------------------------------------------


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
        attempt = await attempts.latest(connection, seen.id)
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
    return await move(connection, office, seen, Signal.CANCEL, actor, cause=Cause.PERSON_CANCEL, reason=reason)


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


# -- answers -----------------------------------------------------------------------------------------------------------


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
    attempt = await attempts.latest(connection, seen.id)
    if attempt is not None:
        outcome = Outcome(Verdict.DELIVERED, Cause.PERSON_NOTE, "they answered")
        await apply(connection, office, Report(attempt.id, f"answer/{attempt.id}/{seen.version}", outcome), str(actor))


async def _stop_follow_ups(connection: AsyncConnection, office: Office, seen: Delivery, actor: Actor) -> list[str]:
    rows = await deliveries.follow_ups_waiting(connection, seen.campaign_id, seen.addressee_id)
    for row in rows:
        await move(connection, office, row, Signal.CANCEL, actor, cause=Cause.GATE_ANSWERED)
    return [row.id for row in rows]
