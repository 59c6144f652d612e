"""The rows of messages that came in: taken once, read once, settled once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Conflict, NotFound
from dispatcher.domain.limits import lane
from dispatcher.domain.matching import Candidate
from dispatcher.domain.model import Delivery
from dispatcher.domain.words import Filing, Kind, Tie, Verdict

from . import deliveries
from .schema import attempt, delivery, incoming, letter, mailbox

#: Letters to one domain that a guess looks at, the latest first.
_CANDIDATES = 50


@dataclass(frozen=True, slots=True)
class Item:
    """One message that came in, as its row has it."""

    id: str  #: sha256 of the message; in the archive under that name
    at: datetime
    way: str
    envelope: tuple[str, ...]
    size: int
    filing: Filing
    kind: str
    sender: str
    subject: str
    said: str
    why: str
    delivery_id: str | None
    attempt_id: str
    tie: Tie
    score: int
    reasons: tuple[str, ...]
    campaign_id: str
    addressee_id: str
    away_until: datetime | None
    settled_by: str
    settled_at: datetime | None
    note: str


def _from_row(row: Row[Any]) -> Item:
    fields = {name: row._mapping[name] for name in Item.__slots__}
    lists = {"envelope": tuple(row.envelope), "reasons": tuple(row.reasons)}
    return Item(**{**fields, **lists, "filing": Filing(row.filing), "tie": Tie(row.tie)})


async def add(
    connection: AsyncConnection, digest: str, way: str, envelope: Sequence[str], size: int, now: datetime
) -> bool:
    """Put a message on record; False when it was taken before."""
    if await find(connection, digest) is not None:
        return False
    row = {"id": digest, "at": now, "way": way, "envelope": list(envelope), "size": size}
    await connection.execute(insert(incoming).values(**row, filing=Filing.RECEIVED, reasons=[]))
    return True


async def find(connection: AsyncConnection, digest: str) -> Item | None:
    row = (await connection.execute(select(incoming).where(incoming.c.id == digest))).first()
    return _from_row(row) if row else None


async def get(connection: AsyncConnection, digest: str) -> Item:
    """By id, or by an unambiguous beginning of it of at least four characters. Raises NotFound, Conflict."""
    near = incoming.c.id.startswith(digest, autoescape=True)
    rows = (await connection.execute(select(incoming).where(near).limit(2))).all() if len(digest) >= 4 else []
    if len(rows) > 1:
        raise Conflict(f"'{digest}' begins the id of more than one message; give more of it")
    if not rows:
        raise NotFound(f"no message '{digest}' has come in; inbox pen shows those that wait for a person")
    return _from_row(rows[0])


async def file(connection: AsyncConnection, seen: Item, filing: Filing, **values: Any) -> Item:
    """Compare-and-swap on its filing: as `seen`, or Conflict. A message is read once, and settled once."""
    same = (incoming.c.id == seen.id) & (incoming.c.filing == seen.filing)
    changed = update(incoming).where(same).values(filing=filing, **values).returning(incoming)
    row = (await connection.execute(changed)).first()
    if row is None:
        raise Conflict(f"message {seen.id[:12]} was filed meanwhile by somebody else; look again")
    return _from_row(row)


async def unread(connection: AsyncConnection, limit: int) -> list[Item]:
    """Those that are on record and were not read, the oldest first."""
    return await _all(connection, _in(Filing.RECEIVED).limit(limit))


async def held(connection: AsyncConnection) -> list[Item]:
    """The holding pen, the oldest first."""
    return await _all(connection, _in(Filing.HELD))


def _in(filing: Filing) -> Select[Any]:
    return select(incoming).where(incoming.c.filing == filing).order_by(incoming.c.at, incoming.c.id)


async def of_delivery(connection: AsyncConnection, delivery_id: str) -> list[Item]:
    """Everything that came in about a letter, the oldest first."""
    query = select(incoming).where(incoming.c.delivery_id == delivery_id)
    return await _all(connection, query.order_by(incoming.c.at, incoming.c.id))


async def _all(connection: AsyncConnection, query: Select[Any]) -> list[Item]:
    return [_from_row(row) for row in await connection.execute(query)]


async def is_unfiled(connection: AsyncConnection, one: Delivery) -> bool:
    """Does a message wait for a person that may be the answer of this letter's addressee?"""
    theirs = (incoming.c.campaign_id == one.campaign_id) & (incoming.c.addressee_id == one.addressee_id)
    return bool((await connection.execute(select(exists().where(theirs, incoming.c.filing == Filing.HELD)))).scalar())


async def away_until(connection: AsyncConnection, one: Delivery) -> datetime | None:
    """The latest day of return that this letter's addressee has stated; None: none."""
    theirs = (incoming.c.campaign_id == one.campaign_id) & (incoming.c.addressee_id == one.addressee_id)
    query = select(incoming.c.away_until).where(theirs, incoming.c.away_until.is_not(None))
    return (await connection.execute(query.order_by(incoming.c.away_until.desc()).limit(1))).scalar()


async def counts(connection: AsyncConnection) -> tuple[int, datetime | None]:
    """How many messages wait for a person, and since when the first of them does."""
    query = select(func.count(), func.min(incoming.c.at)).where(incoming.c.filing == Filing.HELD)
    count, first = (await connection.execute(query)).one()
    return count, first


async def by_message_id(connection: AsyncConnection, ids: Sequence[str]) -> Delivery | None:
    """The letter with the first of these Message-IDs that is one of ours. Its id stands in it, left of the '@'."""
    for one in ids:
        found = await deliveries.find(connection, one.strip("<>").partition("@")[0])
        if found is not None and found.message_id.lower() == one:
            return found
    return None


async def candidates(connection: AsyncConnection, addresses: Collection[str]) -> list[Candidate]:
    """The letters that left lately for the domains of these addresses, the latest first."""
    lanes = sorted({lane(Kind.EMAIL, one) for one in addresses if "@" in one})
    query = select(attempt.c.id, attempt.c.opened_at, letter.c.subject, delivery.c.id.label("about"))
    query = query.join(delivery, delivery.c.id == attempt.c.delivery_id)
    query = query.join(letter, letter.c.digest == delivery.c.letter)
    mine = attempt.c.lane.in_(lanes) & (attempt.c.verdict != Verdict.UNSENT)
    rows = (await connection.execute(query.where(mine).order_by(attempt.c.opened_at.desc()).limit(_CANDIDATES))).all()
    return [await _candidate(connection, *row) for row in rows]


async def _candidate(connection: AsyncConnection, attempt_id: str, at: datetime, subject: str, about: str) -> Candidate:
    return Candidate(await deliveries.get(connection, about), attempt_id, subject, at)


# -- how far mailboxes were read ---------------------------------------------------------------------------------------


async def place(connection: AsyncConnection, name: str) -> tuple[int, int]:
    """UIDVALIDITY and the highest UID that was taken; two zeros for a folder that was never read."""
    row = (await connection.execute(select(mailbox).where(mailbox.c.name == name))).first()
    return (row.validity, row.uid) if row else (0, 0)


async def set_place(connection: AsyncConnection, name: str, validity: int, uid: int) -> None:
    """So far it was read. Of several who read at once, whoever notes it last is believed: taken twice, it acts once."""
    values = {"validity": validity, "uid": uid}
    if not (await connection.execute(update(mailbox).where(mailbox.c.name == name).values(values))).rowcount:
        await connection.execute(insert(mailbox).values(name=name, **values))
