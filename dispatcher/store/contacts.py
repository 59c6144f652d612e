"""The rows of contacts, their addresses, their answers, and the addresses that nobody may write to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.model import Address, Contact, Provenance
from dispatcher.domain.words import Form, Gender, Kind, Policy

from .schema import address, answer, contact, suppression


async def put(connection: AsyncConnection, person: Contact, source: str, now: datetime) -> str:
    """Insert or replace a contact; says which: 'added', 'changed' or 'same'."""
    before = await get(connection, person.id)
    row = {"data": _as_data(person), "active": True, "source": source, "imported_at": now}
    if before is None:
        await connection.execute(insert(contact).values(id=person.id, **row))
    else:
        await connection.execute(update(contact).where(contact.c.id == person.id).values(row))
    await _put_addresses(connection, person)
    return "added" if before is None else "same" if before == person else "changed"


async def _put_addresses(connection: AsyncConnection, person: Contact) -> None:
    await connection.execute(delete(address).where(address.c.contact_id == person.id))
    for one in person.addresses:
        await connection.execute(insert(address).values(contact_id=person.id, kind=one.kind, value=one.value))


async def get(connection: AsyncConnection, contact_id: str) -> Contact | None:
    row = (await connection.execute(select(contact.c.data).where(contact.c.id == contact_id))).first()
    return _from_data(row.data) if row else None


async def active(connection: AsyncConnection) -> list[tuple[Contact, str]]:
    """Every contact that may be written to, with the place it came from, in order of id."""
    query = select(contact.c.data, contact.c.source).where(contact.c.active).order_by(contact.c.id)
    return [(_from_data(row.data), row.source) for row in await connection.execute(query)]


async def retire_others(connection: AsyncConnection, keep: Iterable[str]) -> list[str]:
    """Contacts that are no longer in the files: kept for the record, no longer written to, addresses freed."""
    kept = set(keep)
    gone = [
        row.id for row in await connection.execute(select(contact.c.id).where(contact.c.active)) if row.id not in kept
    ]
    for contact_id in gone:
        await connection.execute(update(contact).where(contact.c.id == contact_id).values(active=False))
        await connection.execute(delete(address).where(address.c.contact_id == contact_id))
    return gone


async def note_answer(
    connection: AsyncConnection, campaign_id: str, contact_id: str, noted_by: str, note: str, now: datetime
) -> None:
    row = {"campaign_id": campaign_id, "contact_id": contact_id, "noted_by": noted_by, "note": note, "at": now}
    await connection.execute(insert(answer).values(row))


async def has_answered(connection: AsyncConnection, campaign_id: str, contact_id: str) -> bool:
    query = select(exists().where(answer.c.campaign_id == campaign_id, answer.c.contact_id == contact_id))
    return bool((await connection.execute(query)).scalar())


async def suppress(connection: AsyncConnection, one: Address, by: str, reason: str, now: datetime) -> bool:
    """Put an address on the suppression list; False when it stands there already."""
    if await is_suppressed(connection, one):
        return False
    row = {"kind": one.kind, "value": one.value, "since": now, "by": by, "reason": reason}
    await connection.execute(insert(suppression).values(row))
    return True


async def is_suppressed(connection: AsyncConnection, one: Address) -> bool:
    query = select(exists().where(suppression.c.kind == one.kind, suppression.c.value == one.value))
    return bool((await connection.execute(query)).scalar())


def _as_data(person: Contact) -> dict[str, Any]:
    """The fields as JSON holds them; what is empty is left out, so that a new field needs no change of old rows."""
    return {name: value for name, value in _plain(asdict(person)).items() if value not in ("", [], None)}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def _from_data(data: dict[str, Any]) -> Contact:
    texts: dict[str, Any] = {one.name: data.get(one.name, "") for one in fields(Contact) if one.type == "str"}
    lists: dict[str, Any] = {
        name: tuple(data.get(name, ())) for name in ("postal", "tags", "copies_to", "national_days")
    }
    return Contact(
        **texts,
        **lists,
        addresses=tuple(map(_address, data.get("addresses", ()))),
        form=Form(data.get("form", "")),
        gender=Gender(data.get("gender", "")),
        since=_day(data.get("since")),
        until=_day(data.get("until")),
        prefers=Policy(data["prefers"]) if data.get("prefers") else None,
        provenance=tuple(map(_provenance, data.get("provenance", ()))),
    )


def _address(data: dict[str, Any]) -> Address:
    return Address(Kind(data["kind"]), data["value"])


def _provenance(data: dict[str, Any]) -> Provenance:
    checked_on = _day(data["checked_on"])
    return Provenance(_address(data["address"]), data["source"], checked_on, data["checked_by"])


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
