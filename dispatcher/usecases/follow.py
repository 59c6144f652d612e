"""A contact was corrected: what becomes of its letters that have not arrived. Each is moved, held or named, and logged.

The gate stands behind this: no letter leaves for an address that its contact does not have at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.lifecycle import ARRIVED
from dispatcher.domain.model import Actor, Address, Contact, Delivery, beside
from dispatcher.domain.words import CAUSES, Cause, Fate, Kind, Signal, State, Verdict, Who
from dispatcher.store import attempts, audit, campaigns, contacts, deliveries
from dispatcher.store.contacts import Kept

from .moves import move
from .office import Office

#: Nothing of it is under way, and it has surely not arrived: such a letter can go elsewhere.
_MOVABLE = (State.QUEUED, State.DEFERRED, State.HELD, State.FAILED)
#: It may be with them already, or is on the way: a person looks first.
_UNCERTAIN = (State.SENDING, State.IN_DOUBT)
#: Verdicts that prove that nothing arrived.
_NOTHING_ARRIVED = (Verdict.DEFERRED, Verdict.REFUSED, Verdict.UNSENT)
#: Why a letter is held; stands in its detail, so that it is found again when the reason is gone.
_OTHER_HOLDER = "the office has another holder than the letter names"
_NO_ADDRESS = "the contact has no such address any more"
_SUPPRESSED = "the contact's present address is on the suppression list"
_NOWHERE = (_NO_ADDRESS, _SUPPRESSED)
#: No letter goes back and forth between two addresses more often than this.
_MOST_RETURNS = 50


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
        new, there = await readdress(self.connection, self.office, seen, target, self.reason, self.actor)
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


async def readdress(
    connection: AsyncConnection, office: Office, seen: Delivery, address: Address, reason: str, actor: Actor
) -> tuple[Delivery | None, Delivery | None]:
    """The same letter to another address, in place of `seen`; or None, and the row that stands in its way there.

    The old delivery is cancelled in the same transaction, and each names the other.
    """
    new, there = await _place(connection, office, seen, address)
    if new is None:
        return None, there
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
    return new, None


async def _place(
    connection: AsyncConnection, office: Office, seen: Delivery, address: Address
) -> tuple[Delivery | None, Delivery | None]:
    """Add the new row. One that was cancelled there before, surely unsent, does not stand in its way."""
    now, there = office.clock.now(), None
    for again in range(_MOST_RETURNS):
        new = beside(seen, seen.letter, seen.step, address, office.domain, now, again=again)
        new = _in_the_same_place(new, seen)
        if await deliveries.add(connection, new):
            return new, None
        there = await deliveries.get(connection, new.id)
        if not await _surely_unsent(connection, there):
            return None, there
    return None, there


async def _surely_unsent(connection: AsyncConnection, there: Delivery) -> bool:
    """Was it taken away, and is it certain that nothing arrived? A doubt that somebody gave up on may have.

    The last word about its latest try counts: a bounce after an acceptance is proof that it did not arrive.
    """
    attempt = await attempts.latest(connection, there.id)
    if there.state is not State.CANCELLED or attempt is None:
        return there.state is State.CANCELLED
    heard = [one for one in await attempts.evidence_of(connection, there.id) if one["attempt_id"] == attempt.id]
    return (heard[-1]["verdict"] if heard else attempt.verdict) in _NOTHING_ARRIVED


def _in_the_same_place(new: Delivery, seen: Delivery) -> Delivery:
    """It leaves when the old one was to leave, and is frozen if that one was; a known second try stays known."""
    new = replace(new, knowingly=seen.knowingly)
    if seen.state is State.FAILED:
        return new  # at once, in the recipient's hours
    kept = replace(new, not_before=seen.not_before, expires_at=seen.expires_at, fallback_for=seen.fallback_for)
    if seen.state is State.HELD and seen.detail not in _NOWHERE:
        return replace(kept, state=State.HELD, due=None, cause=seen.cause, detail=seen.detail)
    return replace(kept, due=max(seen.not_before, new.due or seen.not_before))
