"""The office's contacts: the list, one contact's whole story, a repair, and addresses that nobody may write to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.address import parse_email, parse_fax
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import NotFound, Problem, UserError
from dispatcher.domain.model import Actor, Address, Contact, Holder
from dispatcher.domain.words import CAUSES, Health, Kind, Who
from dispatcher.intake.contacts import ContactBook, read_contacts
from dispatcher.intake.corrections import correct
from dispatcher.store import audit, contact_history, contacts, views
from dispatcher.store.contact_history import Change, Recorded
from dispatcher.store.contacts import Kept
from dispatcher.store.views import Record

from .contact_change import change_all
from .contact_checks import require_free, unconfirmed
from .contact_fields import Difference, differences, told
from .follow import Followed
from .office import Office

#: What files of contacts end in, in a folder that holds them.
SUFFIXES = (".csv", ".xlsx", ".xls", ".xlsb", ".ods", ".vcf")


def contact_files(paths: Sequence[Path], folder: Path) -> list[Path]:
    """These files, or all contact files of the folder when none is named. Raises NotFound when there is none."""
    found = list(paths) or sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise NotFound(f"there is no file of contacts in {folder} ({', '.join(SUFFIXES)})")
    return found


def read_address(text: str) -> Address:
    """An email address or an international fax number, in canonical form. Raises UserError."""
    return Address(Kind.EMAIL, parse_email(text)) if "@" in text else Address(Kind.FAX, parse_fax(text))


def check_contacts(paths: Sequence[Path]) -> ContactBook:
    """Read the files and change nothing. Raises ImportError_ with every problem of every file."""
    return read_contacts(paths)


async def list_contacts(office: Office) -> list[Contact]:
    """Everybody who may be written to."""
    return list((await contact_book(office)).contacts)


async def contact_book(office: Office) -> ContactBook:
    """The office's list, in the form that campaign files are read against."""
    rows = await office.store.read(contacts.active)
    places = {one.id: source for one, source in rows}
    return ContactBook(tuple(one for one, _ in rows), (), places)


# -- one contact -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact with its story."""

    kept: Kept
    records: tuple[Record, ...]  #: what letters to its present addresses came to
    holders: tuple[Holder, ...]  #: who held the office, the earliest first; the last one is in office
    history: tuple[Recorded, ...]  #: every change, the oldest first
    suppressed: tuple[Address, ...]

    def health(self) -> list[tuple[Address, Health]]:
        """Its present addresses, each with what the letters so far tell of it."""
        known = {(one.kind, one.address): one for one in self.records}
        return [(one, health(known.get((one.kind, one.value)))) for one in self.kept.person.addresses]

    def told(self) -> list[tuple[Recorded, str]]:
        """Every change with what it was, in words."""
        return [(one, told(one.change)) for one in self.history]


async def show_contact(office: Office, contact_id: str) -> ContactView:
    """Raises NotFound."""
    return await office.store.read(lambda connection: _show(connection, contact_id))


async def _show(connection: AsyncConnection, contact_id: str) -> ContactView:
    kept = await _known(connection, contact_id)
    history = await contact_history.history(connection, contact_id)
    addresses = kept.person.addresses
    return ContactView(
        kept=kept,
        records=tuple(await views.records(connection, [one.value for one in addresses])),
        holders=tuple(_holders(kept.person, history)),
        history=tuple(history),
        suppressed=tuple([one for one in addresses if await contacts.is_suppressed(connection, one)]),
    )


async def _known(connection: AsyncConnection, contact_id: str) -> Kept:
    kept = await contacts.kept(connection, contact_id)
    if kept is None:
        raise NotFound(f"there is no contact '{contact_id}'; contacts list shows them")
    return kept


def _holders(person: Contact, history: Sequence[Recorded]) -> list[Holder]:
    """One entry for each person who held the office; a term without a stated end ended when the next one was noted."""
    terms: list[Holder] = []
    for one in history:
        before, after = (kept.person.holder if kept else None for kept in (one.change.before, one.change.after))
        if before and before.name and (after is None or after.name.casefold() != before.name.casefold()):
            terms.append(replace(before, until=before.until or one.at.date()))
    return [*terms, person.holder] if person.name else terms


