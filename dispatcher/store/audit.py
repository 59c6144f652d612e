"""The audit log's rows: appended in the transaction of what they tell of, read in order, never changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import GENESIS, AuditEntry, AuditEvent, chain, from_record

from .schema import audit

#: Asked for every entry: making a statement anew takes longer than answering it.
_END = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_APPEND = insert(audit)


@dataclass(slots=True)
class Appended:
    """An event that is put into the chain with the others of its transaction, just before that commits."""

    event: AuditEvent
    at: datetime
    _entry: AuditEntry | None = None

    @property
    def entry(self) -> AuditEntry:
        """Its place; known once the transaction is over."""
        assert self._entry is not None  # Store.write returns after the commit
        return self._entry


async def append(connection: AsyncConnection, event: AuditEvent, now: datetime) -> Appended:
    """Put `event` at the end of the chain, in the transaction of a write, with which it stands or falls."""
    appended = Appended(event, now)
    _waiting(connection).append(appended)
    return appended


#: Where a connection's transaction keeps what it is still to put into the chain.
_KEY = "dispatcher audit"


def _waiting(connection: AsyncConnection) -> list[Appended]:
    assert connection.sync_connection is not None  # it is open
    waiting: list[Appended] = connection.sync_connection.info[_KEY]
    return waiting


def open_for(connection: AsyncConnection) -> None:
    """A transaction begins: nothing waits."""
    assert connection.sync_connection is not None  # it is open
    connection.sync_connection.info[_KEY] = []


def waits(connection: AsyncConnection) -> int:
    """How many events of this transaction wait for their places."""
    return len(_waiting(connection))


def take_back(connection: AsyncConnection, count: int) -> None:
    """Only the first `count` of them happened."""
    del _waiting(connection)[count:]


async def put_in_chain(connection: AsyncConnection) -> None:
    """Give all of them their places, one after the other. The end of the chain must be ours until the commit."""
    last = (await connection.execute(_END)).first()
    seq, prev = (last.seq, last.hash) if last else (0, GENESIS)
    rows = []
    for one in _waiting(connection):
        one._entry = chain(one.event, one.at, seq, prev)
        seq, prev = one._entry.seq, one._entry.hash
        rows.append(_values(one._entry))
    await connection.execute(_APPEND, rows)


def _values(entry: AuditEntry) -> dict[str, Any]:
    event = entry.event
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": event.actor,
        "action": event.action,
        "object": event.object,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "data": dict(event.data),
        "prev": entry.prev,
        "hash": entry.hash,
    }


async def entries(connection: AsyncConnection) -> AsyncIterator[AuditEntry]:
    """The whole log, in order."""
    async with connection.stream(select(audit).order_by(audit.c.seq)) as rows:
        async for row in rows.mappings():
            yield from_record(dict(row))


@dataclass(frozen=True, slots=True)
class Link:
    """What of an entry binds it into the log, and what kind of act it tells of."""

    seq: int
    action: str
    prev: str
    hash: str


_LINKS = (
    select(audit.c.seq, audit.c.action, audit.c.prev, audit.c.hash)
    .where(audit.c.seq > bindparam("after"))
    .order_by(audit.c.seq)
    .limit(bindparam("most"))
)


async def links(connection: AsyncConnection, after: int, most: int) -> list[Link]:
    """The links of at most `most` entries that come after entry `after`, in order."""
    rows = await connection.execute(_LINKS, {"after": after, "most": most})
    return [Link(row.seq, row.action, row.prev, row.hash) for row in rows]


async def tail(connection: AsyncConnection, count: int, about: str = "") -> list[AuditEntry]:
    """The last `count` entries, oldest first; only those about `about` ('delivery:…') if given."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(count)
    if about:
        query = query.where(audit.c.object == about)
    rows = (await connection.execute(query)).mappings().all()
    return [from_record(dict(row)) for row in reversed(rows)]


async def size(connection: AsyncConnection) -> int:
    return (await connection.execute(select(func.count()).select_from(audit))).scalar_one()
