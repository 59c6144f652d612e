"""The nouns, as frozen values. A row becomes one of these at the store's door and nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from .limits import NOTHING_OWN, OwnLimits
from .words import Cause, Days, Form, Gender, Kind, Policy, Role, Stage, State


@dataclass(frozen=True, slots=True)
class Address:
    """Where a letter can go: a kind and a value in canonical form (addr-spec with A-labels, or +E.164)."""

    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an address was learned, and who has made sure of it when."""

    address: Address
    source: str = ""  #: 'Blue Book No. 305', 'telephone', a page's address
    checked_on: date | None = None  #: the day on which somebody last made sure of it
    checked_by: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """The person who holds an office, and the term. The office (a Contact) stays when its holder changes."""

    name: str
    honorific: str
    gender: Gender
    since: date | None
    until: date | None  #: the last day of the term; None: still in office


@dataclass(frozen=True, slots=True)
class Contact:
    """An office that we write to, with whoever holds it now. Words left empty come from the form of address."""

    id: str  #: stable slug, [a-z0-9-]
    honorific: str  #: before the name, as in 'H.E. Mr.'; '': as the form of address says
    name: str
    office: str  #: 'President', 'Ambassador and Permanent Representative'
    organisation: str  #: 'Permanent Mission of … to the United Nations in Geneva'; may be ''
    postal: tuple[str, ...]  #: street, city … without the country
    country: str  #: last line of the address; '' where a capital city needs none
    state: str  #: the state in a sentence: 'the Russian Federation'; '': by `state_code` in the letter's language
    language: str  #: BCP 47 primary tag: 'en'
    time_zone: str  #: IANA name
    salutation: str  #: 'Excellency,'; '': as the form of address says
    addresses: tuple[Address, ...]
    tags: tuple[str, ...] = ()
    form: Form = Form.NONE
    gender: Gender = Gender.NONE
    closing: str = ""  #: instead of the letter's and the form's
    in_text: str = ""  #: how the letter's sentences call them ('Your Excellency'); '': as the form says
    state_code: str = ""  #: ISO 3166-1 alpha-2 of the state that the office speaks for
    seat: str = ""  #: the same of the place where the office stands: whose national fax numbers it uses
    since: date | None = None  #: first and last day of the holder's term
    until: date | None = None
    prefers: Policy | None = None  #: the office's own wish, unless a campaign says otherwise for it
    copies_to: tuple[str, ...] = ()  #: ids of those who always receive a copy
    national_days: tuple[str, ...] = ()  #: 'MM-DD'; (): those of the state
    provenance: tuple[Provenance, ...] = ()
    phone: str = ""
    external_id: str = ""  #: the name of this contact in the system that it came from

    @property
    def display_name(self) -> str:
        return f"{self.honorific} {self.name}".strip()

    @property
    def holder(self) -> Holder:
        return Holder(self.name, self.honorific, self.gender, self.since, self.until)

    def address(self, kind: Kind) -> str | None:
        """The value of this contact's address of that kind."""
        return next((a.value for a in self.addresses if a.kind is kind), None)

    def known_from(self, address: Address) -> Provenance:
        """Where this address was learned; empty where nobody said."""
        return next((one for one in self.provenance if one.address == address), Provenance(address))


@dataclass(frozen=True, slots=True)
class Sender:
    """Who signs, and the address the letters come from."""

    name: str
    title: str
    email: str
    place: str  #: 'Geneva'


@dataclass(frozen=True, slots=True)
class Hours:
    """When letters may leave, in the recipient's own time."""

    opens: time
    closes: time
    days: Days = Days.WORKING

    def record(self) -> list[str]:
        """As a row keeps it; `hours_from` reads it."""
        return [self.opens.isoformat("minutes"), self.closes.isoformat("minutes"), self.days.value]


def hours_from(record: Sequence[str] | None) -> Hours | None:
    """The hours of that record; two words alone, as older rows have them, are hours of working days."""
    if not record:
        return None
    opens, closes, *days = record
    return Hours(time.fromisoformat(opens), time.fromisoformat(closes), Days(*days) if days else Days.WORKING)


