"""What operators do with single letters: retry, give up, hold, release, cancel, snooze, switch, readdress.

Doubts are settled in `doubts.py`, answers noted in `answers.py`; both are named here too, for the doors.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Conflict, NotFound
from dispatcher.domain.model import Actor, Address, Delivery
from dispatcher.domain.verbs import Case, Refusal, Verb, stopped, why_not
from dispatcher.domain.words import Cause, Signal, State
from dispatcher.store import cases, contacts, deliveries

from . import guard
from .answers import Noted, note_answer
from .by_hand import ACTS, SENDS, By, require_later, require_reason, take_back
from .doubts import Decision, settle_doubt
from .instead import Change, send_instead
from .office import Office

__all__ = [
    "Decision",
    "Noted",
    "act",
    "apply_by_hand",
    "give_up",
    "note_answer",
    "readdress",
    "retry",
    "settle_doubt",
    "snooze",
    "switch",
    "unsnooze",
]

#: These may end a try that was claimed, while nothing of it has left.
_TAKE_BACK = (Verb.HOLD, Verb.CANCEL)


async def act(office: Office, verb: Verb, delivery_id: str, by: By) -> Delivery:
    """Do one thing with one letter, named by its id or a beginning of it; the row after it (of a switch, the new one).

    Raises Conflict with why it cannot be done, UserError without a reason where one is needed, Quarantined.
    """
    require_reason(verb, by.reason)
    require_later(verb, by.until, office.clock.now())
    if verb in SENDS:
        await guard.enter(office)
    return await office.store.write(lambda connection: _act(connection, office, verb, delivery_id, by))


async def _act(connection: AsyncConnection, office: Office, verb: Verb, delivery_id: str, by: By) -> Delivery:
    case = await _case(connection, office, delivery_id)
    if verb in _TAKE_BACK and case.delivery.state is State.SENDING:
        await take_back(connection, office, case.delivery)
    elif refusal := why_not(verb, case):
        raise _refused(case, refusal)
    return await ACTS[verb](connection, office, case, by)


async def _case(connection: AsyncConnection, office: Office, delivery_id: str) -> Case:
    seen = await deliveries.get(connection, delivery_id)
    found = await cases.named(connection, [seen.id], office.clock.now())
    if seen.id not in found:
        raise NotFound(f"there is no delivery '{delivery_id}'")
    return found[seen.id]


def _refused(case: Case, refusal: Refusal) -> Conflict:
    return Conflict(f"{refusal.code} delivery {case.delivery.id} {refusal.words}")


async def retry(office: Office, delivery_id: str, reason: str, actor: Actor) -> Delivery:
    """Another full set of tries for one failed letter."""
    return await act(office, Verb.RETRY, delivery_id, By(actor, reason))


async def give_up(office: Office, delivery_id: str, reason: str, actor: Actor) -> Delivery:
    """Leave a failure at that: it is stopped, and its cause tells that it was given up."""
    return await act(office, Verb.GIVE_UP, delivery_id, By(actor, reason))


async def snooze(office: Office, delivery_id: str, until: datetime, reason: str, actor: Actor) -> Delivery:
    """Put a failed or held letter aside until an hour. It returns to the lists by itself, and does not send itself."""
    return await act(office, Verb.SNOOZE, delivery_id, By(actor, reason, until=until))


async def unsnooze(office: Office, delivery_id: str, reason: str, actor: Actor) -> Delivery:
    return await act(office, Verb.UNSNOOZE, delivery_id, By(actor, reason))


async def switch(office: Office, delivery_id: str, reason: str, actor: Actor) -> Delivery:
    """Send the same approved letter by fax instead of email, or the reverse; the new delivery."""
    return await act(office, Verb.SWITCH, delivery_id, By(actor, reason))


_VERBS = {Signal.HOLD: Verb.HOLD, Signal.RELEASE: Verb.RELEASE, Signal.CANCEL: Verb.CANCEL}


async def apply_by_hand(office: Office, delivery_id: str, signal: Signal, reason: str, actor: Actor) -> Delivery:
    """Hold, release or cancel one delivery. What is past its commit point is not stopped any more: E_TOO_LATE."""
    return await act(office, _VERBS[signal], delivery_id, By(actor, reason))


# -- a corrected address -----------------------------------------------------------------------------------------------

#: Nothing of it is under way, and it has surely not arrived.
_MOVABLE = (State.FAILED, State.HELD, State.QUEUED, State.DEFERRED)


async def readdress(office: Office, delivery_id: str, reason: str, actor: Actor) -> Delivery:
    """Send what failed or waits to its contact's present address: the same frozen letter, as a delivery of its own.

    The old one is cancelled in the same transaction, and each names the other. Raises Conflict when it may have left,
    or the contact's address is still the same.
    """
    await guard.enter(office)
    return await office.store.write(lambda connection: _readdress(connection, office, delivery_id, reason, actor))


async def _readdress(
    connection: AsyncConnection, office: Office, delivery_id: str, reason: str, actor: Actor
) -> Delivery:
    case = await _case(connection, office, delivery_id)
    seen = case.delivery
    if seen.state not in _MOVABLE:
        hint = "; a doubt is settled one by one: doubts settle" if seen.state is State.IN_DOUBT else ""
        raise Conflict(f"delivery {seen.id} is {seen.state}, not failed, held or waiting{hint}")
    if refusal := stopped(case):
        raise _refused(case, refusal)
    address = await _present_address(connection, seen)
    frees = seen.cause is Cause.GATE_CONTACT or not case.present
    change = Change("delivery.readdress", reason, actor, frees)
    new, there = await send_instead(connection, office, seen, address, change)
    if new is None:
        taken = there.id if there else seen.id
        raise Conflict(f"delivery {taken} goes to that address already, or went there; see: deliveries show {taken}")
    return new


async def _present_address(connection: AsyncConnection, seen: Delivery) -> Address:
    person = await contacts.kept(connection, seen.contact_id)
    value = person.person.address(seen.kind) if person and person.active else None
    if value is None or value == seen.address:
        raise Conflict(
            f"contact '{seen.contact_id}' has no other {seen.kind} than {seen.address}; "
            "correct it in the contacts' file and import that first"
        )
    if since := await contacts.suppressed_since(connection, Address(seen.kind, value)):
        raise Conflict(f"E_SUPPRESSED nothing more goes to {value}, since {since[0]:%Y-%m-%d}; by {since[1]}")
    return Address(seen.kind, value)
