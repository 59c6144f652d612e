"""A contact was corrected: its waiting letters follow, each as a delivery of its own with the same frozen letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.model import Actor, Address, Contact, Delivery, beside
from dispatcher.domain.words import Cause, Fate, Kind, Signal, State, Verdict
from dispatcher.store import attempts, audit, campaigns, deliveries

from .moves import move
from .office import Office

#: They have surely not arrived and nothing is under way: a letter in one of these states can go elsewhere.
WAITING = (State.QUEUED, State.DEFERRED, State.HELD, State.FAILED)
#: It may be with them already, or is on the way: a person looks first.
_UNCERTAIN = (State.SENDING, State.IN_DOUBT)
_NOTHING_ARRIVED = (Verdict.DEFERRED, Verdict.REFUSED, Verdict.UNSENT)
#: No letter goes back and forth between two addresses more often than this.
_MOST_RETURNS = 50


@dataclass(frozen=True, slots=True)
class Followed:
    """One delivery that the correction touched."""

    delivery_id: str
    fate: Fate
    instead: str = ""  #: id of the delivery that takes its place


async def waiting(connection: AsyncConnection, before: Contact, after: Contact) -> list[Delivery]:
    """The deliveries that a change from `before` to `after` would touch."""
    old = [Address(kind, value) for kind, value, _ in _moves(before, after)]
    states = (*WAITING, *_UNCERTAIN)
    found = await deliveries.of_contact(connection, before.id, states)
    succeeded = _succeeded(before, after)
    return [one for one in found if succeeded or Address(one.kind, one.address) in old]


async def follow(
    connection: AsyncConnection, office: Office, before: Contact, after: Contact, reason: str, actor: Actor
) -> list[Followed]:
    """Move what waits at an address that changed; hold what names an office-holder who left."""
    new = {Address(kind, value): Address(kind, present) for kind, value, present in _moves(before, after)}
    told: list[Followed] = []
    for seen in await waiting(connection, before, after):
        address = new.get(Address(seen.kind, seen.address))
        if seen.state in _UNCERTAIN:
            told.append(Followed(seen.id, Fate.UNCERTAIN))
        elif (await campaigns.get(connection, seen.campaign_id)).stopped_at is None:
            told += await _one(connection, office, seen, address, reason, actor, held=_succeeded(before, after))
    return told


def _moves(before: Contact, after: Contact) -> Iterator[tuple[Kind, str, str]]:
    """(kind, old value, new value) of the addresses that were exchanged for another."""
    for one in before.addresses:
        present = after.address(one.kind)
        if present is not None and present != one.value:
            yield one.kind, one.value, present


def _succeeded(before: Contact, after: Contact) -> bool:
    """Has somebody else taken over the office?"""
    return bool(before.name) and before.name.casefold() != after.name.casefold()


async def _one(
    connection: AsyncConnection,
    office: Office,
    seen: Delivery,
    address: Address | None,
    reason: str,
    actor: Actor,
    *,
    held: bool,
) -> list[Followed]:
    told = []
    if address is not None:
        moved = await readdress(connection, office, seen, address, reason, actor)
        told.append(Followed(seen.id, Fate.MOVED if moved else Fate.MET, moved.id if moved else ""))
        seen = moved or seen
    if held and seen.state in (State.QUEUED, State.DEFERRED):
        why = f"the office has another holder now: {reason}"
        await move(connection, office, seen, Signal.HOLD, actor, cause=Cause.PERSON_HOLD, reason=why)
        told.append(Followed(seen.id, Fate.HELD))
    return told


async def readdress(
    connection: AsyncConnection, office: Office, seen: Delivery, address: Address, reason: str, actor: Actor
) -> Delivery | None:
    """The same letter to another address, in place of `seen`; None when it goes there already.

    The old delivery is cancelled in the same transaction, and each names the other.
    """
    new = await _place(connection, office, seen, address)
    if new is None:
        return None
    event = AuditEvent(
        str(actor),
        "delivery.readdress",
        f"delivery:{new.id}",
        reason=reason,
        data={"replaces": seen.id, "letter": seen.letter},
    )
    await audit.append(connection, event, office.clock.now())
    # The fax that waits for the proof of this email now waits for the proof of the new one.
    await deliveries.relink_fallback(connection, seen.id, new.id)
    cause, data = Cause.PERSON_CANCEL, {"instead": new.id}
    await move(connection, office, seen, Signal.CANCEL, actor, cause=cause, reason=reason, data=data)
    return new


async def _place(connection: AsyncConnection, office: Office, seen: Delivery, address: Address) -> Delivery | None:
    """Add the new row. One that was cancelled there before, unsent, does not stand in its way."""
    now = office.clock.now()
    for again in range(_MOST_RETURNS):
        new = beside(seen, seen.letter, seen.step, address, office.domain, now, again=again)
        new = _in_the_same_place(new, seen)
        if await deliveries.add(connection, new):
            return new
        if not await _surely_unsent(connection, await deliveries.get(connection, new.id)):
            return None
    return None


async def _surely_unsent(connection: AsyncConnection, there: Delivery) -> bool:
    """Was it taken away before anything can have arrived? A doubt that somebody gave up on may have."""
    attempt = await attempts.latest(connection, there.id)
    return there.state is State.CANCELLED and (attempt is None or attempt.verdict in _NOTHING_ARRIVED)


def _in_the_same_place(new: Delivery, seen: Delivery) -> Delivery:
    """It leaves when the old one was to leave, and is frozen if that one was."""
    if seen.state is State.FAILED:
        return new  # at once, in the recipient's hours
    kept = replace(new, not_before=seen.not_before, expires_at=seen.expires_at, fallback_for=seen.fallback_for)
    if seen.state is State.HELD:
        return replace(kept, state=State.HELD, due=None, cause=seen.cause, detail=seen.detail)
    return replace(kept, due=max(seen.not_before, new.due or seen.not_before))