def health(record: Record | None) -> Health:
    """What the letters so far tell of an address: the latest one decides."""
    if record is None:
        return Health.UNTRIED
    if record.failed_at is None or (record.arrived_at is not None and record.arrived_at >= record.failed_at):
        return Health.GOOD
    return Health.BAD if CAUSES[record.cause].who is Who.CONTACT else Health.DOUBTFUL


# -- repair ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Repair:
    """What is to be corrected, as a person writes it. None leaves a thing as it is; an empty text takes it off."""

    fields: Mapping[str, str]  #: columns of our own layout (`intake.corrections.CORRECTABLE`) and their new texts
    email: str | None = None
    fax: str | None = None
    source: str = ""  #: where the new address was learned
    checked: bool = False  #: the actor made sure of the addresses today
    confirmed: Collection[str] = ()  #: codes of warnings that somebody has looked at

    def texts(self) -> dict[str, str]:
        """Every field that is given, the addresses too."""
        given = {Kind.EMAIL.value: self.email, Kind.FAX.value: self.fax}
        return {**self.fields, **{name: text for name, text in given.items() if text is not None}}


@dataclass(frozen=True, slots=True)
class Repaired:
    """A contact after its repair, and its letters."""

    before: Contact
    after: Contact
    followed: tuple[Followed, ...]
    warnings: tuple[Problem, ...] = ()  #: what a person should look at

    def differences(self) -> list[Difference]:
        return differences(self.before, self.after)


async def repair(office: Office, contact_id: str, wanted: Repair, reason: str, actor: Actor) -> Repaired:
    """Correct a contact once; its waiting letters follow, each with an entry of its own in the audit log.

    Raises NotFound; UserError with everything that an import would find wrong with the fields, with a warning that is
    to be confirmed, or for nothing to change; Conflict for an address that another contact has.
    """

    async def unit(connection: AsyncConnection) -> Repaired:
        kept = await _known(connection, contact_id)
        corrected = correct(kept.person, _of_new_holder(kept.person, wanted.texts()), wanted.source)
        if refused := [*corrected.problems, *unconfirmed(corrected.warnings, wanted.confirmed)]:
            raise UserError(refused)
        now = office.clock.now()
        after = _checked(corrected.contact, now.date(), actor) if wanted.checked else corrected.contact
        if after == kept.person:
            raise UserError(Problem(contact_id, "is as you say already", "Say what is to be changed"))
        change = Change(contact_id, kept, Kept(after, kept.active, kept.source))
        await require_free(connection, [change])
        event = AuditEvent(str(actor), "contact.repair", f"contact:{contact_id}", reason=reason)
        await audit.append(connection, event, now)
        followed = await change_all(connection, office, [change], actor, reason=reason)
        return Repaired(kept.person, after, tuple(followed), corrected.warnings)

    return await office.store.write(unit)


def _of_new_holder(person: Contact, given: Mapping[str, str]) -> Mapping[str, str]:
    """With another name there is another holder: how the former one is called, and the term, are not kept."""
    name = given.get("name", person.name)
    if name.strip().casefold() == person.name.casefold():
        return given
    return {"honorific": "", "gender": "", "since": "", "until": "", **given}


def _checked(person: Contact, today: date, actor: Actor) -> Contact:
    """The contact with a note that the actor made sure of its addresses today."""
    known = (person.known_from(address) for address in person.addresses)
    return replace(person, provenance=tuple([replace(one, checked_on=today, checked_by=str(actor)) for one in known]))


# -- suppression -------------------------------------------------------------------------------------------------------


async def suppress(office: Office, address: Address, reason: str, actor: Actor) -> bool:
    """Nothing more goes to this address; False when it stood on the list before."""
    now = office.clock.now()

    async def unit(connection: AsyncConnection) -> bool:
        added = await contacts.suppress(connection, address, str(actor), reason, now)
        if added:
            event = AuditEvent(str(actor), "address.suppress", f"address:{address.kind}", reason=reason)
            await audit.append(connection, event, now)
        return added

    return await office.store.write(unit)


async def allow(office: Office, address: Address, reason: str, actor: Actor) -> bool:
    """Letters may go to this address again; False when it did not stand on the suppression list."""
    now = office.clock.now()

    async def unit(connection: AsyncConnection) -> bool:
        lifted = await contacts.lift(connection, address)
        if lifted:
            event = AuditEvent(str(actor), "address.allow", f"address:{address.kind}", reason=reason)
            await audit.append(connection, event, now)
        return lifted

    return await office.store.write(unit)
