"""The row that says what this installation is, and what the database can tell about where it lives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, insert, literal_column, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.rollback import Whereabouts

from .engine import Store
from .schema import audit, installation


@dataclass(frozen=True, slots=True)
class Installation:
    """The row, and the log beside it as one look saw both."""

    instance: str
    epoch: int
    machine: str
    home: Whereabouts
    quarantine: str
    why: list[list[str]]  #: [sign, words] each
    adopted: str
    adopted_at: datetime | None


async def find(connection: AsyncConnection) -> Installation | None:
    """None before the first start."""
    row = (await connection.execute(select(installation))).first()
    if row is None:
        return None
    fields = dict(row._mapping)
    fields.pop("id")
    return Installation(**{**fields, "home": Whereabouts(**fields["home"])})


async def begin(connection: AsyncConnection, instance: str, machine: str, home: Whereabouts) -> Installation:
    """Make the row unless there is one; the one that is there then."""
    there = await find(connection)
    if there is None:
        row = {"id": 1, "instance": instance, "epoch": 1, "machine": machine, "home": asdict(home), "why": []}
        await connection.execute(insert(installation).values(row))
        there = await find(connection)
    assert there is not None  # it was found, or inserted above in this transaction
    return there


async def quarantine(connection: AsyncConnection, quarantine_id: str, why: list[list[str]]) -> Installation | None:
    """Put it into quarantine unless it is in one; the row then, None where there is no row yet."""
    clear = installation.c.quarantine == ""
    await connection.execute(update(installation).where(clear).values(quarantine=quarantine_id, why=why))
    return await find(connection)


async def lift(
    connection: AsyncConnection, quarantine_id: str, machine: str, home: Whereabouts, held_at: datetime | None
) -> Installation:
    """Adopted: another epoch, here, with no quarantine. `held_at`: letters may have gone unseen until then."""
    row = {
        "epoch": installation.c.epoch + 1,
        "machine": machine,
        "home": asdict(home),
        "quarantine": "",
        "why": [],
        "adopted": quarantine_id,
    }
    if held_at is not None:
        row["adopted_at"] = held_at
    await connection.execute(update(installation).values(row))
    found = await find(connection)
    assert found is not None  # only a row that is there is in quarantine
    return found


@dataclass(frozen=True, slots=True)
class Glance:
    """What every claim and every dot asks, in one question."""

    instance: str
    epoch: int
    quarantine: str
    hash_there: str  #: of the audit entry that was asked for; '' where there is none
    timeline: str  #: '' where it was not asked for


async def glance(connection: AsyncConnection, seq: int, *, with_timeline: bool) -> Glance | None:
    """None before the first start. `with_timeline` only where the server is known to tell it."""
    row = (await connection.execute(_GLANCES[with_timeline], {"seq": seq})).first()
    return Glance(row[0], row[1], row[2], row[3] or "", row[4]) if row else None


async def log_at(connection: AsyncConnection, seq: int) -> tuple[int, str]:
    """The number of the last audit entry, and the hash of entry `seq` ('' where there is none)."""
    last = (await connection.execute(select(func.max(audit.c.seq)))).scalar() or 0
    there = (await connection.execute(select(audit.c.hash).where(audit.c.seq == seq))).scalar()
    return last, there or ""


# -- where it lives --------------------------------------------------------------------------------------------------


async def whereabouts(store: Store) -> Whereabouts:
    """What the database can tell about where it lives. What a server does not let us see stays unknown."""
    if store.url.get_backend_name() == "sqlite":
        return Whereabouts(place=_real(store.url.database))
    server = await _asked(store, _SERVER)
    return Whereabouts(
        place=_address(store.url),
        server=server,
        timeline=await _asked(store, _TIMELINE),
        written=int(await _asked(store, _WRITTEN) or 0),
        local=_on_this_machine(store.url),
    )


#: System identifier (made by initdb), database, and the table's own number: a dump that is read in has other ones.
_SERVER = (
    "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || "
    "(SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || 'installation'::regclass::oid"
)
#: The log's file name begins with it, and says so at once; pg_control_checkpoint() says so only some time later.
_TIMELINE = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) END"
)


def _glance(line: ColumnElement[str]) -> Select[Any]:
    there = select(audit.c.hash).where(audit.c.seq == bindparam("seq")).scalar_subquery()
    wanted = installation.c
    return select(wanted.instance, wanted.epoch, wanted.quarantine, there, line)


#: Asked at every claim and every commit point: making a statement anew takes longer than answering it.
_GLANCES = {True: _glance(literal_column(f"({_TIMELINE})")), False: _glance(literal_column("''"))}
_WRITTEN = "SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_current_wal_flush_lsn() - '0/0'::pg_lsn END"


def _real(file: str | None) -> str:
    return str(Path(file).resolve()) if file else ""


async def _asked(store: Store, question: str) -> str:
    async def query(connection: AsyncConnection) -> str:
        try:
            return str((await connection.execute(text(question))).scalar() or "")
        except DBAPIError as fault:
            if fault.connection_invalidated:
                raise
            return ""  # a server of somebody else's, which does not let us see it

    return await store.read(query)


def _address(url: URL) -> str:
    return f"{url.query.get('host', url.host or '')}:{url.port or 5432}/{url.database}"


def _on_this_machine(url: URL) -> bool:
    """By socket, or over loopback. A tunnel looks so too: then the setting guard.shared says that it is not."""
    host = str(url.query.get("host", url.host or ""))
    return not host or host.startswith(("/", "127.")) or host in ("localhost", "::1", "[::1]")
