"""The look before an approval: what has changed since the letters were made, and what a person must confirm by name."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import canonical
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Address, Contact
from dispatcher.domain.words import Health
from dispatcher.store import contacts, views
from dispatcher.store.contacts import Kept
from dispatcher.store.views import Record

from .contacts import health
from .fax_header import header_warnings
from .office import Office
from .plan import Person, Plan, Stop, person_of
from .purse import Purse, purses, too_dear

T = TypeVar("T")

#: Nobody signs over these without saying so: the letter may reach the wrong person, or in the wrong words.
TO_CONFIRM: Mapping[str, str] = {
    "W_LANGUAGE": "some letters go out in another language than their contact's",
    "W_HOLDER_CHANGED": "some offices have another holder than when their letters were made",
    "W_CONTACT_CHANGED": "some contacts were changed after their letters were made",
    "W_TIME_GAP": "the hour does not exist on that day, and was moved",
    "W_SPENDING": "some faxes will wait: there is not money for all of them",
    "W_TIME_FOLD": "the hour comes twice on that day, and the first was taken",
}
#: Nobody can sign over these: such a letter would be held back at its hour.
BARRED = ("E_CONTACT_CHANGED", "E_CONTACT_GONE")
#: An address that nobody has made sure of for longer than this may be out of date.
STALE = timedelta(days=365)
#: So often is looked again, when contacts are being changed while an approver decides.
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Noticed(Problem):
    """A remark about a contact that was changed, and which change it was."""

    version: str = ""  #: fingerprint of the contact as it is now


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows today of the people of a plan; read in one transaction."""

    version: tuple[Any, ...]  #: of contacts and suppression list
    kept: Mapping[str, Kept]
    suppressed: Mapping[Address, tuple[datetime, str]]
    records: Mapping[Address, Record]
    purses: list[Purse]


async def look(office: Office, plan: Plan) -> list[Problem]:
    """What the office knows today that the plan does not: each names the letter, the place and the way out."""
    return await _told(office, plan, await _read(office, plan))


async def decide(office: Office, plan: Plan, unit: Callable[[AsyncConnection, Sequence[Problem]], Awaitable[T]]) -> T:
    """Look, then run `unit` on what was seen in a write transaction in which that is still so.

    A look at ten thousand contacts takes a while, in which nobody else shall wait to write: it is taken before. Raises
    Conflict when contacts are changed faster than they can be looked at.
    """
    for _ in range(_LOOKS - 1):
        try:
            return await _decide(office, plan, unit)
        except _Overtaken:
            continue
    return await _decide(office, plan, unit)


class _Overtaken(Conflict):
    """What was seen is no longer so."""


async def _decide(office: Office, plan: Plan, unit: Callable[[AsyncConnection, Sequence[Problem]], Awaitable[T]]) -> T:
    known = await _read(office, plan)
    seen = await _told(office, plan, known)

    async def on_what_was_seen(connection: AsyncConnection) -> T:
        if await contacts.version(connection) != known.version:
            raise _Overtaken("contacts are being changed at this moment; wait until that has ended, then say it again")
        return await unit(connection, seen)

    return await office.store.write(on_what_was_seen)


async def _read(office: Office, plan: Plan) -> _Known:
    addresses = list(dict.fromkeys(Address(one.kind, one.address) for one in plan.stops))

    async def unit(connection: AsyncConnection) -> _Known:
        return _Known(
            version=await contacts.version(connection),
            kept=await contacts.kept_among(connection, list(plan.people)),
            suppressed=await contacts.suppressed_among(connection, addresses),
            records=_by_address(await views.records(connection, [one.value for one in addresses])),
            purses=await purses(connection, office, plan.campaign["id"]),
        )

    return await office.store.read(unit)


def _by_address(records: Sequence[Record]) -> dict[Address, Record]:
    return {Address(one.kind, one.address): one for one in records}


async def _told(office: Office, plan: Plan, known: _Known) -> list[Problem]:
    """In a thread: it takes a second at ten thousand contacts, in which others are served."""
    today = office.clock.now().date()
    found = await asyncio.to_thread(_of_people, plan, known)
    found += [*header_warnings(office, plan), *too_dear(office, plan, known.purses)]
    return found + await asyncio.to_thread(_of_addresses, plan, known, today)


def _of_people(plan: Plan, known: _Known) -> list[Problem]:
    stops: dict[str, dict[Address, None]] = {name: {} for name in plan.people}
    for one in plan.stops:
        stops[one.contact_id].setdefault(Address(one.kind, one.address))
    again = f"Prepare it again: dispatcher campaigns prepare {plan.campaign['id']}"
    day = date.fromisoformat(plan.campaign["local_key"][:10])
    return [
        fault
        for name, then in plan.people.items()
        for fault in _of_person(f"letter to {name}", then, list(stops[name]), known.kept.get(name), day, again)
    ]


