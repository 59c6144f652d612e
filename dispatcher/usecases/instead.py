"""The same approved letter another way: a delivery of its own takes the place of one that has surely not arrived.

It alone makes such a row. The old one is stopped in the same transaction, and each names the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.model import Actor, Address, Delivery, beside
from dispatcher.domain.schedule import next_opening
from dispatcher.domain.words import Cause, Signal, State
from dispatcher.store import audit, calendars, campaigns, deliveries

from .moves import move
from .office import Office
from .ways import never_arrived

#: No letter goes back and forth between two addresses more often than this.
_MOST_RETURNS = 50


@dataclass(frozen=True, slots=True)
class Change:
    """Who sends it another way, why, and what that is called in the audit log."""

    action: str  #: 'delivery.readdress', 'delivery.switch'
    reason: str
    actor: Actor
    frees: bool  #: a letter that was held for having nowhere to go goes on
    data: Mapping[str, Any] = field(default_factory=dict)


async def send_instead(
    connection: AsyncConnection, office: Office, seen: Delivery, address: Address, change: Change
) -> tuple[Delivery | None, Delivery | None]:
    """The same letter to another address, in place of `seen`; or None, and the row that stands in its way there."""
    new, there = await _place(connection, office, seen, address, frees=change.frees)
    if new is None:
        return None, there
    data = {"replaces": seen.id, "letter": seen.letter, **change.data}
    event = AuditEvent(str(change.actor), change.action, f"delivery:{new.id}", reason=change.reason, data=data)
    await audit.append(connection, event, office.clock.now())
    # The fax that waits for the proof of this email now waits for the proof of the new one.
    await deliveries.relink_fallback(connection, seen.id, new.id)
    told: dict[str, Any] = {"reason": change.reason, "data": {"instead": new.id, **change.data}}
    await move(connection, office, seen, Signal.CANCEL, change.actor, cause=Cause.PERSON_INSTEAD, **told)
    return new, None


async def _place(
    connection: AsyncConnection, office: Office, seen: Delivery, address: Address, *, frees: bool
) -> tuple[Delivery | None, Delivery | None]:
    """Add the new row. One that was cancelled there before, surely unsent, does not stand in its way."""
    now, there = office.clock.now(), None
    for again in range(_MOST_RETURNS):
        new = beside(seen, seen.letter, seen.step, address, office.domain, now, again=again)
        new = await _in_hours(connection, replace(_in_the_same_place(new, seen, frees=frees), instead_of=seen.id))
        if await deliveries.add(connection, new):
            return new, None
        there = await deliveries.get(connection, new.id)
        if not await left_free(connection, there):
            return None, there
    return None, there


async def left_free(connection: AsyncConnection, there: Delivery) -> bool:
    """Was it taken away, and is it certain that nothing arrived? A doubt that somebody gave up on may have."""
    return there.state is State.CANCELLED and await never_arrived(connection, there.id)


def _in_the_same_place(new: Delivery, seen: Delivery, *, frees: bool) -> Delivery:
    """It leaves when the old one was to leave, and is frozen if that one was; a known second try stays known."""
    new = replace(new, knowingly=seen.knowingly)
    if seen.state is State.FAILED:
        return new  # at once, in the recipient's hours
    linked = seen.fallback_for if new.kind is seen.kind else ""
    kept = replace(new, not_before=seen.not_before, expires_at=seen.expires_at, fallback_for=linked)
    if seen.state is State.HELD and not frees:
        return replace(kept, state=State.HELD, due=None, cause=seen.cause, detail=seen.detail)
    return replace(kept, due=max(seen.not_before, new.due or seen.not_before))


async def _in_hours(connection: AsyncConnection, new: Delivery) -> Delivery:
    if new.due is None:
        return new
    campaign = await campaigns.get(connection, new.campaign_id)
    closed_days = await calendars.get(connection, new.calendar)
    return replace(new, due=next_opening(new.due, campaign.hours, new.zone, closed_days))
