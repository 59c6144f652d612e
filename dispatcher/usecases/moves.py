"""Moves a delivery: the state, what is due next, and the audit entry, in the transaction that is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.lifecycle import ARRIVED, CLAIMABLE, follow
from dispatcher.domain.model import Actor, Delivery
from dispatcher.domain.schedule import Need, add_working_days, next_due, next_opening
from dispatcher.domain.words import Cause, Signal, State
from dispatcher.store import audit, calendars, campaigns, deliveries
from dispatcher.store.campaigns import CampaignRow

from .office import Office

CLOCK = Actor("clock")
#: For `due`: let the schedule decide.
BY_SCHEDULE = object()
#: What is due next in these states goes by the recipient's closed days.
_BY_CALENDAR = CLAIMABLE | ARRIVED


async def move(
    connection: AsyncConnection,
    office: Office,
    seen: Delivery,
    signal: Signal,
    actor: Actor,
    *,
    cause: Cause = Cause.NONE,
    detail: str = "",
    reason: str = "",
    due: datetime | object | None = BY_SCHEDULE,
    data: Mapping[str, Any] | None = None,
    asked: float = 0.0,
    **values: Any,
) -> Delivery:
    """Apply `signal` to the delivery as `seen`; the row after it. The only function that changes a state.

    `asked`: seconds that the far end asked us to wait. `values` are further columns of the same row. Raises
    IllegalMove, or Conflict when the row is not as seen.
    """
    now = office.clock.now()
    after = follow(seen.state, signal)
    campaign = await campaigns.get(connection, seen.campaign_id)
    facts = {**values, **_times(seen, after, now), "cause": cause, "detail": detail, "changed_at": now}
    if due is BY_SCHEDULE:
        due = await _due(connection, office, campaign, seen, after, facts, timedelta(seconds=asked))
    moved = await deliveries.change(connection, seen, state=after, due=due, **facts)
    what, told = (f"delivery.{signal}", f"delivery:{seen.id}"), {**_said(cause), **(data or {})}
    event = AuditEvent(str(actor), *what, before=seen.state, after=after, reason=reason, data=told)
    await audit.append(connection, event, now)
    await _supersede(connection, office, campaign, seen, after, signal, (data or {}).get("instead", ""))
    if after in CLAIMABLE and campaign.stopped_at is not None:  # a try was under way when the campaign was stopped
        return await move(connection, office, moved, Signal.CANCEL, actor, cause=Cause.GATE_STOPPED)
    return moved


async def _supersede(
    connection: AsyncConnection,
    office: Office,
    campaign: CampaignRow,
    seen: Delivery,
    after: State,
    signal: Signal,
    instead: str,
) -> None:
    """What hung on a letter that goes out again, or turned out not to have arrived, no longer acts.

    Its follow-ups are stopped: they are queued anew when the letter arrives. The fax that waits for its proof waits for
    the proof of the new try, as long as it would have waited for the first. ARCHITECTURE.md has the whole table.
    """
    if after is State.FAILED:
        await deliveries.bring_forward(connection, seen.id, office.clock.now())
    again = signal is Signal.RETRY or bool(instead)
    if again or (seen.state is State.PRESUMED and after in (State.FAILED, State.IN_DOUBT)):
        for one in await deliveries.following(connection, seen):
            cause, told = Cause.LETTER_SUPERSEDED, {"because": seen.id}
            await move(connection, office, one, Signal.CANCEL, CLOCK, cause=cause, data=told)
    if signal is Signal.RETRY or (instead and seen.state is State.FAILED):
        for fax in await deliveries.waiting_for(connection, instead or seen.id):
            closed_days = await calendars.get(connection, fax.calendar)
            due = add_working_days(office.clock.now(), campaign.proof_after, fax.zone, closed_days)
            await deliveries.change(connection, fax, due=due, not_before=due)


async def wait(
    connection: AsyncConnection,
    office: Office,
    seen: Delivery,
    until: datetime,
    cause: Cause,
    detail: str,
    actor: Actor,
) -> Delivery:
    """It stays as it is, and is not looked at before `until`, nor before its office opens then; for people to read."""
    campaign = await campaigns.get(connection, seen.campaign_id)
    closed_days = await calendars.get(connection, seen.calendar)
    due = next_opening(until, campaign.hours, seen.zone, closed_days)
    waiting = await deliveries.change(connection, seen, due=due, cause=cause, detail=detail)
    data = {"cause": cause.value, "until": due.isoformat(timespec="seconds")}
    about = f"delivery:{seen.id}"
    await audit.append(
        connection, AuditEvent(str(actor), "delivery.wait", about, reason=detail, data=data), office.clock.now()
    )
    return waiting


def _times(seen: Delivery, after: State, now: datetime) -> dict[str, datetime | None]:
    """A proof that follows a presumption keeps the time of arrival: the follow-up counts from there.

    What was put aside was so in the state that it had.
    """
    arrived = (seen.arrived_at or now) if after in ARRIVED else None
    accepted = now if after is State.ACCEPTED else None if after is State.SENDING else seen.accepted_at
    return {"arrived_at": arrived, "accepted_at": accepted, "snoozed_until": None}


async def _due(
    connection: AsyncConnection,
    office: Office,
    campaign: CampaignRow,
    seen: Delivery,
    after: State,
    facts: Mapping[str, Any],
    asked: timedelta,
) -> datetime | None:
    if seen.state is State.PRESUMED and after is State.DELIVERED:
        return seen.due  # the follow-up is waiting already, or was decided
    need = await need_of(connection, office, campaign, seen, after, facts)
    return next_due(replace(need, asked=asked), office.policy)


async def need_of(
    connection: AsyncConnection,
    office: Office,
    campaign: CampaignRow,
    seen: Delivery,
    after: State,
    facts: Mapping[str, Any],
) -> Need:
    """What `next_due` goes by for this row in the state `after`; `facts` are the columns that have changed by then."""
    channel = office.channels.get(facts.get("channel", seen.channel))
    return Need(
        state=after,
        kind=seen.kind,
        now=office.clock.now(),
        since=office.clock.now(),
        cause=facts.get("cause", seen.cause),
        tries=facts.get("tries", seen.tries),
        spread=seen.id,
        proves=bool(channel and channel.abilities.proves),
        asks=bool(channel and channel.abilities.asks_about(after)),
        follow_up_after=campaign.follow_up_after(seen.step),
        zone=seen.zone,
        not_before=seen.not_before,
        hours=campaign.hours,
        calendar=await calendars.get(connection, seen.calendar if after in _BY_CALENDAR else ""),
    )


def _said(cause: Cause) -> dict[str, str]:
    return {"cause": cause.value} if cause else {}
