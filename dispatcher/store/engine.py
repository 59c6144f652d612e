"""The door to the database: one writer that groups commits, readers that cannot write. Alone makes engines."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from dispatcher.domain.errors import DispatcherError

from .inline import inline
from .netfs import require_local_disk

T = TypeVar("T")
Unit = Callable[[AsyncConnection], Awaitable[T]]

#: How many waiting units one transaction takes at the most.
GROUP = 64
#: Names our one writers' lock on PostgreSQL ('disp' in ASCII); SQLite has BEGIN IMMEDIATE.
WRITERS_LOCK = 0x64697370
#: The database is ill, not the unit wrong. A PostgreSQL server that became a read-only replica says InternalError.
_ILL = (OperationalError, InterfaceError, InternalError)


class StoreFault(DispatcherError):
    """The database did not do it: locked for too long, full, gone. What was asked is not done."""

    exit_code = 75
    http_status = 503


@dataclass(slots=True)
class _Waiting:
    unit: Unit[Any]
    done: asyncio.Future[Any]


class Store:
    """Reads and writes of one process.

    Every write goes through one task, which runs what waits in one transaction (each unit in its own savepoint) and
    answers only after the commit: many units share one fsync, and the audit chain has one writer a process. Between
    processes, writers take turns: BEGIN IMMEDIATE on SQLite, an advisory lock for the transaction on PostgreSQL.
    """

    def __init__(self, url: str, busy_seconds: float = 30.0, *, throw_away: bool = False) -> None:
        """`throw_away`: of a database that nobody keeps (SQLite alone): quick, and lost when the machine goes down."""
        self.url = make_url(url)
        self._writing = _engine(self.url, busy_seconds, writes=True, throw_away=throw_away)
        self._reading = _engine(self.url, busy_seconds, writes=False, throw_away=throw_away)
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None

    async def read(self, query: Unit[T]) -> T:
        """Run `query` in a read-only transaction: one consistent view. Raises StoreFault when the database fails."""
        try:
            async with self._reading.begin() as connection:
                return await query(connection)
        except (*_ILL, OSError) as fault:
            raise _fault(fault, "does not answer") from fault

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` in a durable transaction; returns after the commit.

        What `unit` raises undoes it alone and is raised here. Raises StoreFault when the database fails: then it was
        not done, except after a lost connection during the commit, when nobody knows.
        """
        if self._writer is None or self._writer.done() or self._writer.cancelling():
            self._writer = asyncio.create_task(self._run(), name="store writer")
        waiting = _Waiting(unit, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(waiting)
        result: T = await waiting.done
        return result

    async def aclose(self) -> None:
        """Finish what waits, then let go of the database."""
        if self._writer is not None:
            await self._waiting.join()
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await self._writing.dispose()
        await self._reading.dispose()

    async def _run(self) -> None:
        while True:
            group = [await self._waiting.get()]
            while len(group) < GROUP and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            try:
                await self._commit(group)
            finally:
                for waiting in group:
                    if not waiting.done.done():
                        waiting.done.cancel()
                    self._waiting.task_done()

    async def _commit(self, group: list[_Waiting]) -> None:
        results: list[tuple[_Waiting, Any]] = []
        failures: list[tuple[_Waiting, Exception]] = []
        try:
            async with self._writing.begin() as connection:
                for waiting in group:
                    if not waiting.done.done():  # whoever gave up before its turn is not surprised afterwards
                        await _run_unit(connection, waiting, results, failures)
        except Exception as fault:  # noqa: BLE001  # whatever it is, nobody may be left waiting for an answer
            _refuse(group, fault)
            return
        for waiting, result in results:
            _answer(waiting, result)
        for waiting, failure in failures:
            _raise(waiting, failure)


async def _run_unit(
    connection: AsyncConnection,
    waiting: _Waiting,
    results: list[tuple[_Waiting, Any]],
    failures: list[tuple[_Waiting, Exception]],
) -> None:
    savepoint = await connection.begin_nested()
    try:
        result = await waiting.unit(connection)
    except _ILL:
        raise  # the database is ill: nothing of this group stands, and the savepoint may be gone with the transaction
    except Exception as failure:  # noqa: BLE001  # this unit's own: the others of the group must not fall with it
        await savepoint.rollback()
        failures.append((waiting, failure))
    else:
        await savepoint.commit()
        results.append((waiting, result))


def _answer(waiting: _Waiting, result: object) -> None:
    if not waiting.done.done():
        waiting.done.set_result(result)


def _raise(waiting: _Waiting, failure: Exception) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(failure)


def _refuse(group: list[_Waiting], fault: Exception) -> None:
    for waiting in group:
        _raise(waiting, _fault(fault, "did not take it"))


def _fault(fault: Exception, what: str) -> StoreFault:
    words = str(getattr(fault, "orig", None) or fault).splitlines() or [type(fault).__name__]
    return StoreFault(f"the database {what}: {words[0]}")


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
    return _postgresql(url, writes=writes)


#: The WAL-reset defect needs a checkpoint; a database that is thrown away before it grows does without any.
_THROW_AWAY = ("journal_mode=WAL", "synchronous=OFF", "wal_autocheckpoint=0", "foreign_keys=ON")


def _pragmas() -> tuple[str, ...]:
    journal, level = journal_for(sqlite3.sqlite_version_info[:3])
    return f"journal_mode={journal}", f"synchronous={level}", "foreign_keys=ON"


def _sqlite(url: URL, busy_seconds: float, *, writes: bool, throw_away: bool) -> AsyncEngine:
    if url.database:
        require_local_disk(Path(url.database))
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    arguments: dict[str, Any] = {"async_creator_fn": inline} if throw_away else {"timeout": busy_seconds}
    engine = create_async_engine(url, pool_size=1 if writes else 4, connect_args=arguments)
    pragmas = _THROW_AWAY if throw_away else _pragmas()

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; the driver's own is a deferred one
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        if not writes:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL, *, writes: bool) -> AsyncEngine:
    # Without prepared statements the connection may go through a pooler in transaction mode.
    engine = create_async_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=1 if writes else 4,
        connect_args={"prepare_threshold": None},
    )

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.execute(text("SET LOCAL statement_timeout = '30s'"))
        if writes:
            connection.execute(text("SET LOCAL synchronous_commit = on"))
            # A writer that is stopped in the middle must not hold the lock of all others for ever.
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '30s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITERS_LOCK})
        else:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))

    return engine
