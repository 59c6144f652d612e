"""A scripted SMTP server on loopback that misbehaves exactly as told, and keeps a ledger of what it truly accepted.

    async with Rogue({"rcpt": say("550 5.1.1 no such user"), "dot": accept_then(DROP)}) as rogue:
        channel = SmtpChannel([rogue.relay()])

Steps of a script: connect, ehlo, starttls, auth, mail, rcpt, data, body, dot. A step's value is one Act for every time,
or a list of which each time takes one (None: behave), after which the server behaves.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from dispatcher.channels.relay import Relay


@dataclass(frozen=True, slots=True)
class Act:
    """What the server does at a step instead of behaving."""

    say: tuple[bytes, ...] = ()  #: raw segments, sent one after the other
    then: str = "go_on"  #: go_on, drop (FIN), reset (RST), stall (read on, say nothing), freeze (do not even read);
    #: or wait: until the server's door is opened, then behave
    accepts: bool = False  #: at the dot: the letter is in the ledger
    when: bytes = b""  #: in the body: at the first line that begins so


DROP, RESET, STALL, FREEZE, WAIT = (Act(then=word) for word in ("drop", "reset", "stall", "freeze", "wait"))


def say(*lines: str, then: str = "go_on") -> Act:
    """One segment with these reply lines."""
    return Act((b"".join(line.encode("utf-8", "surrogateescape") + b"\r\n" for line in lines),), then)


def raw(*segments: bytes, then: str = "go_on") -> Act:
    """Exactly these bytes, segment by segment."""
    return Act(segments, then)


def accept_then(act: Act) -> Act:
    """At the dot: take the letter, then do `act`."""
    return replace(act, accepts=True)


def at(line: bytes, act: Act) -> Act:
    """In the body: `act` at the first line that begins with `line`."""
    return replace(act, when=line)


Script = Mapping[str, "Act | Sequence[Act | None]"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter that the server has answered for."""

    sender: str
    recipient: str
    message: bytes  #: without dot-stuffing
    connection: int
    options: str  #: all of MAIL's and RCPT's parameters