def _of_person(
    place: str, then: Person, ways: Sequence[Address], kept: Kept | None, day: date, again: str
) -> Iterator[Problem]:
    if kept is None or not kept.active:
        cause, way_out = "the contact is no longer on the list", f"{again}, without it or with it on the list"
        yield Problem(place, cause, way_out, "E_CONTACT_GONE")
        return
    moved = [one for one in ways if one not in kept.person.addresses]
    yield from (_moved(place, one, kept.person, again) for one in moved)
    yield from _changed(place, then, kept.person, again, moved=bool(moved))
    yield from _term(place, kept.person, day)


def _moved(place: str, way: Address, person: Contact, again: str) -> Problem:
    now = person.address(way.kind)
    cause = f"it goes to {way.value}, and the {way.kind} of the contact was changed" + (
        f" to {now}" if now else ": there is none any more"
    )
    return Problem(place, cause, again, "E_CONTACT_CHANGED")


def _changed(place: str, then: Person, person: Contact, again: str, *, moved: bool) -> Iterator[Problem]:
    """What else differs from what the letter was made with; a moved address alone was told already."""
    now = person_of(person)
    if now.holder != then.holder:
        cause = f"the letter is made out to {then.holder or 'nobody'}; the office is held by {now.holder or 'nobody'}"
        yield Noticed(place, cause, again, "W_HOLDER_CHANGED", now.fingerprint)
    elif now.fingerprint != then.fingerprint and not moved:
        cause = "the contact was changed after the letter was made"
        yield Noticed(place, cause, again, "W_CONTACT_CHANGED", now.fingerprint)


def _of_addresses(plan: Plan, known: _Known, today: date) -> list[Problem]:
    return [fault for stop in _first_of_each_address(plan.stops) for fault in _of_stop(stop, known, today)]


def _of_stop(stop: Stop, known: _Known, today: date) -> Iterator[Problem]:
    address = Address(stop.kind, stop.address)
    if since := known.suppressed.get(address):
        yield _suppressed(stop, *since)
    yield from _of_address(stop, known.kept.get(stop.contact_id), known.records.get(address), today)


def _first_of_each_address(stops: Sequence[Stop]) -> Iterator[Stop]:
    seen: set[str] = set()
    for stop in stops:
        if stop.address not in seen:
            seen.add(stop.address)
            yield stop


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


def digest_of(one: Problem) -> str:
    """Names what was seen: another holder, or another change of the contact, has another digest."""
    version = one.version if isinstance(one, Noticed) else ""
    return hashlib.sha256(canonical([one.code, one.place, one.cause, version]).encode()).hexdigest()[:16]


def require_possible(remarks: Sequence[Problem]) -> None:
    """Raises UserError with what no confirmation helps against."""
    if barred := _barred(remarks):
        raise UserError(barred)


def _barred(remarks: Sequence[Problem]) -> list[Problem]:
    return [one for one in remarks if one.code in BARRED]


def unconfirmed(
    remarks: Sequence[Problem], confirmed: Collection[str], shown: Collection[str] | None = None
) -> dict[str, list[Problem]]:
    """What still has to be confirmed, by code: that code was not, or it was, before this was there to be seen.

    `shown`: digests (`digest_of`) of all that whoever confirmed had before their eyes; None: all of `remarks`.
    """
    left: dict[str, list[Problem]] = {}
    for one in remarks:
        if one.code in TO_CONFIRM and not _meant(one, confirmed, shown):
            left.setdefault(one.code, []).append(one)
    return left


def _meant(one: Problem, confirmed: Collection[str], shown: Collection[str] | None) -> bool:
    return one.code in confirmed and (shown is None or digest_of(one) in shown)


def require_confirmed(
    remarks: Sequence[Problem], confirmed: Collection[str], shown: Collection[str] | None = None
) -> list[tuple[str, ...]]:
    """(code, place, digest) of all that was confirmed. Raises UserError with everything that was not, or cannot be."""
    barred = _barred(remarks)
    left = [_ask(one) for group in unconfirmed(remarks, confirmed, shown).values() for one in group]
    if barred or left:
        raise UserError([*barred, *left])
    return sorted({named(one) for one in remarks if one.code in TO_CONFIRM})


def named(one: Problem) -> tuple[str, ...]:
    """A remark as it stands with an approval."""
    return one.code, one.place, digest_of(one)


def require_nothing_new(campaign_id: str, remarks: Sequence[Problem], confirmed: Collection[tuple[str, ...]]) -> None:
    """Raises Conflict with what came up after the approval, or has become something else since."""
    barred = _barred(remarks)
    new = [*barred, *(one for one in remarks if one.code in TO_CONFIRM and named(one) not in confirmed)]
    if not new:
        return
    lines = "; ".join(f"{one.place}: {one.cause}" for one in new[:5]) + (" …" if len(new) > 5 else "")
    code = barred[0].code if barred else "E_CONTACT_CHANGED"
    way_out = "Prepare it again, and approve that" if barred else "Prepare it again, or approve this plan again"
    raise Conflict(f"{code} since '{campaign_id}' was approved: {lines}. {way_out}")


def _ask(one: Problem) -> Problem:
    return Problem(one.place, one.cause, f"{one.way_out}; if it is meant so: --confirm {one.code}", one.code)
