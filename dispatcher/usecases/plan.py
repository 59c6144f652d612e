"""The plan of a campaign: everything that will happen, in one document with one digest. What is approved is this."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from dispatcher.domain.audit import canonical
from dispatcher.domain.calendars import PLAIN, Calendar, calendar_from
from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Address, Campaign, Contact, Hours, Letter, delivery_id, hours_from
from dispatcher.domain.schedule import add_working_days, next_opening, on_the_way
from dispatcher.domain.words import Days, Kind, Policy, Role


@dataclass(frozen=True, slots=True)
class Stop:
    """One delivery of the first letter, as it will be queued."""

    id: str
    contact_id: str
    addressee_id: str
    kind: Kind
    address: str
    role: Role
    recipient: str
    zone: str
    letter: str  #: digest
    due: str  #: ISO 8601, UTC
    expires: str  #: the same, or ''
    fallback_for: str
    calendar: str = ""  #: digest of the recipient's closed days, among the plan's calendars
    occurrence: str = ""  #: of which time of a campaign that repeats, by its local key
    days_on: int = 0  #: so many working days after the campaign's own day, because so many letters leave a day


@dataclass(frozen=True, slots=True)
class Person:
    """A contact as it was when its letter was made."""

    holder: str  #: the name of the office-holder
    fingerprint: str  #: of everything that shapes the letter or its way


#: Fields of a contact that change neither a letter nor its way. What it prefers and whom it copies to do: a campaign
#: that says nothing else follows them.
_BESIDE_THE_POINT = ("provenance", "tags", "phone", "external_id", "national_days", "since", "until")


def person_of(contact: Contact) -> Person:
    facts = {name: value for name, value in asdict(contact).items() if name not in _BESIDE_THE_POINT}
    return Person(contact.name, hashlib.sha256(canonical(facts).encode()).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign, its frozen letters and whom they go to."""

    campaign: dict[str, Any]
    source: str  #: the campaign file, exactly
    letters: tuple[Letter, ...]
    stops: tuple[Stop, ...]
    people: dict[str, Person]  #: by contact id: as they were when the letters were made
    remarks: tuple[Problem, ...] = ()  #: what was noticed while they were made; whoever approves sees it
    calendars: Mapping[str, Calendar] = field(default_factory=dict)  #: by digest: closed days, as they count for good

    def as_bytes(self) -> bytes:
        return canonical({"v": 1, **asdict(self)}).encode()

    @property
    def hours(self) -> Hours | None:
        """When letters may leave."""
        return _hours(self.campaign)

    @property
    def instants(self) -> dict[str, datetime]:
        """When the campaign happens: local key → instant, in order; one for a campaign that happens once."""
        times = self.campaign.get("occurrences") or [[self.campaign["local_key"], self.campaign["instant"]]]
        return {local_key: datetime.fromisoformat(instant) for local_key, instant in times}

    def calendar_of(self, stop: Stop) -> Calendar:
        """The recipient's closed days."""
        return self.calendars.get(stop.calendar, PLAIN)


def plan_from_bytes(data: bytes) -> Plan:
    record = json.loads(data)
    letters = tuple(Letter(**one) for one in record["letters"])
    stops = tuple(Stop(**{**one, "kind": Kind(one["kind"]), "role": Role(one["role"])}) for one in record["stops"])
    people = {name: Person(**one) for name, one in record["people"].items()}
    remarks = tuple(Problem(**one) for one in record["remarks"])
    calendars = {digest: calendar_from(one) for digest, one in record.get("calendars", {}).items()}
    return Plan(record["campaign"], record["source"], letters, stops, people, remarks, calendars)


def _hours(facts: Mapping[str, Any]) -> Hours | None:
    """Plans from before there were `days` mean working days."""
    return hours_from([*facts["hours"], facts.get("days") or Days.WORKING] if facts["hours"] else None)


def draw(
    campaign: Campaign,
    people: Mapping[str, Contact],
    letters: Sequence[Letter],
    names: Mapping[tuple[str, str], str],
    remarks: Sequence[Problem] = (),
    calendars: Mapping[str, Calendar] | None = None,
    per_day: int = 0,
) -> Plan:
    """The plan of `campaign` with these frozen letters, and what was noticed while they were made.

    `names`: (addressee's id, recipient's id) → how the letter calls the recipient, with every honour. `calendars` are
    the closed days of each contact, by its id. Of more than `per_day` letters (0: any number), the rest leaves on the
    next working days.
    """
    closed_days = calendars or {}
    stops = [stop for edition in campaign.editions for stop in _edition(edition, people, letters, closed_days, per_day)]
    concerned = sorted({one.contact_id for one in stops} | set(campaign.contact_ids))
    described = {name: person_of(people[name]) for name in concerned}
    used = {one.digest: one for one in closed_days.values()}
    kept = {digest: used[digest] for digest in sorted({one.calendar for one in stops} & used.keys())}
    called = [replace(one, recipient=names[one.addressee_id, one.contact_id]) for one in stops]
    facts = {**_facts(campaign), "per_day": per_day}
    return Plan(facts, campaign.source, tuple(letters), tuple(called), described, tuple(remarks), kept)