@dataclass(slots=True)
class Rogue:
    """The server. `users` turns AUTH on; `tls`: with `implicit` from the start, else by STARTTLS."""

    script: Script = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    offers_starttls: bool = True
    users: Mapping[str, str] = field(default_factory=dict)
    extensions: Sequence[str] = ("8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "SIZE 30000000")
    ledger: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    clear: bytearray = field(default_factory=bytearray)  #: every command byte that came without TLS
    receive_buffer: int = 0  #: bytes that the kernel takes in for it while it does not read; 0: as usual
    dots: int = 0  #: final dots that came in
    unfinished: list[bytes] = field(default_factory=list)  #: bodies that broke off before their dot
    connections: int = 0
    open_now: int = 0
    open_most: int = 0
    port: int = 0
    acted: asyncio.Event = field(default_factory=asyncio.Event)  #: something out of order has been done
    door: asyncio.Event = field(default_factory=asyncio.Event)  #: whoever waits goes on when it is set
    standing: int = 0  #: so many wait before it
    _turns: dict[str, int] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _sessions: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        context = self.tls if self.implicit else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context, limit=2**22)
        listening = self._server.sockets[0]
        self.port = listening.getsockname()[1]
        if self.receive_buffer:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task, writer in list(self._sessions.items()):
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._server.wait_closed()

    def relay(self, name: str = "rogue", **changes: Any) -> Relay:
        """How to reach this server, with short time-outs."""
        security = "none" if self.tls is None else "tls" if self.implicit else "starttls"
        usual: dict[str, Any] = {
            "security": security,
            "timeout_connect": 0.5 if self.tls is None else 5.0,
            "timeout_reply": 0.5,
            "timeout_dot": 0.5,
            "hello": "client.example",
        }
        return Relay(name, changes.pop("host", "127.0.0.1"), self.port, **(usual | changes))

    def shout(self, text: bytes) -> None:
        """Says something out of turn on every open connection."""
        for writer in self._sessions.values():
            writer.write(text)

    def cut(self, *, reset: bool = False) -> None:
        """Closes every open connection."""
        for writer in self._sessions.values():
            _reset(writer) if reset else writer.close()

    def next_act(self, step: str) -> Act | None:
        acts = self.script.get(step)
        if acts is None or isinstance(acts, Act):
            return acts
        turn = self._turns.get(step, 0)
        self._turns[step] = turn + 1
        return acts[turn] if turn < len(acts) else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions[task] = writer
        self.connections += 1
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        try:
            with contextlib.suppress(_Gone, OSError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
                await _Session(self, reader, writer, self.connections, self.implicit).run()
        finally:
            self.open_now -= 1
            del self._sessions[task]
            writer.close()


class _Gone(Exception):
    """The session is over."""


@dataclass(slots=True)
class _Session:
    rogue: Rogue
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    secret: bool
    sender: str = ""
    recipient: str = ""
    options: str = ""

    async def run(self) -> None:
        await self._answer("connect", "220 rogue.example ESMTP")
        while True:
            line = await self._line()
            self.rogue.commands.append(line)
            verb, _, rest = line.partition(" ")
            handler = getattr(self, f"_{verb.lower()}", None)
            await (handler(rest) if handler else self._say("500 5.5.1 what"))

    async def _line(self) -> str:
        line = await self.reader.readline()
        if not self.secret:
            self.rogue.clear += line
        if not line.endswith(b"\n"):
            raise _Gone
        return line.decode("utf-8", "backslashreplace").strip()

    async def _say(self, *lines: str) -> None:
        self.writer.write("".join(line + "\r\n" for line in lines).encode())
        await self.writer.drain()

    async def _answer(self, step: str, *usual: str) -> bool:
        """Acts as scripted, or says the usual. True when it behaved."""
        act = self.rogue.next_act(step)
        if act is not None and act.then == "wait":
            await self._act(act)
            act = None
        if act is None:
            await self._say(*usual)
            return True
        await self._act(act)
        return False

    async def _act(self, act: Act) -> None:
        for segment in act.say:
            self.writer.write(segment)
            await self.writer.drain()
            await asyncio.sleep(0.005 if len(act.say) > 1 else 0)
        if act.then in ("drop", "reset"):
            self.writer.close() if act.then == "drop" else _reset(self.writer)
        self.rogue.acted.set()
        await getattr(self, f"_then_{act.then}")()

    async def _then_go_on(self) -> None:
        pass

    async def _then_drop(self) -> None:
        raise _Gone

    async def _then_reset(self) -> None:
        raise _Gone

    async def _then_wait(self) -> None:
        self.rogue.standing += 1
        await self.rogue.door.wait()
        self.rogue.standing -= 1

    async def _then_stall(self) -> None:
        while await self.reader.read(65536):
            pass
        raise _Gone

    async def _then_freeze(self) -> None:
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async def _ehlo(self, _: str) -> None:
        lines = ["rogue.example", *self.rogue.extensions]
        if self.rogue.tls and not self.secret and self.rogue.offers_starttls:
            lines.append("STARTTLS")
        if self.rogue.users:
            lines.append("AUTH PLAIN LOGIN")
        await self._answer("ehlo", *[f"250-{line}" for line in lines[:-1]], f"250 {lines[-1]}")

    async def _starttls(self, _: str) -> None:
        if await self._answer("starttls", "220 2.0.0 go"):
            assert self.rogue.tls is not None
            await self.writer.start_tls(self.rogue.tls)
            self.secret = True

    async def _auth(self, rest: str) -> None:
        _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        good = self.rogue.users.get(user) == password
        await self._answer("auth", "235 2.7.0 welcome" if good else "535 5.7.8 wrong user or password")

    async def _mail(self, rest: str) -> None:
        path, _, self.options = rest.partition(" ")
        self.sender = path.removeprefix("FROM:").strip("<>")
        await self._answer("mail", "250 2.1.0 ok")

    async def _rcpt(self, rest: str) -> None:
        path, _, options = rest.partition(" ")
        self.options = f"{self.options} {options}".strip()
        self.recipient = path.removeprefix("TO:").strip("<>")
        await self._answer("rcpt", "250 2.1.5 ok")

    async def _data(self, _: str) -> None:
        act = self.rogue.next_act("data")
        if act is not None:
            await self._act(act)
            if not act.say or not act.say[-1].startswith(b"354"):
                return
        else:
            await self._say("354 go on")
        await self._dot(await self._body())

    async def _body(self) -> bytes:
        act, lines = self.rogue.next_act("body"), []
        try:
            while (line := await self.reader.readline()) != b".\r\n":
                lines.append(line.removeprefix(b"."))
                if not line.endswith(b"\n"):
                    raise _Gone
                if act is not None and line.startswith(act.when):
                    await self._act(act)
                    act = None
        except (_Gone, OSError):
            self.rogue.unfinished.append(b"".join(lines))
            raise
        return b"".join(lines)

    async def _dot(self, message: bytes) -> None:
        self.rogue.dots += 1
        act = self.rogue.next_act("dot")
        if act is None or act.accepts:
            self.rogue.ledger.append(Taken(self.sender, self.recipient, message, self.number, self.options))
        name = f"R{len(self.rogue.ledger):04}"
        await (self._act(act) if act else self._say(f"250 2.0.0 Ok: queued as {name}"))

    async def _rset(self, _: str) -> None:
        await self._say("250 2.0.0 ok")

    async def _quit(self, _: str) -> None:
        await self._say("221 2.0.0 bye")
        raise _Gone


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
