"""What SQLAlchemy has compiled for one desk serves the next one: every test makes engines anew, a statement of ours
takes milliseconds to compile, and on a letter's way there are some seventy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

#: More than all tests say; a statement that is different each time shall not fill the memory.
MOST = 5000


class Compiled(dict[Any, Any]):
    """SQLAlchemy's own is of one engine, by the dialect as an object; here dialects that say the same are the same."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_alike(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        if len(self) >= MOST:
            self.clear()
        super().__setitem__(_alike(key), value)


def _alike(key: Any) -> Any:
    dialect, *rest = key
    return (type(dialect), dialect.server_version_info, *rest)


@contextmanager
def compiled_once() -> Iterator[Compiled]:
    compiled = Compiled()

    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    event.listen(Engine, "engine_connect", share)
    try:
        yield compiled
    finally:
        event.remove(Engine, "engine_connect", share)
