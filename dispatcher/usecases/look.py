"""The look before an approval: what has changed since the letters were made, and what a person must confirm by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Problem, UserError
from dispatcher.domain.model import Address, Contact
from dispatcher.domain.words import Health
from dispatcher.store import contacts, views
from dispatcher.store.contacts import Kept
from dispatcher.store.views import Record

from .contacts import health
from .fax_header import header_warnings
from .office import Office
from .plan import Plan, Stop, person_of

#: Nobody signs over these without saying so: the letter may reach the wrong person, or in the wrong words.
TO_CONFIRM: Mapping[str, str] = {
    "W_LANGUAGE": "some letters go out in another language than their contact's",
    "W_HOLDER_CHANGED": "some offices have another holder than when their letters were made",
    "W_CONTACT_CHANGED": "some contacts were changed after their letters were made",
    "W_CONTACT_GONE": "some contacts are no longer on the list",
    "W_TIME_GAP": "the hour does not exist on that day, and was moved",
    "W_TIME_FOLD": "the hour comes twice on that day, and the first was taken",
}
#: An address that nobody has made sure of for longer than this may be out of date.
STALE = timedelta(days=365)


async def look(office: Office, plan: Plan) -> list[Problem]:
    """What the office knows today that the plan does not: each names the letter, the place and the way out."""
    return await office.store.read(lambda connection: look_now(connection, office, plan))


async def look_now(connection: AsyncConnection, office: Office, plan: Plan) -> list[Problem]:
    """The same, within a transaction."""
    kept = {name: await contacts.kept(connection, name) for name in plan.people}
    addresses = sorted({one.address for one in plan.stops})
    known = {(one.kind, one.address): one for one in await views.records(connection, addresses)}
    again = f"Prepare it again: dispatcher campaigns prepare {plan.campaign['id']}"
    found = [fault for name, one in kept.items() for fault in _changed(name, plan, one, again)]
    found += header_warnings(office, plan)
    today = office.clock.now().date()
    for stop in _first_of_each_address(plan.stops):
        address = Address(stop.kind, stop.address)
        if since := await contacts.suppressed_since(connection, address):
            found.append(_suppressed(stop, *since))
        found += _of_address(stop, kept[stop.contact_id], known.get((stop.kind, stop.address)), today)
    return found


def _first_of_each_address(stops: Sequence[Stop]) -> Iterator[Stop]:
    seen: set[str] = set()
    for stop in stops:
        if stop.address not in seen:
            seen.add(stop.address)
            yield stop


def _changed(contact_id: str, plan: Plan, kept: Kept | None, again: str) -> Iterator[Problem]:
    place, then = f"letter to {contact_id}", plan.people[contact_id]
    if kept is None or not kept.active:
        way_out = "Take it out of the campaign, or import it again"
        yield Problem(place, "the contact is no longer on the list", way_out, "W_CONTACT_GONE")
        return
    now = person_of(kept.person)
    if now.holder != then.holder:
        cause = f"the letter is made out to {then.holder or 'nobody'}; the office is held by {now.holder or 'nobody'}"
        yield Problem(place, cause, again, "W_HOLDER_CHANGED")
    elif now.fingerprint != then.fingerprint:
        yield Problem(place, "the contact was changed after the letter was made", again, "W_CONTACT_CHANGED")
    yield from _term(place, kept.person, date.fromisoformat(plan.campaign["local_key"][:10]))


def _term(place: str, person: Contact, day: date) -> Iterator[Problem]:
    if person.until is not None and person.until < day:
        cause = f"the term of {person.name} ended on {person.until:%d %B %Y}"
        yield Problem(place, cause, f"See who holds the office: contacts repair {person.id} --name …", "W_TERM_OVER")


def _suppressed(stop: Stop, since: datetime, by: str) -> Problem:
    cause = f"its {stop.kind} is on the suppression list since {since:%d %B %Y}, by {by}; nothing will be sent there"
    return Problem(f"letter to {stop.addressee_id}", cause, "Take the contact out, or find another way", "W_SUPPRESSED")


def _of_address(stop: Stop, kept: Kept | None, record: Record | None, today: date) -> Iterator[Problem]:
    place = f"letter to {stop.addressee_id}"
    if record is not None and health(record) is Health.BAD:
        cause = f"the latest letter to {stop.address} failed: {record.cause}"
        way_out = f"Correct it (contacts repair {stop.contact_id} --{stop.kind} …) or choose another channel"
        yield Problem(place, cause, way_out, "W_ADDRESS_BAD")
    checked = kept.person.known_from(Address(stop.kind, stop.address)).checked_on if kept else None
    if checked is None or today - checked > STALE:
        when = f"was last checked on {checked:%d %B %Y}" if checked else "was never checked, as far as is on record"
        way_out = f"Make sure of it, then: contacts repair {stop.contact_id} --checked"
        yield Problem(place, f"{stop.kind} {stop.address} {when}", way_out, "W_UNCHECKED")


# -- confirming --------------------------------------------------------------------------------------------------------


def unconfirmed(remarks: Sequence[Problem], confirmed: Collection[str]) -> dict[str, list[Problem]]:
    """What still has to be confirmed, by code."""
    left: dict[str, list[Problem]] = {}
    for one in remarks:
        if one.code in TO_CONFIRM and one.code not in confirmed:
            left.setdefault(one.code, []).append(one)
    return left


def require_confirmed(remarks: Sequence[Problem], confirmed: Collection[str]) -> list[tuple[str, str]]:
    """(code, place) of all that was confirmed. Raises UserError with everything that was not."""
    if left := unconfirmed(remarks, confirmed):
        raise UserError([_ask(one) for group in left.values() for one in group])
    return sorted({(one.code, one.place) for one in remarks if one.code in TO_CONFIRM})


def _ask(one: Problem) -> Problem:
    return Problem(one.place, one.cause, f"{one.way_out}; if it is meant so: --confirm {one.code}", one.code)
