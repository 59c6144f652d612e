"""Who receives a campaign, by which channels: [select], [channels] and [[cc]], checked against the contact book."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dispatcher.domain.model import Contact, Copy
from dispatcher.domain.words import Kind, Policy

from .contacts import ContactBook
from .findings import clip, did_you_mean, listing
from .sheet import Sheet, choose

#: The kinds of address that a policy needs.
NEEDS: dict[Policy, tuple[Kind, ...]] = {
    Policy.EMAIL: (Kind.EMAIL,),
    Policy.FAX: (Kind.FAX,),
    Policy.BOTH: (Kind.EMAIL, Kind.FAX),
    Policy.FAX_IF_NO_PROOF: (Kind.EMAIL, Kind.FAX),
}
_POLICIES = tuple(policy.value for policy in Policy)
_CHECK_FILES = "Correct the id, or add the contact to a file in config/contacts"


@dataclass(frozen=True, slots=True)
class Channels:
    """How each selected contact is reached."""

    default: Policy
    by_contact: tuple[tuple[str, Policy], ...]


def read_selection(sheet: Sheet, book: ContactBook) -> tuple[str, ...]:
    """The ids selected: those named, in their order, then those with a tag, in the book's; less the exceptions."""
    before = len(sheet.findings.problems)
    sheet.allow("contacts", "tags", "except")
    ids = {contact.id for contact in book.contacts}
    named = _known(sheet, "contacts", ids, "E_CONTACT", _CHECK_FILES)
    every_tag = {tag for contact in book.contacts for tag in contact.tags}
    tags = set(_known(sheet, "tags", every_tag, "E_TAG", f"Tags in use: {listing(every_tag)}"))
    excepted = set(_known(sheet, "except", ids, "E_CONTACT", _CHECK_FILES))
    tagged = [contact.id for contact in book.contacts if tags.intersection(contact.tags)]
    chosen = tuple(name for name in dict.fromkeys([*named, *tagged]) if name not in excepted)
    if not chosen and len(sheet.findings.problems) == before:
        sheet.fault("E_NOBODY", "select: nobody is selected", 'Name contacts = ["id"] or tags = ["tag"]')
    return chosen


def _known(sheet: Sheet, key: str, known: Collection[str], code: str, way_out: str) -> list[str]:
    """The names in a list that are known; the others are noted, each on its line."""
    names = sheet.names(key)
    for name in names:
        if name not in known:
            cause = f"{sheet.name(key)}: {clip(name)} is not known"
            sheet.findings.fault(sheet.place_in(key, name), code, cause, did_you_mean(name, known, way_out))
    return [name for name in names if name in known]


def read_channels(sheet: Sheet, book: ContactBook, chosen: Collection[str]) -> Channels:
    """The policy of the campaign, and of the contacts that have one of their own."""
    default = _policy(sheet, "default")
    chosen = frozenset(chosen)  # it is asked for once a contact
    ids = {contact.id for contact in book.contacts}
    own = sheet.table("by_contact", required=False)
    pairs = []
    for contact_id in own.values:
        _check_contact(own, contact_id, contact_id, ids, chosen)
        pairs.append((contact_id, _policy(own, contact_id)))
    return Channels(default, (*pairs, *_wishes(book, chosen, set(own.values))))


def _wishes(book: ContactBook, chosen: Collection[str], said: Collection[str]) -> list[tuple[str, Policy]]:
    """What the selected offices prefer, where the campaign says nothing of its own about them."""
    return [(one.id, one.prefers) for one in book.contacts if one.prefers and one.id in chosen and one.id not in said]


def _policy(sheet: Sheet, key: str) -> Policy:
    return Policy(choose(sheet, key, _POLICIES) or Policy.EMAIL)


def _check_contact(sheet: Sheet, key: str, name: str, ids: Collection[str], chosen: Collection[str]) -> bool:
    """True where the name under the key is a contact that the campaign selects; else what is wrong is noted."""
    if name not in ids:
        cause = f"{sheet.name(key)}: no contact is called {clip(name)}"
        sheet.fault("E_CONTACT", cause, did_you_mean(name, ids, _CHECK_FILES), key)
    elif name not in chosen:
        cause = f"{sheet.name(key)}: {clip(name)} is not selected"
        sheet.fault("E_NOT_SELECTED", cause, "Select this contact, or take the line out", key)
    return name in chosen


