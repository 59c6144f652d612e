"""A database driver for the simulation: SQLite in this very thread, with a lock, pauses and errors that the dice give.

It is a dialect of SQLAlchemy's by the name `sqlite+simulated`, so that the Store is the real one, to the last line. The
file lies in memory; what a transaction takes, who waits for whom, and what goes wrong is decided here.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import pool
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteExecutionContext
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from sqlalchemy.util.concurrency import await_

from .loop import RUNNING

SCHEME = "sqlite+simulated"


class Disposition(Protocol):
    """What decides how a database behaves."""

    async def pause(self, what: str) -> None:
        """A statement takes its time."""
        ...

    def fails(self, what: str) -> bool:
        """Does the database fail at this point? 'read', 'write', 'before commit', 'after commit'."""
        ...

    def committed(self) -> None:
        """A transaction that writes has become durable."""
        ...


class Calm:
    """Nothing goes wrong, and nothing takes time."""

    async def pause(self, what: str) -> None:
        return

    def fails(self, what: str) -> bool:
        return False

    def committed(self) -> None:
        return


@dataclass(slots=True)
class Base:
    """One database file: who may write, and how it behaves."""

    disposition: Disposition = field(default_factory=Calm)
    writer: Connection | None = None


#: By file.
BASES: dict[str, Base] = {}


class Connection:
    """One connection of one process. Writers take turns by asking again and again, as SQLite's do."""

    def __init__(self, database: str, timeout: float = 5.0, **_: Any) -> None:
        self.base = BASES.setdefault(database, Base())
        self.raw = sqlite3.connect(database, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "foreign_keys=ON"):
            self.raw.execute(f"PRAGMA {pragma}")
        self.timeout = timeout
        self.process = RUNNING.get()
        self.closed = False
        if self.process is not None:
            self.process.at_death.append(self.drop)

    #: The Store sets it to None, which it is.
    isolation_level: None = None

    def cursor(self, server_side: bool = False) -> Cursor:
        return Cursor(self, self.raw.cursor())

    def create_function(self, *args: Any, **named: Any) -> None:
        self.raw.create_function(*args, **named)

    async def wait_for_turn(self) -> None:
        await self.base.disposition.pause("begin")
        waited = 0.0
        while self.base.writer is not None:
            await asyncio.sleep(0.005)
            waited += 0.005
            if waited > self.timeout:
                raise sqlite3.OperationalError("database is locked")
        self.require_open()
        self.base.writer = self

    def require_open(self) -> None:
        if self.closed:
            raise sqlite3.OperationalError("no active connection")

    def commit(self) -> None:
        self.require_open()
        if self.base.writer is self:
            await_(self._commit())
        elif self.raw.in_transaction:
            self.raw.commit()

    async def _commit(self) -> None:
        base = self.base.disposition
        await base.pause("commit")
        self.require_open()
        if base.fails("before commit"):
            self.rollback()
            raise sqlite3.OperationalError("disk I/O error")
        self.raw.commit()
        self.base.writer = None
        base.committed()
        await base.pause("committed")
        if base.fails("after commit"):
            raise sqlite3.OperationalError("disk I/O error")

    def rollback(self) -> None:
        if not self.closed and self.raw.in_transaction:
            self.raw.rollback()
        self._let_go()

    def _let_go(self) -> None:
        if self.base.writer is self:
            self.base.writer = None

    def close(self) -> None:
        self.drop()

    #: The pool's way to end a connection that it does not trust any more.
    terminate = close

    def drop(self) -> None:
        """What the system does when a process ends: a transaction that is open is undone, its lock is free."""
        if not self.closed:
            self.rollback()
            self.raw.close()
            self.closed = True


class Cursor:
    """A cursor of the DB-API; what it fetches is there at once."""

    server_side = False

    def __init__(self, connection: Connection, raw: sqlite3.Cursor) -> None:
        self.connection, self._raw = connection, raw
        self.fetchone, self.fetchmany, self.fetchall = raw.fetchone, raw.fetchmany, raw.fetchall

    def close(self) -> None:
        if not self.connection.closed:
            self._raw.close()

    @property
    def description(self) -> Any:
        return self._raw.description

    @property
    def rowcount(self) -> int:
        return self._raw.rowcount

    @property
    def lastrowid(self) -> Any:
        return self._raw.lastrowid

    @property
    def arraysize(self) -> int:
        return self._raw.arraysize

    def execute(self, statement: str, parameters: Any = ()) -> Cursor:
        await_(self._before(statement))
        if not statement.startswith(_SETTINGS):
            self._raw.execute(statement, parameters or ())
        return self

    def executemany(self, statement: str, parameters: Any) -> Cursor:
        await_(self._before(statement))
        self._raw.executemany(statement, parameters)
        return self

    async def _before(self, statement: str) -> None:
        connection = self.connection
        connection.require_open()
        word = statement[:6].upper()
        if statement == "BEGIN IMMEDIATE":
            await connection.wait_for_turn()
        elif word in _DATA:
            kind = "write" if connection.base.writer is connection else "read"
            await connection.base.disposition.pause(kind)
            connection.require_open()
            if connection.base.disposition.fails(kind):
                raise sqlite3.OperationalError("disk I/O error")

    async def _async_soft_close(self) -> None:
        return


#: How the file is kept is settled above: nothing of it can be lost in memory.
_SETTINGS = ("PRAGMA journal_mode=", "PRAGMA synchronous=")
_DATA = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


class _Module:
    """`sqlite3`, as far as SQLAlchemy looks at it, but its connections are ours."""

    paramstyle = "qmark"

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)

    def connect(self, *args: Any, **named: Any) -> Connection:
        return Connection(*args, **named)


class _Context(SQLiteExecutionContext):
    def create_server_side_cursor(self) -> Any:
        return self._dbapi_connection.cursor(server_side=True)


class Dialect(SQLiteDialect_pysqlite):
    """Asynchronous for SQLAlchemy's engines, and done in one turn wherever nothing waits."""

    driver = "simulated"
    is_async = True
    supports_statement_cache = True
    supports_server_side_cursors = True
    execution_ctx_cls = _Context

    #: Statements are compiled once for all engines, of whatever process: otherwise a run does little else.
    _compiled = LRUCache(2000)

    def __hash__(self) -> int:
        return hash(type(self))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    @classmethod
    def engine_created(cls, engine: Any) -> None:
        engine._compiled_cache = cls._compiled

    @classmethod
    def import_dbapi(cls) -> Any:
        return _Module()

    @classmethod
    def get_pool_class(cls, url: Any) -> type[pool.Pool]:
        return pool.AsyncAdaptedQueuePool

    def get_driver_connection(self, connection: Any) -> Any:
        return connection


registry.register("sqlite.simulated", __name__, "Dialect")
