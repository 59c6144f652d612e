"""The rows of contacts, their addresses, their answers, and the addresses that nobody may write to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.model import Address, Contact, Delivery, Provenance
from dispatcher.domain.words import Form, Gender, Kind, Policy

from .parts import in_parts
from .schema import address, answer, contact, contact_change, delivery, letter, occurrence, suppression


@dataclass(frozen=True, slots=True)
class Kept:
    """A contact as the office keeps it."""

    person: Contact
    active: bool  #: False: retired, kept for the record, not written to
    source: str  #: file and line it came from, or who wrote it

    def as_data(self) -> dict[str, Any]:
        return {"data": _as_data(self.person), "active": self.active, "source": self.source}


def kept_from_data(data: dict[str, Any]) -> Kept:
    return Kept(_from_data(data["data"]), data["active"], data["source"])


async def get(connection: AsyncConnection, contact_id: str) -> Contact | None:
    found = await kept(connection, contact_id)
    return found.person if found else None


async def kept(connection: AsyncConnection, contact_id: str) -> Kept | None:
    row = (await connection.execute(select(contact).where(contact.c.id == contact_id))).first()
    return Kept(_from_data(row.data), row.active, row.source) if row else None


async def kept_among(connection: AsyncConnection, contact_ids: Sequence[str]) -> dict[str, Kept]:
    """Those of these contacts that there are, by id, the retired ones too."""
    found: dict[str, Kept] = {}
    for part in in_parts(contact_ids):
        rows = await connection.execute(select(contact).where(contact.c.id.in_(part)))
        found |= {row.id: Kept(_from_data(row.data), row.active, row.source) for row in rows}
    return found


async def version(connection: AsyncConnection) -> tuple[Any, ...]:
    """Grows with every change of a contact and of the suppression list: equal means that neither changed between."""
    latest = select(func.max(contact_change.c.number)).scalar_subquery()
    barred = select(func.count(), func.max(suppression.c.since), latest).select_from(suppression)
    return tuple((await connection.execute(barred)).one())


async def every(connection: AsyncConnection) -> dict[str, Kept]:
    """All contacts by id, the retired ones too."""
    rows = await connection.execute(select(contact).order_by(contact.c.id))
    return {row.id: Kept(_from_data(row.data), row.active, row.source) for row in rows}


async def active(connection: AsyncConnection) -> list[tuple[Contact, str]]:
    """Every contact that may be written to, with the place it came from, in order of id."""
    query = select(contact.c.data, contact.c.source).where(contact.c.active).order_by(contact.c.id)
    return [(_from_data(row.data), row.source) for row in await connection.execute(query)]


async def release_addresses(connection: AsyncConnection, contact_ids: Sequence[str]) -> None:
    """Free the addresses of these contacts, so that others of the same change can take them over."""
    for some in in_parts(contact_ids):
        await connection.execute(delete(address).where(address.c.contact_id.in_(some)))


async def set_all(connection: AsyncConnection, states: Mapping[str, Kept | None], now: datetime) -> None:
    """Make these contacts exactly this; None takes one off the list, and off the record where nothing refers to it.

    A few statements, whatever the number of contacts: everybody else waits for this transaction.
    """
    await release_addresses(connection, list(states))
    await _remove(connection, [name for name, one in states.items() if one is None])
    present = {name: one for name, one in states.items() if one is not None}
    known = await _known(connection, list(present))
    rows = {name: _row(one, now) for name, one in present.items()}
    new = [{"id": name, **row} for name, row in rows.items() if name not in known]
    changed = [{"key": name, **row} for name, row in rows.items() if name in known]
    if new:
        await connection.execute(insert(contact), new)
    if changed:
        await connection.execute(update(contact).where(contact.c.id == bindparam("key")), changed)
    theirs = [
        {"contact_id": name, "kind": each.kind, "value": each.value}
        for name, one in present.items()
        for each in (one.person.addresses if one.active else ())
    ]
    if theirs:
        await connection.execute(insert(address), theirs)


def _row(one: Kept, now: datetime) -> dict[str, Any]:
    return {**one.as_data(), "imported_at": now}


async def _known(connection: AsyncConnection, contact_ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in in_parts(contact_ids):
        found |= set((await connection.execute(select(contact.c.id).where(contact.c.id.in_(some)))).scalars())
    return found


async def _remove(connection: AsyncConnection, contact_ids: Sequence[str]) -> None:
    """A contact that was written to stays for the record, retired."""
    for some in in_parts(contact_ids):
        used = await written_to(connection, some)
        await connection.execute(update(contact).where(contact.c.id.in_(sorted(used))).values(active=False))
        gone = [name for name in some if name not in used]
        await connection.execute(delete(contact).where(contact.c.id.in_(gone)))


async def written_to(connection: AsyncConnection, contact_ids: Sequence[str]) -> set[str]:
    """Those of these contacts for whom there is a letter, a delivery of their own or of another's copy, or an answer.

    Of nobody else can a letter be waiting.
    """
    found: set[str] = set()
    for column in (delivery.c.contact_id, delivery.c.addressee_id, letter.c.contact_id, answer.c.contact_id):
        for some in in_parts(contact_ids):
            found |= set((await connection.execute(select(column).where(column.in_(some)).distinct())).scalars())
    return found


_OWNERS = select(address.c.value, address.c.contact_id).where(
    address.c.kind == bindparam("kind"), address.c.value.in_(bindparam("values", expanding=True))
)


async def owners(connection: AsyncConnection, addresses: Collection[Address]) -> dict[Address, str]:
    """The ids of the contacts that have these addresses; an address that nobody has is not in it."""
    found: dict[Address, str] = {}
    for kind in Kind:
        for some in in_parts([one.value for one in addresses if one.kind is kind]):
            rows = await connection.execute(_OWNERS, {"kind": kind, "values": some})
            found |= {Address(kind, row.value): row.contact_id for row in rows}
    return found


async def note_answer(
    connection: AsyncConnection, campaign_id: str, contact_id: str, noted_by: str, note: str, now: datetime
) -> None:
    row = {"campaign_id": campaign_id, "contact_id": contact_id, "noted_by": noted_by, "note": note, "at": now}
    await connection.execute(insert(answer).values(row))


_LATER = (
    exists()
    .where(occurrence.c.campaign_id == bindparam("campaign"), occurrence.c.local_key == bindparam("occurrence"))
    .where(occurrence.c.at > answer.c.at)
    .correlate(answer)
)
_ANSWERED = select(
    exists()
    .where(answer.c.campaign_id == bindparam("campaign"), answer.c.contact_id == bindparam("contact"))
    .where(~_LATER)
)


async def has_answered(connection: AsyncConnection, one: Delivery) -> bool:
    """Has the addressee answered? An answer counts for what left before it, not for a later time of the campaign."""
    given = {"campaign": one.campaign_id, "contact": one.addressee_id, "occurrence": one.occurrence}
    return bool((await connection.execute(_ANSWERED, given)).scalar())


async def suppress(
    connection: AsyncConnection, one: Address, by: str, reason: str, now: datetime, until: datetime | None = None
) -> bool:
    """Put an address on the suppression list, until it is lifted; False when it stands there already."""
    if await is_suppressed(connection, one):
        return False
    row = {"kind": one.kind, "value": one.value, "since": now, "by": by, "reason": reason, "until": until}
    await connection.execute(insert(suppression).values(row))
    return True


async def lift(connection: AsyncConnection, one: Address) -> bool:
    """Take an address off the list; False when it does not stand there."""
    here = (suppression.c.kind == one.kind) & (suppression.c.value == one.value)
    return (await connection.execute(delete(suppression).where(here))).rowcount == 1


async def suppressed_until(connection: AsyncConnection, now: datetime) -> list[Address]:
    """The addresses whose time on the list has ended."""
    rows = await connection.execute(select(suppression.c.kind, suppression.c.value).where(suppression.c.until <= now))
    return [Address(Kind(row.kind), row.value) for row in rows]


async def is_suppressed(connection: AsyncConnection, one: Address) -> bool:
    return await suppressed_since(connection, one) is not None


_SUPPRESSED = select(suppression.c.since, suppression.c.by).where(
    suppression.c.kind == bindparam("kind"), suppression.c.value == bindparam("value")
)


async def suppressed_since(connection: AsyncConnection, one: Address) -> tuple[datetime, str] | None:
    """Since when and by whom nothing goes to this address any more; None where it is not on the list."""
    row = (await connection.execute(_SUPPRESSED, {"kind": one.kind, "value": one.value})).first()
    return (row.since, row.by) if row else None


async def suppressed_among(
    connection: AsyncConnection, addresses: Sequence[Address]
) -> dict[Address, tuple[datetime, str]]:
    """Those of these addresses that stand on the list: since when, and by whom."""
    found: dict[Address, tuple[datetime, str]] = {}
    for kind in Kind:
        for part in in_parts([one.value for one in addresses if one.kind is kind]):
            here = (suppression.c.kind == kind) & suppression.c.value.in_(part)
            rows = await connection.execute(select(suppression).where(here))
            found |= {Address(kind, row.value): (row.since, row.by) for row in rows}
    return found


def _as_data(person: Contact) -> dict[str, Any]:
    """The fields as JSON holds them; what is empty is left out, so that a new field needs no change of old rows."""
    return {name: value for name, value in _plain(person).items() if value not in ("", [], None)}


def _plain(value: Any) -> Any:
    """By hand: `asdict` copies every text, and ten thousand contacts are written while everybody else waits."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, (Contact, Address, Provenance)):
        return {name: _plain(getattr(value, name)) for name in value.__slots__}
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
