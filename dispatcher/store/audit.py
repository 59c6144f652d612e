"""The audit log's rows: appended in the transaction of what they tell of, read in order, never changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import GENESIS, AuditEntry, AuditEvent, chain, from_record

from .schema import audit

#: Asked for every entry: making a statement anew takes longer than answering it.
_END = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_APPEND = insert(audit)


async def append(connection: AsyncConnection, event: AuditEvent, now: datetime) -> AuditEntry:
    """Put `event` at the end of the chain. The writers' lock makes the end ours until the commit."""
    last = (await connection.execute(_END)).first()
    seq, prev = (last.seq, last.hash) if last else (0, GENESIS)
    entry = chain(event, now, seq, prev)
    await connection.execute(_APPEND, _values(entry))
    return entry


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


async def tail(connection: AsyncConnection, count: int, about: str = "") -> list[AuditEntry]:
    """The last `count` entries, oldest first; only those about `about` ('delivery:…') if given."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(count)
    if about:
        query = query.where(audit.c.object == about)
    rows = (await connection.execute(query)).mappings().all()
    return [from_record(dict(row)) for row in reversed(rows)]


async def size(connection: AsyncConnection) -> int:
    return (await connection.execute(select(func.count()).select_from(audit))).scalar_one()
