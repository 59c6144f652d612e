"""A network link to a PostgreSQL server, on loopback, that breaks at a COMMIT: before it comes, or its answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sqlalchemy import make_url

#: Says of a statement whose transaction it is, or ''.
Label = Callable[[str], str]


@dataclass(slots=True)
class Link:
    """`breaks` is (whose transaction's COMMIT, 'before' or 'after' the server has done it, how often)."""

    url: str
    label: Label
    breaks: tuple[str, str, int] = ("", "", 0)
    broken: int = 0
    _server: Any = None
    _sessions: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._sessions:
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def through(self) -> str:
        """The database's address by way of this link."""
        port = self._server.sockets[0].getsockname()[1]
        query = {"sslmode": "disable", "gssencmode": "disable"}
        url = make_url(self.url).set(host="127.0.0.1", port=port, query=query)
        return url.render_as_string(hide_password=False)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        socket = Path(str(make_url(self.url).query["host"])) / ".s.PGSQL.5432"
        back, forth = await asyncio.open_unix_connection(str(socket))
        answers = asyncio.create_task(_pump(back, writer))
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                if unheard := await self._pass_on(reader, forth):
                    answers.cancel()
                    await asyncio.gather(answers, return_exceptions=True)
                    forth.write(unheard)
                    await back.read(1)  # the server has done it, and nobody hears of it
        finally:
            answers.cancel()
            writer.transport.abort()
            forth.close()
            self._sessions.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, forth: asyncio.StreamWriter) -> bytes:
        """What the client says goes to the server, until the link breaks; what the server is still to do then."""
        name = ""
        while said := await reader.read(65536):
            name = self._name(said) or name
            if b"COMMIT" in said:
                if self._breaks(name, "before"):
                    return b""
                if self._breaks(name, "after"):
                    return said
                name = ""
            forth.write(said)
            await forth.drain()
        return b""

    def _name(self, said: bytes) -> str:
        """Whose transaction it is, by the statements in what was said."""
        texts = said.decode("latin-1").split("\0")
        return next((name for text in texts if (name := self.label(text.lstrip()))), "")

    def _breaks(self, name: str, side: str) -> bool:
        if (name, side) != self.breaks[:2] or self.broken >= self.breaks[2]:
            return False
        self.broken += 1
        return True


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while said := await reader.read(65536):
            writer.write(said)
            await writer.drain()
