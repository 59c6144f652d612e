"""A pooler over loopback, of our own: what PgBouncer does with pool_mode = transaction, and no more.

It speaks PostgreSQL's protocol 3.0 as far as that takes: it greets each client itself, forwards what the client says to
one of a few connections to the server, and takes that connection away again as soon as the server is idle and owes no
answer; the next transaction gets another one. Like PgBouncer it carries a client's application_name over, refuses start
options that it does not know, and undoes nothing of a session's state: whoever leaves some behind is found by
`left_behind`. It has no passwords, no TLS and no queue.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import make_url

_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
#: What PgBouncer knows of a client's start: anything else it refuses.
_KNOWN = {"user", "database", "client_encoding", "datestyle", "timezone", "application_name"}
#: Both of them are answered with one ReadyForQuery.
_ASKS = (b"Q", b"S")


def _message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """(kind, body) of the next message."""
    kind = await reader.readexactly(1)
    return kind, await _body(reader)


async def _body(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack("!i", await reader.readexactly(4))
    return await reader.readexactly(length - 4)


def _pairs(body: bytes) -> dict[str, str]:
    words = body.decode().split("\0")
    return dict(zip(words[::2], words[1::2], strict=False))


@dataclass(slots=True, eq=False)
class _Client:
    """Somebody who connected, and the connection that serves this transaction."""

    writer: asyncio.StreamWriter
    name: str
    server: _Server | None = None
    owed: int = 0  #: answers that it waits for
    speaking: bool = False  #: between a question's first message and the one that asks for its answer


@dataclass(slots=True, eq=False)
class _Server:
    """One connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeting: bytes = b""
    key: bytes = b""
    name: str = ""
    client: _Client | None = None
    rows: list[str] = field(default_factory=list)  #: the first column of what it answered to us ourselves
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, question: str) -> list[str]:
        """Ask it something ourselves, while it serves nobody."""
        self.rows, self.answered = [], asyncio.Event()
        self.writer.write(_message(b"Q", question.encode() + b"\0"))
        await self.answered.wait()
        return self.rows

    def hear(self, kind: bytes, body: bytes) -> None:
        """What it answers to us."""
        if kind == b"D":
            (length,) = struct.unpack("!i", body[2:6])
            self.rows.append(body[6 : 6 + length].decode())
        elif kind == b"E":
            self.rows.append(body.decode(errors="replace"))
        elif kind == b"Z":
            self.answered.set()


