"""Contacts: taken from files into the office's list, all or nothing; shown; an address put on the suppression list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.address import parse_email, parse_fax
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import NotFound, Problem
from dispatcher.domain.model import Actor, Address, Contact
from dispatcher.domain.words import Kind
from dispatcher.intake.contacts import ContactBook, read_contacts
from dispatcher.store import audit, contacts

from .office import Office


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do."""

    added: int
    changed: int
    same: int
    retired: tuple[str, ...]  #: ids no longer in the files: kept on record, no longer written to
    warnings: tuple[Problem, ...]


def contact_files(paths: Sequence[Path], folder: Path) -> list[Path]:
    """These files, or every .csv of the folder when none is named. Raises NotFound when there is none."""
    found = list(paths) or sorted(folder.glob("*.csv"))
    if not found:
        raise NotFound(f"there is no .csv file in {folder}")
    return found


def read_address(text: str) -> Address:
    """An email address or an international fax number, in canonical form. Raises UserError."""
    return Address(Kind.EMAIL, parse_email(text)) if "@" in text else Address(Kind.FAX, parse_fax(text))


def check_contacts(paths: Sequence[Path]) -> ContactBook:
    """Read the files and change nothing. Raises ImportError_ with every problem of every file."""
    return read_contacts(paths)


async def import_contacts(office: Office, paths: Sequence[Path], actor: Actor) -> Imported:
    """Make the office's list what the files say. Raises ImportError_ with every problem; then nothing was imported."""
    book = read_contacts(paths)
    return await office.store.write(lambda connection: _import(connection, office, book, actor))


async def _import(connection: AsyncConnection, office: Office, book: ContactBook, actor: Actor) -> Imported:
    now = office.clock.now()
    # Retired ones first: they free their addresses for whoever has them now.
    retired = await contacts.retire_others(connection, (one.id for one in book.contacts))
    done: Counter[str] = Counter()
    for one in book.contacts:
        done[await contacts.put(connection, one, book.places.get(one.id, ""), now)] += 1
    counts = {"added": done["added"], "changed": done["changed"], "same": done["same"], "retired": len(retired)}
    await audit.append(connection, AuditEvent(str(actor), "contacts.import", "contacts", data=counts), now)
    return Imported(done["added"], done["changed"], done["same"], tuple(retired), book.warnings)


async def try_import(office: Office, paths: Sequence[Path]) -> Imported:
    """What an import would do; nothing is changed. Raises ImportError_ with every problem."""
    book = read_contacts(paths)
    return await office.store.read(lambda connection: _compare(connection, book))


async def _compare(connection: AsyncConnection, book: ContactBook) -> Imported:
    done: Counter[str] = Counter()
    for one in book.contacts:
        known = await contacts.get(connection, one.id)
        done["added" if known is None else "same" if known == one else "changed"] += 1
    kept = {one.id for one in book.contacts}
    retired = tuple(one.id for one, _ in await contacts.active(connection) if one.id not in kept)
    return Imported(done["added"], done["changed"], done["same"], retired, book.warnings)


async def list_contacts(office: Office) -> list[Contact]:
    """Everybody who may be written to."""
    return list((await contact_book(office)).contacts)


async def contact_book(office: Office) -> ContactBook:
    """The office's list, in the form that campaign files are read against."""
    rows = await office.store.read(contacts.active)
    places = {one.id: source for one, source in rows}
    return ContactBook(tuple(one for one, _ in rows), (), places)


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
