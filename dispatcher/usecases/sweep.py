"""Sweeps up what is due for something else than a send: ended leases, silent providers, closed windows, follow-ups."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.channels.base import Try
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.model import Actor, Address, Attempt, Delivery, beside
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.schedule import DOUBT_WAIT, PUT_OFF, Need, next_due, next_opening, patience
from dispatcher.domain.words import Cause, Kind, Signal, Stage, State, Verdict
from dispatcher.store import attempts, audit, calendars, campaigns, contacts, deliveries, incoming, installation
from dispatcher.store.campaigns import CampaignRow
from dispatcher.store.engine import StoreFault

from .follow import further
from .hear import Heard, take
from .moves import move
from .office import Office
from .record import unspill

log = logging.getLogger(__name__)

CLOCK = Actor("clock")
#: Rows that one look takes; the rest is due at the next.
BATCH = 200
#: Questions to gateways that are under way at once: each may take as long as its channel's time-out.
QUESTIONS = 8

#: No letter goes out again more often than this.
_MOST_SENDINGS = 50

Road = Callable[[Office, Delivery], Awaitable[None]]


async def sweep(office: Office) -> int:
    """Do what is due in the database alone: ended leases, follow-ups. How many rows were looked at."""
    done = await unspill(office, CLOCK)
    rows = await _due(office, _ROADS)
    for row in rows:
        await _go(office, row, _ROADS[row.state])
    return done + len(rows)


async def ask(office: Office) -> int:
    """Ask the gateways about what is accepted or in doubt, and conclude from silence; how many rows were looked at."""
    rows = await _due(office, (State.ACCEPTED, State.IN_DOUBT))
    places = asyncio.Semaphore(QUESTIONS)

    async def one(row: Delivery) -> None:
        async with places:
            await _go(office, row, _ask)

    await asyncio.gather(*(one(row) for row in rows))
    return len(rows)


async def _due(office: Office, states: Collection[State]) -> list[Delivery]:
    now = office.clock.now()
    return await office.store.read(lambda connection: deliveries.watched(connection, now, states, BATCH))


async def _go(office: Office, row: Delivery, road: Road) -> None:
    """One row's road. What goes wrong with one row is told and put off; it stops no other row."""
    try:
        await road(office, row)
    except StoreFault:
        raise  # not this row's fault: nothing can be done before the database is well again
    except Exception:
        log.exception("delivery %s is put off", row.id)
        await office.store.write(lambda connection: _put_off(connection, office, row))


async def _put_off(connection: AsyncConnection, office: Office, row: Delivery) -> None:
    seen = await _unchanged(connection, office, row)
    if seen is not None:
        await deliveries.change(connection, seen, due=office.clock.now() + PUT_OFF)


# -- a lease has ended: by the attempt's stage, never by age alone -----------------------------------------------------


async def _lease_ended(office: Office, row: Delivery) -> None:
    await office.store.write(lambda connection: _reap(connection, office, row))


async def _reap(connection: AsyncConnection, office: Office, row: Delivery) -> None:
    seen = await _unchanged(connection, office, row)
    attempt = await attempts.latest(connection, row.id)
    if seen is None or attempt is None:
        return
    left = attempt.stage is Stage.TRANSMITTING
    if left:
        outcome = Outcome(Verdict.UNKNOWN, Cause.WORKER_LOST_TRANSMITTING, "the worker was lost at the commit point")
    else:
        outcome = Outcome(Verdict.UNSENT, Cause.WORKER_LOST, "the worker was lost before anything left")
    await attempts.close(connection, attempt.id, outcome, office.clock.now())
    await move(
        connection,
        office,
        seen,
        Signal.DOUBT if left else Signal.REQUEUE,
        CLOCK,
        cause=outcome.cause,
        detail=outcome.detail,
        data={"attempt": attempt.id},
        tries=seen.tries + left,
    )


async def _unchanged(connection: AsyncConnection, office: Office, row: Delivery) -> Delivery | None:
    """The row as it is now, if it is still due for what we saw it due for."""
    seen = await deliveries.get(connection, row.id)
    same = seen.version == row.version and seen.due is not None and seen.due <= office.clock.now()
    return seen if same else None


# -- proof is awaited, or nobody knows: ask --------------------------------------------------------------------------


async def _ask(office: Office, row: Delivery) -> None:
    """Ask the channel if it can be asked; without news, the schedule says when to look again, or what to conclude."""
    attempt = await office.store.read(lambda connection: attempts.last_made(connection, row.id))
    channel = office.channels.get(row.channel)
    if attempt is not None and channel is not None and channel.abilities.asks_about(row.state):
        outcome = await channel.ask(attempt.id, attempt.ref, _try(row, attempt))
        if _is_news(row, outcome) and await _take(office, row, attempt.id, outcome):
            return
    await office.store.write(lambda connection: _conclude(connection, office, row))


def _try(row: Delivery, attempt: Attempt) -> Try:
    """What is on record of it, for a far end that does not know our name for it."""
    left_at = attempt.transmitting_at or attempt.closed_at or attempt.opened_at
    return Try(row.message_id, attempt.opened_at, left_at, attempt.facts.get("relay", ""), row.address)


#: The causes of an UNKNOWN that is the far end's silence; with any other it is its own word.
_SILENCE = frozenset({Cause.NONE, Cause.FAX_GATEWAY_UNREACHABLE})


def _is_news(row: Delivery, outcome: Outcome) -> bool:
    if outcome.verdict is Verdict.UNKNOWN:
        return row.state is State.ACCEPTED and outcome.cause not in _SILENCE
    if outcome.verdict is Verdict.ACCEPTED:
        return row.accepted_at is None  # that it is still under way was known; it must not start the wait anew
    return True