@dataclass(slots=True)
class Pooler:
    """Hands out its connections in turn, so that two transactions of one client never share one by chance."""

    database: str
    socket: str
    user: str
    free: asyncio.Queue[_Server] = field(default_factory=asyncio.Queue)
    transactions: int = 0  #: that were handed to a connection
    port: int = 0
    _greeting: bytes = b""
    _clients: dict[bytes, _Client] = field(default_factory=dict)  #: by the key that each was given
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{self.database}"

    # -- towards the server --------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """One more connection."""
        reader, writer = await asyncio.open_unix_connection(self.socket)
        start = struct.pack("!i", 196608) + f"user\0{self.user}\0database\0{self.database}\0\0".encode()
        writer.write(struct.pack("!i", len(start) + 4) + start)
        server = _Server(reader, writer)
        while (message := await _read(reader))[0] != b"Z":
            kind, body = message
            if kind == b"E":
                raise RuntimeError(body.decode(errors="replace"))
            if kind == b"S":
                server.greeting += _message(kind, body)
            if kind == b"K":
                server.key = body
        self._greeting = server.greeting
        self._start(self._listen(server))
        self.free.put_nowait(server)

    async def _listen(self, server: _Server) -> None:
        """What it says goes to whom it serves; when it owes nothing and is in no transaction, it is free."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, body = await _read(server.reader)
                client = server.client
                if client is None:
                    server.hear(kind, body)
                    continue
                client.writer.write(_message(kind, body))
                client.owed -= kind == b"Z"
                if kind == b"Z" and body == b"I" and not client.owed and not client.speaking:
                    client.server = server.client = None
                    self.free.put_nowait(server)
        if server.client is not None:
            server.client.writer.close()

    async def left_behind(self) -> list[str]:
        """What of a session's state is left on the connections, which all must be free."""
        found = []
        for _ in range(self.free.qsize()):
            server = self.free.get_nowait()
            found += await server.ask(_LEFT)
            self.free.put_nowait(server)
        return found

    # -- towards the clients -------------------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            client = await self._greet(reader, writer)
            if client is not None:
                await self._talk(client, reader)
        writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Client | None:
        while (code := struct.unpack("!i", (start := await _body(reader))[:4])[0]) in (_SSL, _GSS):
            writer.write(b"N")
        if code == _CANCEL:
            await self._cancel(start[4:])
            return None
        given = _pairs(start[4:])
        if unknown := set(given) - _KNOWN - {""}:
            text = f"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: {min(unknown)}\0\0"
            writer.write(_message(b"E", text.encode()))
            return None
        key = struct.pack("!ii", len(self._clients) + 1, 4711)
        client = self._clients[key] = _Client(writer, given.get("application_name", ""))
        welcome = _message(b"R", struct.pack("!i", 0)) + self._greeting
        writer.write(welcome + _message(b"K", key) + _message(b"Z", b"I"))
        return client

    async def _talk(self, client: _Client, reader: asyncio.StreamReader) -> None:
        try:
            while (said := await _read(reader))[0] != b"X":
                server = client.server or await self._attach(client)
                client.owed += said[0] in _ASKS
                client.speaking = said[0] not in _ASKS
                server.writer.write(_message(*said))
        finally:
            if client.server is not None:  # it left in the middle of a transaction, which ends with its connection
                client.server.client = None
                client.server.writer.close()
                self._start(self.connect())

    async def _attach(self, client: _Client) -> _Server:
        server = await self.free.get()
        self.transactions += 1
        if server.name != client.name:
            await server.ask(f"SET application_name = '{client.name}'")
            server.name = client.name
        client.server, server.client = server, client
        return server

    async def _cancel(self, key: bytes) -> None:
        """Of what the client is having done, the server is told by the key of the connection that does it."""
        client = self._clients.get(key)
        if client is not None and client.server is not None:
            _, writer = await asyncio.open_unix_connection(self.socket)
            writer.write(struct.pack("!ii", 16, _CANCEL) + client.server.key)
            await writer.drain()
            writer.close()

    # -- its own life --------------------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        while not self.free.empty():
            self.free.get_nowait().writer.close()
        await asyncio.gather(*self._tasks)


#: Prepared statements, cursors, advisory locks, channels, temporary tables, settings; but what a pooler itself sets.
_LEFT = """
SELECT 'statement ' || name FROM pg_prepared_statements
UNION ALL SELECT 'cursor ' || name FROM pg_cursors
UNION ALL SELECT 'lock ' || objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
UNION ALL SELECT 'channel ' || c FROM pg_listening_channels() c
UNION ALL SELECT 'table ' || relname FROM pg_class WHERE relpersistence = 't' AND relnamespace = pg_my_temp_schema()
UNION ALL SELECT 'setting ' || name FROM pg_settings
WHERE source = 'session' AND name !~ '^(application_name$|transaction_)'
"""


@asynccontextmanager
async def pooled(url: str, connections: int = 3) -> AsyncIterator[Pooler]:
    """A pooler with so many connections to the database at `url`, which must be one by socket and without password."""
    given = make_url(url)
    pooler = Pooler(str(given.database), f"{given.query['host']}/.s.PGSQL.{given.port or 5432}", str(given.username))
    for _ in range(connections):
        await pooler.connect()
    door = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    pooler.port = door.sockets[0].getsockname()[1]
    try:
        yield pooler
    finally:
        door.close()
        await door.wait_closed()
        await pooler.close()
