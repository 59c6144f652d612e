"""Opens a SQLite file: a connection whose thread does what may wait for a disk or a lock, and nothing else.

The library's own hands each step of a statement to its thread, the making and the closing of a cursor too: there and
back seven times for one question with an answer of one row, which takes far longer than the answer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import aiosqlite

#: So many rows are fetched as a statement is executed; of a longer answer the rest is fetched when it is wanted.
AHEAD = 64


class _Cursor(sqlite3.Cursor):
    """Has the first rows when it has executed."""

    _ahead: list[Any]
    whole = False  #: are these all rows?

    def execute(self, *words: Any) -> _Cursor:
        super().execute(*words)
        self._ahead = super().fetchmany(AHEAD) if self.description else []
        self.whole = len(self._ahead) < AHEAD
        return self

    def fetchone(self) -> Any:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        size = size or self.arraysize
        rows, self._ahead = self._ahead[:size], self._ahead[size:]
        return rows if rows or self.whole else super().fetchmany(size)

    def fetchall(self) -> list[Any]:
        rows, self._ahead = self._ahead, []
        return rows if self.whole else rows + super().fetchall()


class _File(sqlite3.Connection):
    """Its cursors are ours."""

    def cursor(self, *_: Any) -> Any:
        return super().cursor(_Cursor)


class Connection(aiosqlite.Connection):
    """Overrides what hands work to the library's thread; a test holds the two together."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], *, reads: bool) -> None:
        super().__init__(connector, iter_chunk_size=AHEAD)
        self._thread.daemon = True  # as SQLAlchemy has it: a connection that is lost keeps no process alive
        self._reads = reads
        self.handed = 0  #: pieces of work that the thread was given
        self._done = 0  # of these; counted by the thread alone, the others by the loop alone

    async def _connect(self) -> aiosqlite.Connection:
        """The library stops its thread when it cannot open the file, but does not wait for its end: a program that ends
        by then shows that thread's traceback in the place of our own words."""
        try:
            return await super()._connect()
        except BaseException:
            self._thread.join()
            raise

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Whoever asked before may have been cancelled, and the thread goes on: then it alone has the connection.
        if self._done == self.handed and self._is_quick(fn, args):
            return fn(*args, **kwargs)

        def work() -> Any:
            try:
                return fn(*args, **kwargs)
            finally:
                self._done += 1

        self.handed += 1
        return await super()._execute(work)  # type: ignore[no-untyped-call]

    def _is_quick(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        """Does it surely wait for nothing? A plain BEGIN touches no file yet (sqlite.org/lang_transaction.html, 2.2),
        and the end of a transaction that has only read gives a lock back."""
        name, of = getattr(fn, "__name__", ""), getattr(fn, "__self__", None)
        if isinstance(of, _Cursor):
            begins = name == "execute" and args[0] == "BEGIN"
            return begins or name == "close" or (of.whole and name.startswith("fetch"))
        if isinstance(of, _File):
            ends = name in ("commit", "rollback") and (self._reads or not of.in_transaction)
            return ends or name == "cursor"
        return False


def opened(database: str, *, reads: bool, **options: Any) -> Connection:
    """A connection to the file, as SQLAlchemy asks for one. `reads`: it can do nothing else."""
    # Two threads work at it, but never at one time.
    options |= {"check_same_thread": False, "factory": _File}
    return Connection(lambda: sqlite3.connect(database, **options), reads=reads)