async def _take(office: Office, row: Delivery, attempt_id: str, outcome: Outcome) -> bool:
    """Apply the answer as a report; False when it moved nothing ('still under way')."""
    event_id = f"ask/{attempt_id}/{row.version}"
    return await take(office, Report(attempt_id, event_id, outcome), f"channel:{row.channel}") is Heard.APPLIED


async def _conclude(connection: AsyncConnection, office: Office, row: Delivery) -> None:
    """Nothing was heard: conclude what the patience for it allows, or look again later."""
    seen = await _unchanged(connection, office, row)
    if seen is None:
        return
    channel = office.channels.get(row.channel)
    if channel is None:  # taken out of the settings: we cannot hear of it, which proves nothing
        await deliveries.change(connection, seen, due=office.clock.now() + PUT_OFF)
        return
    proves, asks = channel.abilities.proves, channel.abilities.asks_about(seen.state)
    end = seen.changed_at + patience(seen.kind, office.policy, proves=proves)
    if seen.state is State.ACCEPTED and office.clock.now() >= end:
        await _end_of_patience(connection, office, seen)
    else:
        need = Need(seen.state, seen.kind, office.clock.now(), seen.changed_at, proves=proves, asks=asks)
        await deliveries.change(connection, seen, due=next_due(need, office.policy))


async def _end_of_patience(connection: AsyncConnection, office: Office, seen: Delivery) -> None:
    """An email would have bounced by now. A fax without its confirmation may or may not have been printed."""
    if seen.kind is Kind.EMAIL:
        await move(connection, office, seen, Signal.SETTLE, CLOCK)
    else:
        await move(connection, office, seen, Signal.DOUBT, CLOCK, cause=Cause.FAX_NO_PROOF)


# -- it has arrived: is a follow-up due? --------------------------------------------------------------------------


async def _follow_up(office: Office, row: Delivery) -> None:
    await office.store.write(lambda connection: _decide(connection, office, row))


async def _decide(connection: AsyncConnection, office: Office, row: Delivery) -> None:
    seen = await _unchanged(connection, office, row)
    if seen is None:
        return
    now = office.clock.now()
    if any(sister.state is State.IN_DOUBT for sister in await deliveries.sisters(connection, seen)):
        await deliveries.change(connection, seen, due=now + DOUBT_WAIT)
        return
    answered = await contacts.has_answered(connection, seen)
    later = None if answered else await _not_yet(connection, office, seen)
    await deliveries.change(connection, seen, due=later)
    if later is not None:
        return
    campaign = await campaigns.get(connection, seen.campaign_id)
    stopped = campaign.stopped_at is not None
    following = None if answered or stopped else await _queue_next(connection, office, campaign, seen)
    reason = "answered" if answered else "campaign stopped" if stopped else ""
    action = "follow_up.queue" if following else "follow_up.skip"
    data = {"follows": seen.id, "step": seen.step + 1}
    about = f"delivery:{following or seen.id}"
    await audit.append(connection, AuditEvent(str(CLOCK), action, about, reason=reason, data=data), now)


async def _not_yet(connection: AsyncConnection, office: Office, seen: Delivery) -> datetime | None:
    """When to look again: a message that may be their answer waits for a person, or they said that they are away."""
    now = office.clock.now()
    if await incoming.is_unfiled(connection, seen):
        return now + DOUBT_WAIT
    until = await incoming.away_until(connection, seen)
    return until if until is not None and until > now else None


async def _queue_next(connection: AsyncConnection, office: Office, campaign: CampaignRow, seen: Delivery) -> str | None:
    """An ordinary delivery of the next step, to the contact's present address; None when no such letter was approved.

    It is held where the contact has no such address any more, or the office another holder than the letter names.
    """
    step, now = seen.step + 1, office.clock.now()
    letter = await campaigns.letter_for(connection, seen, step)
    if letter is None:
        return None
    address, why = await further(connection, seen)
    following = beside(seen, letter.digest, step, address, office.domain, now)
    closed_days = await calendars.get(connection, seen.calendar)
    following = replace(following, due=next_opening(now, campaign.hours, seen.zone, closed_days))
    if why:
        following = replace(following, state=State.HELD, due=None, cause=Cause.PERSON_HOLD, detail=why)
    if await _may_have_gone(connection, seen):
        following = replace(following, state=State.HELD, due=None, cause=Cause.RESTORED_HELD)
    return await _add_following(connection, office, following, seen)


async def _add_following(
    connection: AsyncConnection, office: Office, following: Delivery, seen: Delivery
) -> str | None:
    """Under another name where the one of before was stopped because the letter went out again; None if it is there."""
    address, now = Address(following.kind, following.address), office.clock.now()
    for again in range(1, _MOST_SENDINGS):
        if await deliveries.add(connection, following):
            return following.id
        if (await deliveries.get(connection, following.id)).cause is not Cause.LETTER_SUPERSEDED:
            return None
        other = beside(seen, following.letter, following.step, address, office.domain, now, again=again)
        following = replace(following, id=other.id, message_id=other.message_id)
    return None


async def _may_have_gone(connection: AsyncConnection, seen: Delivery) -> bool:
    """Was the database restored since? Then this follow-up may have gone in the time that it does not remember."""
    known = await installation.find(connection)
    return known is not None and known.adopted_at is not None and seen.created_at <= known.adopted_at


_ROADS: dict[State, Road] = {
    State.SENDING: _lease_ended,
    State.DELIVERED: _follow_up,
    State.PRESUMED: _follow_up,
}
