"""The door to the database: one writer that groups commits, readers that cannot write. Alone makes engines."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from . import audit, holders
from .faults import BUSY, StoreFault, held, is_illness, told
from .inline import inline
from .netfs import require_local_disk
from .opening import opened

__all__ = ["Store", "StoreFault"]
T = TypeVar("T")
Unit = Callable[[AsyncConnection], Awaitable[T]]

#: Readers of one process at one time; a connection that is opened for one question costs more than many answers.
READERS = 4
#: How many waiting units one transaction takes at the most.
GROUP = 64
#: Names our writers' lock on PostgreSQL ('disp' in ASCII); SQLite has BEGIN IMMEDIATE.
WRITERS_LOCK = 0x64697370
#: Names the lock of the audit chain's end, which writers that stand beside one another take just before they commit.
CHAIN_LOCK = 0x64697371
#: Two that stood beside one another could not both go on (PostgreSQL: deadlock_detected, serialization_failure).
_CROSSED = ("40P01", "40001")
#: Seconds in which somebody who holds the database is looked for, once it is known that it is held.
_LOOK = 2.0


@dataclass(slots=True)
class _Waiting:
    unit: Unit[Any]
    beside: bool
    done: asyncio.Future[Any]


@dataclass(slots=True)
class _Done:
    """What became of the units of one transaction."""

    results: list[tuple[_Waiting, Any]] = field(default_factory=list)
    failures: list[tuple[_Waiting, Exception]] = field(default_factory=list)


class Store:
    """Reads and writes of one process.

    Every write goes through one task, which runs what waits in one transaction (each unit in its own savepoint) and
    answers only after the commit: many units share one fsync, and the audit chain has one writer a process. Between
    processes, writers take turns: BEGIN IMMEDIATE on SQLite, an advisory lock for the transaction on PostgreSQL.

    On PostgreSQL those units that say they may stand `beside` others of their kind do: they share the writers' lock,
    which everybody else takes alone, and take turns only at the audit chain, at the very end of their transactions.
    """

    def __init__(self, url: str, busy_seconds: float = 30.0, *, throw_away: bool = False) -> None:
        """`throw_away`: of a database that nobody keeps (SQLite alone): quick, and lost when the machine goes down."""
        self.url = make_url(url)
        self._writing = _engine(self.url, busy_seconds, writes=True, throw_away=throw_away)
        self._reading = _engine(self.url, busy_seconds, writes=False, throw_away=throw_away)
        self._waiting: deque[_Waiting] = deque()
        self._group: list[_Waiting] = []  # whose transaction is under way
        self._some = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def read(self, query: Unit[T]) -> T:
        """Run `query` in a read-only transaction: one consistent view. Raises StoreFault when the database fails."""
        try:
            async with self._reading.begin() as connection:
                return await query(connection)
        except (SQLAlchemyError, OSError) as fault:
            if not _is_fault(fault):
                raise
            raise await self._told(fault, "does not answer") from fault

    async def write(self, unit: Unit[T], *, beside: bool = False) -> T:
        """Run `unit` in a durable transaction; returns after the commit.

        `beside`: it changes rows that no other process changes at this time, each by compare-and-swap, and concludes
        nothing from rows that it does not change. It may be run twice.

        What `unit` raises undoes it alone and is raised here. Raises StoreFault when the database fails: then it was
        not done, except after a lost connection during the commit, when nobody knows.
        """
        if self._writer is None or self._writer.done() or self._writer.cancelling():
            self._writer = asyncio.create_task(self._run(), name="store writer")
        waiting = _Waiting(unit, beside, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._some.set()
        result: T = await waiting.done
        return result

    async def aclose(self) -> None:
        """Finish what waits, then let go of the database."""
        if self._writer is not None:
            await asyncio.gather(*(one.done for one in (*self._group, *self._waiting)), return_exceptions=True)
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await self._writing.dispose()
        await self._reading.dispose()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._group = self._next_group()
            try:
                await self._commit(self._group)
            finally:
                for waiting in self._group:
                    if not waiting.done.done():
                        waiting.done.cancel()
                self._group = []

    def _next_group(self) -> list[_Waiting]:
        """The first that waits, and those of its kind."""
        kind = self._waiting[0].beside
        group = [one for one in self._waiting if one.beside is kind][:GROUP]
        for one in group:
            self._waiting.remove(one)
        if not self._waiting:
            self._some.clear()
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            try:
                done = await self._transact(group, beside=group[0].beside)
            except OperationalError as fault:
                if getattr(fault.orig, "sqlstate", "") not in _CROSSED:
                    raise
                done = await self._transact(group, beside=False)
        except Exception as fault:  # noqa: BLE001  # whatever it is, nobody may be left waiting for an answer
            own = len(group) == 1 and not _is_fault(fault)
            _refuse(group, fault if own else await self._told(fault, "did not take it"))
            return
        for waiting, result in done.results:
            _answer(waiting, result)
        for waiting, failure in done.failures:
            _raise(waiting, failure)

    async def _told(self, fault: Exception, what: str) -> StoreFault:
        """What happened, as people are told; of a lock, who holds it where that can be found out."""
        made = told(fault, what, self.url)
        if made.code != BUSY or isinstance(fault, PoolTimeout):
            return made
        try:
            async with asyncio.timeout(_LOOK):
                who = await self._holders()
        except (SQLAlchemyError, OSError):
            return made
        return held(made, who) if who else made

    async def _holders(self) -> str:
        if self.url.get_backend_name() == "sqlite":
            return holders.of_file(Path(self.url.database or ""))
        async with self._reading.begin() as connection:
            return await holders.on_server(connection, WRITERS_LOCK)

    async def _transact(self, group: list[_Waiting], *, beside: bool) -> _Done:
        done = _Done()
        async with self._writing.connect() as plain:
            connection = await plain.execution_options(beside=beside)
            async with connection.begin():
                audit.open_for(connection)
                # Whoever gave up before its turn is not surprised afterwards.
                wanted = [one for one in group if not one.done.done()]
                for waiting in wanted:
                    await (_run_unit if len(wanted) > 1 else _run_alone)(connection, waiting, done)
                if audit.waits(connection):
                    if beside and connection.dialect.name == "postgresql":
                        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CHAIN_LOCK})
                    await audit.put_in_chain(connection)
        return done


async def _run_alone(connection: AsyncConnection, waiting: _Waiting, done: _Done) -> None:
    """A unit that has the transaction for itself needs no savepoint: what it raises undoes the transaction."""
    done.results.append((waiting, await waiting.unit(connection)))


async def _run_unit(connection: AsyncConnection, waiting: _Waiting, done: _Done) -> None:
    savepoint = await connection.begin_nested()
    before = audit.waits(connection)
    try:
        result = await waiting.unit(connection)
    except Exception as failure:  # this unit's own: the others of the group must not fall with it
        if is_illness(failure):
            raise  # nothing of this group stands, and the savepoint may be gone with the transaction
        await savepoint.rollback()
        audit.take_back(connection, before)
        done.failures.append((waiting, failure))
    else:
        await savepoint.commit()
        done.results.append((waiting, result))


def _answer(waiting: _Waiting, result: object) -> None:
    if not waiting.done.done():
        waiting.done.set_result(result)


def _raise(waiting: _Waiting, failure: Exception) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(failure)


def _refuse(group: list[_Waiting], fault: Exception) -> None:
    for waiting in group:
        _raise(waiting, fault)


def _is_fault(fault: Exception) -> bool:
    """An illness of the database is told as such; the own fault of a unit, as it is."""
    return is_illness(fault) or isinstance(fault, (OSError, PoolTimeout))


# -- engines ------------------------------------------------------------------------------------------------------


def journal_for(version: tuple[int, int, int]) -> tuple[str, str]:
    """The journal mode and synchronous level for this SQLite.

    WAL only where the WAL-reset defect (3.7.0 to 3.51.2) is mended: 3.51.3, and 3.50.7 and 3.44.6 in their lines
    (sqlite.org/wal.html, read November 2026). DELETE with EXTRA costs about a tenth and makes readers wait.
    """
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)
    return ("WAL", "FULL") if mended else ("DELETE", "EXTRA")


def _engine(url: URL, busy_seconds: float, *, writes: bool, throw_away: bool) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, busy_seconds, writes=writes, throw_away=throw_away)
    return _postgresql(url, busy_seconds, writes=writes)


def _pool(*, writes: bool) -> dict[str, int]:
    return {"pool_size": 1 if writes else READERS, "max_overflow": 0}


#: The WAL-reset defect needs a checkpoint; a database that is thrown away before it grows does without any.
_THROW_AWAY = ("journal_mode=WAL", "synchronous=OFF", "wal_autocheckpoint=0", "foreign_keys=ON")


def _pragmas() -> tuple[str, ...]:
    journal, level = journal_for(sqlite3.sqlite_version_info[:3])
    return f"journal_mode={journal}", f"synchronous={level}", "foreign_keys=ON"


def _sqlite(url: URL, busy_seconds: float, *, writes: bool, throw_away: bool) -> AsyncEngine:
    if url.database:
        require_local_disk(Path(url.database))
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    creator = inline if throw_away else partial(opened, reads=not writes)
    arguments: dict[str, Any] = {"async_creator_fn": creator, "timeout": busy_seconds}
    engine = create_async_engine(url, connect_args=arguments, **_pool(writes=writes))
    pragmas = (*(_THROW_AWAY if throw_away else _pragmas()), *(() if writes else ("query_only=ON",)))

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; the driver's own is a deferred one
        try:
            _say(connection, pragmas)
        except sqlite3.Error:
            connection.close()  # its thread would live on
            raise

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _say(connection: Any, pragmas: Iterable[str]) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


#: Each begins a transaction, together with what follows it in one message. Everything is said for this transaction
#: alone, and nothing at the start of a connection: so a pooler may hand each transaction to another connection.
_PATIENCE = "SET LOCAL lock_timeout = {lock}; SET LOCAL statement_timeout = {statement}"
#: A writer that is stopped in the middle must not hold the lock of all others for ever.
_DURABLY = "SET LOCAL synchronous_commit = on; SET LOCAL idle_in_transaction_session_timeout = '30s'"
#: Nor may a reader keep the server from clearing away what is old.
_READING = (
    "SET LOCAL idle_in_transaction_session_timeout = '5min'; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
)
#: Seconds that a question may take; one that waits for a lock gives up before, and says so.
_STATEMENT = 30.0


def _patience(busy_seconds: float) -> str:
    """In milliseconds, of which the server takes 0 for no limit."""
    lock = max(round(busy_seconds * 1000), 1)
    return _PATIENCE.format(lock=lock, statement=max(round(_STATEMENT * 1000), lock + 5000))


def _postgresql(url: URL, busy_seconds: float, *, writes: bool) -> AsyncEngine:
    name = url.query.get("application_name") or holders.label(socket.gethostname(), os.getpid())
    engine = create_async_engine(
        url.set(drivername="postgresql+psycopg"),
        # Without prepared statements the connection may go through a pooler in transaction mode.
        connect_args={"prepare_threshold": None, "application_name": name},
        **_pool(writes=writes),
    )
    patience = _patience(busy_seconds)

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        if not writes:
            connection.exec_driver_sql(f"{patience}; {_READING}")
            return
        beside = connection.get_execution_options().get("beside")
        lock = "pg_advisory_xact_lock_shared" if beside else "pg_advisory_xact_lock"
        connection.exec_driver_sql(f"{patience}; {_DURABLY}; SELECT {lock}({WRITERS_LOCK})")

    return engine