def check_addresses(sheet: Sheet, book: ContactBook, chosen: Collection[str], channels: Channels) -> None:
    """Every selected contact must have the addresses that its policy asks for; `sheet` is [channels]."""
    own, chosen = dict(channels.by_contact), frozenset(chosen)
    for contact in book.contacts:
        if contact.id in chosen:
            keys = ("by_contact", contact.id) if contact.id in own else ("default",)
            _check_reach(sheet, keys, contact, own.get(contact.id, channels.default), book)


def _check_reach(sheet: Sheet, keys: tuple[str, ...], contact: Contact, policy: Policy, book: ContactBook) -> None:
    missing = [kind.value for kind in NEEDS[policy] if contact.address(kind) is None]
    if missing:
        name = ".".join((sheet.name(), *keys))
        cause = f"{name}: {contact.id} has no {' and no '.join(missing)} for '{policy.value}'"
        way_out = f"Give it: contacts repair {contact.id} {' '.join(f'--{kind} …' for kind in missing)}"
        came = f" (it came from {book.places[contact.id]})" if contact.id in book.places else ""
        way_out += f"{came}; or choose another channel for this contact"
        sheet.fault("E_NO_ADDRESS", cause, way_out, *keys)


def read_copies(sheets: list[Sheet], book: ContactBook, chosen: Collection[str], default: Policy) -> tuple[Copy, ...]:
    """The cc parties. Each copy is a letter of its own, with its own proof."""
    chosen = frozenset(chosen)
    contacts = {contact.id: contact for contact in book.contacts}
    places: dict[tuple[str, str], str] = {}
    return tuple(_read_copy(sheet, contacts, book, chosen, default, places) for sheet in sheets)


def standing_copies(
    sheet: Sheet, book: ContactBook, chosen: Collection[str], copies: Collection[Copy]
) -> tuple[Copy, ...]:
    """The copies that contacts always send on (`copies_to`), less those that the campaign names itself."""
    contacts = {contact.id: contact for contact in book.contacts}
    named = {(one.contact_id, one.for_contact_id) for one in copies}
    found: list[Copy] = []
    for addressee in chosen:
        for contact_id in contacts[addressee].copies_to:
            if contact_id not in contacts:
                place = book.places.get(addressee, addressee)
                cause = f"copies_to: no contact is called {clip(contact_id)}"
                way_out = did_you_mean(contact_id, contacts, "Correct the id, or write standing_copies = false")
                sheet.findings.fault(place, "E_CONTACT", cause, way_out)
            elif contact_id != addressee and (contact_id, addressee) not in named:
                found.append(Copy(contact_id, addressee, _way_to(contacts[contact_id])))
    return tuple(found)


def _way_to(contact: Contact) -> Policy:
    """As the receiver of a copy prefers; else by email, or by fax where there is none."""
    if contact.prefers and all(contact.address(kind) for kind in NEEDS[contact.prefers]):
        return contact.prefers
    return Policy.EMAIL if contact.address(Kind.EMAIL) else Policy.FAX


def _read_copy(
    sheet: Sheet,
    contacts: dict[str, Contact],
    book: ContactBook,
    chosen: Collection[str],
    default: Policy,
    places: dict[tuple[str, str], str],
) -> Copy:
    sheet.allow("contact", "for", "channels")
    contact_id = sheet.text("contact", "Give the id of the contact who receives the copy")
    addressee = sheet.text("for", "Give the id of the selected contact whose letter is copied")
    policy = _policy(sheet, "channels") if sheet.has("channels") else default
    if addressee:
        _check_contact(sheet, "for", addressee, contacts, chosen)
    if contact_id and contact_id not in contacts:
        cause = f"{sheet.name('contact')}: no contact is called {clip(contact_id)}"
        sheet.fault("E_CONTACT", cause, did_you_mean(contact_id, contacts, _CHECK_FILES), "contact")
    elif contact_id:
        _check_reach(sheet, ("channels",), contacts[contact_id], policy, book)
        _check_once(sheet, contact_id, addressee, places)
    return Copy(contact_id, addressee, policy)


def _check_once(sheet: Sheet, contact_id: str, addressee: str, places: dict[tuple[str, str], str]) -> None:
    """A contact may copy several letters, and receive one of its own; never the same letter twice."""
    pair = (contact_id, addressee)
    if contact_id == addressee:
        cause = f"{sheet.name('contact')}: {contact_id} would receive a copy of its own letter"
        sheet.fault("E_CC", cause, "Take the cc out", "contact")
    elif pair in places:
        cause = f"{sheet.name('contact')}: {contact_id} receives a copy of this letter already, at {places[pair]}"
        sheet.fault("E_DUP", cause, "Keep one of the two", "contact")
    places.setdefault(pair, sheet.place("contact"))