@dataclass(frozen=True, slots=True)
class When:
    """The instant of the first letter: a local time in a named zone. `closes` and zone of recipients are in Hours."""

    local: datetime  #: naive
    zone: str

    @property
    def instant(self) -> datetime:
        """In UTC: aware times in a named zone compare by their local digits, and near a change of clocks wrongly.

        A local time that spring skips moves forward with the clock (RFC 5545 section 3.3.5); of a repeated hour, the
        first is meant.
        """
        return self.local.replace(tzinfo=ZoneInfo(self.zone), fold=0).astimezone(UTC)

    @property
    def local_key(self) -> str:
        """Names the occurrence by local time, so that a repeated hour gives one occurrence."""
        return f"{self.local.isoformat(timespec='minutes')} {self.zone}"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A PDF that goes with a letter, as the campaign file names it. Its bytes are read, and frozen, at preparing."""

    name: str  #: as recipients see it: 'annex.pdf'
    path: str  #: where it lies
    title: str = ""  #: what it is, in words


@dataclass(frozen=True, slots=True)
class Step:
    """One letter of a campaign: the first, or a follow-up."""

    number: int  #: 0 is the first letter
    letter: str  #: name of the folder under templates/letters
    after: int = 0  #: working days after arrival without an answer; 0 for the first letter
    attachments: tuple[Attachment, ...] = ()  #: in the order in which they are sent


@dataclass(frozen=True, slots=True)
class Copy:
    """A cc party: for which addressee, who receives the copy, how."""

    contact_id: str
    for_contact_id: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is said to whom, when, by which channels: the campaign file as a value."""

    id: str
    title: str
    organisation: str  #: folder under templates/letterheads
    sender: Sender
    letter_date: date
    when: When
    hours: Hours | None
    contact_ids: tuple[str, ...]
    policy: Policy
    policy_by_contact: tuple[tuple[str, Policy], ...]
    proof_after: int  #: working days that an email waits for proof before the fax goes
    copies: tuple[Copy, ...]
    steps: tuple[Step, ...]
    expires_after: int  #: working days after which a letter that has not left is no longer sent; 0: never
    source: str  #: the file's text, exactly
    fax_cover: bool = False  #: a cover page goes before the letter on every fax
    fax_remarks: str = ""  #: what the cover page says besides
    fall_back: str = "en"  #: the language for a contact in whose own the letter is not written
    repeats: tuple[datetime, ...] = ()  #: local times in the zone of `when` at which everything is sent again
    occurrence: str = ""  #: of an edition: its local key; '' for a campaign that happens once
    limits: OwnLimits = NOTHING_OWN  #: what it says for itself

    _policies: Mapping[str, Policy] = field(init=False, repr=False, compare=False)
    _copies: Mapping[str, tuple[Copy, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Each letter asks for its own share: what is said of ten thousand contacts is sorted once."""
        copies: dict[str, list[Copy]] = {}
        for copy in self.copies:
            copies.setdefault(copy.for_contact_id, []).append(copy)
        object.__setattr__(self, "_policies", dict(self.policy_by_contact))
        object.__setattr__(self, "_copies", {name: tuple(some) for name, some in copies.items()})

    @property
    def editions(self) -> tuple[Campaign, ...]:
        """One campaign for each time that it happens, with the hour and the date of that time; itself where once."""
        if not self.repeats:
            return (self,)
        times = [When(local, self.when.zone) for local in (self.when.local, *self.repeats)]
        return tuple(
            replace(self, when=one, letter_date=one.local.date(), repeats=(), occurrence=one.local_key) for one in times
        )

    def policy_for(self, contact_id: str) -> Policy:
        return self._policies.get(contact_id, self.policy)

    def copies_for(self, contact_id: str) -> tuple[Copy, ...]:
        """Who receives a copy of the letter to this contact, and how, in the order of the campaign file."""
        return self._copies.get(contact_id, ())


#: How the names of those parts of a letter begin that are its attachments.
ATTACHED = "attachment-"


def attachment_part(number: int, name: str) -> str:
    """The name of a letter's part that is its attachment of this number, from 1: 'attachment-01/annex.pdf'."""
    return f"{ATTACHED}{number:02}/{name}"


@dataclass(frozen=True, slots=True)
class Letter:
    """One rendered, frozen document to one contact, named by the digest of its manifest."""

    digest: str
    campaign_id: str
    step: int
    contact_id: str
    subject: str
    language: str
    pages: int
    fax_pages: int
    objects: dict[str, str]  #: part name (pdf, fax_pdf, tiff, entity, html, text) → sha256 in the archive
    occurrence: str = ""  #: of which time of a campaign that repeats, by its local key

    @property
    def attachments(self) -> tuple[tuple[str, str], ...]:
        """Name and sha256 of each attachment, in the order in which they are sent."""
        parts = sorted(part for part in self.objects if part.startswith(ATTACHED))
        return tuple((part.partition("/")[2], self.objects[part]) for part in parts)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One letter to one address. *The* state lives here. What has a default is so for one that was just queued."""

    id: str
    campaign_id: str
    step: int
    contact_id: str
    addressee_id: str  #: whose letter it is: contact_id itself, or for a copy the one it is copied from
    kind: Kind
    address: str
    role: Role
    recipient: str  #: the name on the envelope, as approved
    zone: str  #: the recipient's time zone, as approved
    letter: str  #: digest
    message_id: str
    not_before: datetime  #: the hour that was approved for it; it never leaves earlier
    due: datetime | None  #: when this row next needs us; None is never
    created_at: datetime
    changed_at: datetime  #: of the latest move
    expires_at: datetime | None = None  #: not sent after this instant; None: never expires
    fallback_for: str = ""  #: id of the email delivery whose missing proof this fax waits for
    calendar: str = ""  #: digest of the recipient's closed days, as approved; '': Saturdays and Sundays alone
    occurrence: str = ""  #: of which time of a campaign that repeats, by its local key
    state: State = State.QUEUED
    cause: Cause = Cause.NONE
    detail: str = ""
    version: int = 0  #: grows at every change; the compare-and-swap
    fence: int = 0  #: grows at every claim
    tries: int = 0  #: spent since it was queued or since a person's retry
    channel: str = ""  #: of the latest attempt
    knowingly: bool = False  #: a person wants it sent although an earlier try may have arrived
    accepted_at: datetime | None = None  #: when the next hop answered for the latest try
    arrived_at: datetime | None = None  #: when it became delivered or presumed
    snoozed_until: datetime | None = None  #: put aside by a person: until then no list of what needs one shows it
    instead_of: str = ""  #: id of the delivery of the same letter whose place it took


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, written before it is made."""

    id: str
    delivery_id: str
    fence: int
    worker: str
    channel: str
    stage: Stage
    opened_at: datetime
    transmitting_at: datetime | None
    closed_at: datetime | None
    verdict: str
    cause: Cause
    detail: str
    ref: str
    pages: int | None
    sent_digest: str  #: sha256 of the exact bytes that left, in the archive
    facts: dict[str, str]
    knowingly: bool  #: a person asked for it although an earlier one may have arrived
    via: str = ""  #: the relay or line that it was given: 'relay:main'; '': none is named


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: 'operator:ada', 'worker:host-1', 'clock', 'channel:simulator'. From the session, never from input."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


def delivery_id(
    campaign_id: str,
    step: int,
    addressee_id: str,
    contact_id: str,
    address: Address,
    again: int = 0,
    occurrence: str = "",
) -> str:
    """The name of a delivery: the same five facts always give the same id, so queueing twice does nothing.

    The addressee is one of them: whoever receives copies of two letters has two deliveries at one address. `again`
    counts how often a letter came back to an address that it had been taken away from. `occurrence` is the local key of
    one time of a campaign that repeats.
    """
    facts = (campaign_id, str(step), addressee_id, contact_id, address.kind, address.value)
    further = (f"occurrence {occurrence}",) if occurrence else ()
    text = "\0".join((*facts, *further, *((str(again),) if again else ())))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def message_id(delivery_id: str, domain: str) -> str:
    """The Message-ID of a delivery (RFC 5322 section 3.6.4), the same at every try: receivers that dedupe help us."""
    return f"<{delivery_id}@{domain}>"


def beside(
    seen: Delivery, letter: str, step: int, address: Address, domain: str, now: datetime, *, again: int = 0
) -> Delivery:
    """Another delivery to the same recipient, just queued: a follow-up, or the same letter to a corrected address."""
    new_id = delivery_id(seen.campaign_id, step, seen.addressee_id, seen.contact_id, address, again, seen.occurrence)
    return Delivery(
        id=new_id,
        campaign_id=seen.campaign_id,
        step=step,
        contact_id=seen.contact_id,
        addressee_id=seen.addressee_id,
        kind=address.kind,
        address=address.value,
        role=seen.role,
        recipient=seen.recipient,
        zone=seen.zone,
        calendar=seen.calendar,
        occurrence=seen.occurrence,
        letter=letter,
        message_id=message_id(new_id, domain),
        not_before=now,
        due=now,
        created_at=now,
        changed_at=now,
    )
