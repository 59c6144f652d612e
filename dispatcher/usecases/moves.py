"""Moves a delivery: the state, what is due next, and the audit entry, in the transaction that is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.lifecycle import ARRIVED, CLAIMABLE, follow
from dispatcher.domain.model import Actor, Delivery
from dispatcher.domain.schedule import Need, next_due, next_opening
from dispatcher.domain.words import Cause, Signal, State
from dispatcher.store import audit, calendars, campaigns, deliveries
from dispatcher.store.campaigns import CampaignRow

from .office import Office

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
    **values: Any,
) -> Delivery:
    """Apply `signal` to the delivery as `seen`; the row after it. The only function that changes a state.

    `values` are further columns of the same row. Raises IllegalMove, or Conflict when the row is not as seen.
    """
    now = office.clock.now()
    after = follow(seen.state, signal)
    campaign = await campaigns.get(connection, seen.campaign_id)
    facts = {**values, **_times(seen, after, now), "cause": cause, "detail": detail, "changed_at": now}
    if due is BY_SCHEDULE:
        due = await _due(connection, office, campaign, seen, after, facts)
    moved = await deliveries.change(connection, seen, state=after, due=due, **facts)
    event = AuditEvent(
        actor=str(actor),
        action=f"delivery.{signal}",
        object=f"delivery:{seen.id}",
        before=seen.state,
        after=after,
        reason=reason,
        data={**_said(cause), **(data or {})},
    )
    await audit.append(connection, event, now)
    if after is State.FAILED:
        await deliveries.bring_forward(connection, seen.id, now)
    if after in CLAIMABLE and campaign.stopped_at is not None:  # a try was under way when the campaign was stopped
        return await move(connection, office, moved, Signal.CANCEL, actor, cause=Cause.GATE_STOPPED)
    return moved


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
) -> datetime | None:
    if seen.state is State.PRESUMED and after is State.DELIVERED:
        return seen.due  # the follow-up is waiting already, or was decided
    channel = office.channels.get(facts.get("channel", seen.channel))
    need = Need(
        state=after,
        kind=seen.kind,
        now=office.clock.now(),
        since=office.clock.now(),
        cause=facts["cause"],
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
    return next_due(need, office.policy)


def _said(cause: Cause) -> dict[str, str]:
    return {"cause": cause.value} if cause else {}
