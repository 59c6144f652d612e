"""Stands between our channel and hfaxd: for one number it takes the answer to JSUBM away, and breaks the connection.

So our worker is left where a crash between the submission and its record would leave it: only the server knows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Deaf:
    """What it did: how often an answer was taken away."""

    server: int
    number: str
    taken_away: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self.server)
        back = asyncio.create_task(_copy(theirs, writer))
        self._tasks.add(back)
        back.add_done_callback(self._tasks.discard)
        marked = False
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while line := await reader.readline():
                    marked = marked or (b"DIALSTRING" in line and self.number.encode() in line)
                    ours.write(line)
                    await ours.drain()
                    if marked and line.startswith(b"JSUBM"):
                        back.cancel()
                        await asyncio.wait([back])
                        await theirs.readuntil(b"\r\n")
                        self.taken_away += 1
                        break
        finally:
            back.cancel()
            for one in (ours, writer):
                one.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def deaf_for(server: int, number: str) -> AsyncIterator[tuple[Deaf, int]]:
    """One that is deaf for this number, and the port to speak to."""
    made = Deaf(server, number)
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with listening:
        yield made, listening.sockets[0].getsockname()[1]
