"""Opens a SQLite file so that one which cannot be opened leaves no thread behind."""

from __future__ import annotations

import sqlite3
from typing import Any

import aiosqlite


class _Opening(aiosqlite.Connection):
    """The library's own connection stops its thread when it cannot open the file, but does not wait for its end: a
    program that ends by then shows that thread's traceback in the place of our own words."""

    async def _connect(self) -> aiosqlite.Connection:
        try:
            return await super()._connect()
        except BaseException:
            self._thread.join()
            raise


def opened(database: str, **options: Any) -> aiosqlite.Connection:
    """A connection to the file, as SQLAlchemy asks for one."""
    connection = _Opening(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy has it: a connection that is lost keeps no process alive
    return connection
