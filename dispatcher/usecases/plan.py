"""The plan of a campaign: everything that will happen, in one document with one digest. What is approved is this."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from dispatcher.domain.audit import canonical
from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Address, Campaign, Contact, Letter, delivery_id
from dispatcher.domain.schedule import add_working_days, next_opening
from dispatcher.domain.words import Kind, Policy, Role


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

    def as_bytes(self) -> bytes:
        return canonical({"v": 1, **asdict(self)}).encode()


def plan_from_bytes(data: bytes) -> Plan:
    record = json.loads(data)
    letters = tuple(Letter(**one) for one in record["letters"])
    stops = tuple(Stop(**{**one, "kind": Kind(one["kind"]), "role": Role(one["role"])}) for one in record["stops"])
    people = {name: Person(**one) for name, one in record["people"].items()}
    remarks = tuple(Problem(**one) for one in record["remarks"])
    return Plan(record["campaign"], record["source"], letters, stops, people, remarks)


def draw(
    campaign: Campaign,
    people: Mapping[str, Contact],
    letters: Sequence[Letter],
    names: Mapping[tuple[str, str], str],
    remarks: Sequence[Problem] = (),
) -> Plan:
    """The plan of `campaign` with these frozen letters, and what was noticed while they were made.

    `names`: (addressee's id, recipient's id) → how the letter calls the recipient, with every honour.
    """
    first = {one.contact_id: one for one in letters if one.step == 0}
    stops: list[Stop] = []
    for contact_id in campaign.contact_ids:
        policy = campaign.policy_for(contact_id)
        stops += _stops(campaign, people[contact_id], contact_id, Role.TO, policy, first[contact_id])
    for copy in campaign.copies:
        letter = first[copy.for_contact_id]
        stops += _stops(campaign, people[copy.contact_id], copy.for_contact_id, Role.CC, copy.policy, letter)
    concerned = sorted({one.contact_id for one in stops} | set(campaign.contact_ids))
    described = {name: person_of(people[name]) for name in concerned}
    called = [replace(one, recipient=names[one.addressee_id, one.contact_id]) for one in stops]
    return Plan(_facts(campaign), campaign.source, tuple(letters), tuple(called), described, tuple(remarks))


def _stops(
    campaign: Campaign, person: Contact, addressee_id: str, role: Role, policy: Policy, letter: Letter
) -> Iterable[Stop]:
    email_id = ""
    for kind in kinds_of(policy):
        value = person.address(kind)
        assert value is not None  # the campaign file was read against this contact
        fallback = policy is Policy.FAX_IF_NO_PROOF and kind is Kind.FAX
        due = campaign.when.instant
        if fallback:
            due = add_working_days(due, campaign.proof_after, person.time_zone)
        due = next_opening(due, campaign.hours, person.time_zone)
        stop_id = delivery_id(campaign.id, 0, addressee_id, person.id, Address(kind, value))
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
            expires=_expires(campaign, due, person.time_zone),
            fallback_for=email_id if fallback else "",
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


def _expires(campaign: Campaign, due: datetime, zone: str) -> str:
    if not campaign.expires_after:
        return ""
    return add_working_days(due, campaign.expires_after, zone).isoformat()


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
        "hours": [hours.opens.isoformat("minutes"), hours.closes.isoformat("minutes")] if hours else None,
        "steps": [[step.number, step.after] for step in campaign.steps],
        "proof_after": campaign.proof_after,
        "fax_cover": campaign.fax_cover,
        "fall_back": campaign.fall_back,
    }
