"""A contact was corrected: what becomes of its letters that have not arrived. Each is moved, held or named, and logged.

The gate stands behind this: no letter leaves for an address that its contact does not have at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.lifecycle import ARRIVED
from dispatcher.domain.model import Actor, Address, Contact, Delivery
from dispatcher.domain.words import CAUSES, Cause, Fate, Kind, Signal, State, Who
from dispatcher.store import campaigns, contacts, deliveries
from dispatcher.store.contacts import Kept

from .instead import Change, send_instead
from .moves import move
from .office import Office

#: Nothing of it is under way, and it has surely not arrived: such a letter can go elsewhere.
_MOVABLE = (State.QUEUED, State.DEFERRED, State.HELD, State.FAILED)
#: It may be with them already, or is on the way: a person looks first.
_UNCERTAIN = (State.SENDING, State.IN_DOUBT)
#: Why a letter is held; stands in its detail, so that it is found again when the reason is gone.
_OTHER_HOLDER = "the office has another holder than the letter names"
_NO_ADDRESS = "the contact has no such address any more"
_SUPPRESSED = "the contact's present address is on the suppression list"
_NOWHERE = (_NO_ADDRESS, _SUPPRESSED)


@dataclass(frozen=True, slots=True)
class Followed:
    """One delivery that the correction touched."""

    delivery_id: str
    fate: Fate
    instead: str = ""  #: id of the delivery that takes its place


async def touched(connection: AsyncConnection, before: Kept, after: Kept | None) -> list[Delivery]:
    """The deliveries, not yet arrived, that this change of a contact concerns; of stopped campaigns none."""
    found = await deliveries.of_contact(connection, before.person.id, (*_MOVABLE, *_UNCERTAIN))
    going = [one for one in found if (await campaigns.get(connection, one.campaign_id)).stopped_at is None]
    return [one for one in going if _concerns(one, before, after)]


def _concerns(one: Delivery, before: Kept, after: Kept | None) -> bool:
    had = before.person.address(one.kind) == one.address or _held_for(one, *_NOWHERE)
    elsewhere = had and _present(after, one.kind) != one.address
    return elsewhere or _other_holder(one, before.person, after) or _free_again(one, after)


def _present(kept: Kept | None, kind: Kind) -> str | None:
    """Where letters of this kind go now; None: nowhere."""
    return kept.person.address(kind) if kept is not None and kept.active else None


def _other_holder(one: Delivery, before: Contact, after: Kept | None) -> bool:
    if after is None or not before.name:
        return False
    return before.name.casefold() != after.person.name.casefold() and not names(one, after.person)


def names(one: Delivery, person: Contact) -> bool:
    """Is the letter made out to whoever holds the office now? Where no name is known it is made out to the office."""
    return not person.name or person.name.casefold() in one.recipient.casefold()


def _held_for(one: Delivery, *why: str) -> bool:
    return one.state is State.HELD and one.detail in why


def _free_again(one: Delivery, after: Kept | None) -> bool:
    """Is the reason gone for which it was held?"""
    if after is None:
        return False
    back = _held_for(one, *_NOWHERE) and _present(after, one.kind) == one.address
    return back or (_held_for(one, _OTHER_HOLDER) and names(one, after.person))


async def further(connection: AsyncConnection, seen: Delivery) -> tuple[Address, str]:
    """Where another letter to this recipient goes now, and why a person must look at it first; '' if nobody need."""
    kept = await contacts.kept(connection, seen.contact_id)
    present = _present(kept, seen.kind)
    if kept is None or present is None:
        return Address(seen.kind, seen.address), _NO_ADDRESS
    return Address(seen.kind, present), "" if names(seen, kept.person) else _OTHER_HOLDER


async def follow(
    connection: AsyncConnection, office: Office, before: Kept, after: Kept | None, reason: str, actor: Actor
) -> list[Followed]:
    """Move what waits at an address that changed; hold what has nowhere to go or names an office-holder who left."""
    told: list[Followed] = []
    for one in await touched(connection, before, after):
        seen = await deliveries.get(connection, one.id)  # an earlier turn may have linked it to another letter
        told += await _Follower(connection, office, before, after, reason, actor).turn(seen)
    return told


@dataclass(frozen=True, slots=True)
class _Follower:
    """One correction at work."""

    connection: AsyncConnection
    office: Office
    before: Kept
    after: Kept | None
    reason: str
    actor: Actor

    async def turn(self, seen: Delivery) -> list[Followed]:
        if seen.state in _UNCERTAIN:
            return [Followed(seen.id, Fate.UNCERTAIN)]
        present = _present(self.after, seen.kind)
        if present == seen.address:
            return await self._holder(seen)
        if seen.state is State.FAILED and not await self._mends(seen):
            return [Followed(seen.id, Fate.FAILED)]
        if present is None:
            return await self._hold(seen, _NO_ADDRESS)
        target = Address(seen.kind, present)
        if await contacts.is_suppressed(self.connection, target):
            return await self._hold(seen, _SUPPRESSED)
        return await self._move(seen, target)

    async def _mends(self, seen: Delivery) -> bool:
        """Did it fail for its address alone, and is it wanted still?"""
        answered = await contacts.has_answered(self.connection, seen)
        sisters = await deliveries.sisters(self.connection, seen)
        arrived = any(one.state in ARRIVED for one in sisters if seen.id == one.fallback_for or one.kind is seen.kind)
        return CAUSES[seen.cause].who is Who.CONTACT and not answered and not arrived

    async def _holder(self, seen: Delivery) -> list[Followed]:
        if _free_again(seen, self.after):
            await self._signal(seen, Signal.RELEASE, Cause.NONE)
            return [Followed(seen.id, Fate.RELEASED)]
        return await self._hold(seen, _OTHER_HOLDER)

    async def _hold(self, seen: Delivery, why: str) -> list[Followed]:
        """What failed is held by its failure already."""
        if seen.state in (State.QUEUED, State.DEFERRED):
            await self._signal(seen, Signal.HOLD, Cause.PERSON_HOLD, why)
            return [Followed(seen.id, Fate.HELD)]
        return [Followed(seen.id, Fate.FAILED)] if seen.state is State.FAILED else [Followed(seen.id, Fate.HELD)]

    async def _signal(self, seen: Delivery, signal: Signal, cause: Cause, detail: str = "") -> None:
        reason = self.reason
        await move(self.connection, self.office, seen, signal, self.actor, cause=cause, detail=detail, reason=reason)

    async def _move(self, seen: Delivery, target: Address) -> list[Followed]:
        nowhere = seen.detail in _NOWHERE
        change = Change("delivery.readdress", self.reason, self.actor, frees=nowhere)
        new, there = await send_instead(self.connection, self.office, seen, target, change)
        if new is None:
            return await self._met(seen, there)
        told = [Followed(seen.id, Fate.MOVED, new.id)]
        if self.after is not None and _other_holder(new, self.before.person, self.after):
            told += await self._hold(new, _OTHER_HOLDER)
        return told

    async def _met(self, seen: Delivery, there: Delivery | None) -> list[Followed]:
        """The letter has a row at the new address. It must not go to the old one, whatever that row came to."""
        if there is not None and there.state is not State.CANCELLED:
            await self._signal(seen, Signal.CANCEL, Cause.PERSON_CANCEL)
            return [Followed(seen.id, Fate.MET, there.id)]
        return await self._hold(seen, "it may have arrived at the present address before: a person looks first")
