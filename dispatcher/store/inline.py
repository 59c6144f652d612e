"""A connection to a throw-away SQLite database that does its work where it is called, without a thread of its own.

A rehearsal asks some hundred thousand short questions, and handing each to a thread takes longer than answering it.
Nobody else may be served meanwhile, so it is for a process that does nothing else.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from typing import Any

import aiosqlite


class _AtOnce:
    """In the place of the queue to the thread: what is put there is done there."""

    def put_nowait(self, work: tuple[asyncio.Future[Any], Callable[[], Any]]) -> None:
        future, function = work
        future.set_result(function())


class InlineConnection(aiosqlite.Connection):
    """Overrides what hands work to the thread of the library's class; a test holds them together."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._tx = _AtOnce()  # type: ignore[assignment]

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    async def _connect(self) -> InlineConnection:
        self._connection = self._connector()
        return self

    def __await__(self) -> Generator[Any, None, InlineConnection]:
        return self._connect().__await__()

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def inline(database: str, **_options: Any) -> InlineConnection:
    """A connection to the file, as SQLAlchemy asks for one."""
    return InlineConnection(lambda: sqlite3.connect(database))