def _edition(
    campaign: Campaign,
    people: Mapping[str, Contact],
    letters: Sequence[Letter],
    closed_days: Mapping[str, Calendar],
    per_day: int,
) -> Iterable[Stop]:
    """The deliveries of one time that the campaign happens. A letter's copies leave on its own day."""
    first = {one.contact_id: one for one in letters if one.step == 0 and one.occurrence == campaign.occurrence}
    days = {name: place // per_day if per_day else 0 for place, name in enumerate(campaign.contact_ids)}
    for contact_id in campaign.contact_ids:
        routed = _Routed(campaign, people[contact_id], closed_days.get(contact_id, PLAIN), days[contact_id])
        yield from _stops(routed, contact_id, Role.TO, campaign.policy_for(contact_id), first[contact_id])
    for copy in campaign.copies:
        day = days[copy.for_contact_id]
        routed = _Routed(campaign, people[copy.contact_id], closed_days.get(copy.contact_id, PLAIN), day)
        yield from _stops(routed, copy.for_contact_id, Role.CC, copy.policy, first[copy.for_contact_id])


@dataclass(frozen=True, slots=True)
class _Routed:
    """Somebody who receives a letter, and when that office may receive one."""

    campaign: Campaign
    person: Contact
    calendar: Calendar
    days_on: int

    def due(self, *, fallback: bool) -> datetime:
        """When the letter leaves: within the office's hours, and a fall-back after its email's time for proof."""
        campaign, zone = self.campaign, self.person.time_zone
        due = campaign.when.instant
        if self.days_on:
            due = add_working_days(due, self.days_on, zone, self.calendar)
        if fallback:
            due = add_working_days(due, campaign.proof_after, zone, self.calendar)
        return next_opening(due, campaign.hours, zone, self.calendar)

    def expires(self, due: datetime) -> str:
        days = self.campaign.expires_after
        return add_working_days(due, days, self.person.time_zone, self.calendar).isoformat() if days else ""


def _stops(routed: _Routed, addressee_id: str, role: Role, policy: Policy, letter: Letter) -> Iterable[Stop]:
    campaign, person, email_id = routed.campaign, routed.person, ""
    digest = "" if routed.calendar is PLAIN else routed.calendar.digest
    for kind in kinds_of(policy):
        value = person.address(kind)
        assert value is not None  # the campaign file was read against this contact
        fallback = policy is Policy.FAX_IF_NO_PROOF and kind is Kind.FAX
        due = routed.due(fallback=fallback)
        address, occurrence = Address(kind, value), campaign.occurrence
        stop_id = delivery_id(campaign.id, 0, addressee_id, person.id, address, occurrence=occurrence)
        yield Stop(
            id=stop_id,
            contact_id=person.id,
            addressee_id=addressee_id,
            kind=kind,
            address=value,
            role=role,
            recipient="",  # as the letter calls them: `draw`
            zone=person.time_zone,
            letter=letter.digest,
            due=due.isoformat(),
            expires=routed.expires(due),
            fallback_for=email_id if fallback else "",
            calendar=digest,
            occurrence=occurrence,
            days_on=routed.days_on,
        )
        email_id = stop_id


def kinds_of(policy: Policy) -> tuple[Kind, ...]:
    """The kinds that a policy sends by, email before fax."""
    return {
        Policy.EMAIL: (Kind.EMAIL,),
        Policy.FAX: (Kind.FAX,),
        Policy.BOTH: (Kind.EMAIL, Kind.FAX),
        Policy.FAX_IF_NO_PROOF: (Kind.EMAIL, Kind.FAX),
    }[policy]


def why_moved(plan: Plan, stop: Stop) -> tuple[str, ...]:
    """Why a letter does not leave at the campaign's hour: ('Friday is a weekend day in Jordan',); () where it does."""
    wanted, calendar = plan.instants[stop.occurrence or plan.campaign["local_key"]], plan.calendar_of(stop)
    days = f"{stop.days_on} working day{'s' * (stop.days_on > 1)} later"
    spread = (f"{plan.campaign['per_day']} letters leave a day, this one {days}",) if stop.days_on else ()
    if stop.days_on:
        wanted = add_working_days(wanted, stop.days_on, stop.zone, calendar)
    if stop.fallback_for:
        wanted = add_working_days(wanted, plan.campaign["proof_after"], stop.zone, calendar)
    return spread + on_the_way(wanted, plan.hours, stop.zone, calendar)


def _facts(campaign: Campaign) -> dict[str, Any]:
    """The campaign's own facts, as JSON can hold them."""
    hours = campaign.hours
    return {
        "id": campaign.id,
        "title": campaign.title,
        "organisation": campaign.organisation,
        "sender": asdict(campaign.sender),
        "letter_date": campaign.letter_date.isoformat(),
        "local_key": campaign.when.local_key,
        "instant": campaign.when.instant.isoformat(),
        "occurrences": [[one.when.local_key, one.when.instant.isoformat()] for one in campaign.editions],
        "hours": [hours.opens.isoformat("minutes"), hours.closes.isoformat("minutes")] if hours else None,
        "days": hours.days.value if hours else None,
        "steps": [[step.number, step.after] for step in campaign.steps],
        "proof_after": campaign.proof_after,
        "fax_cover": campaign.fax_cover,
        "fall_back": campaign.fall_back,
        "limits": campaign.limits.record(),
    }
