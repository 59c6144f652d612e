"""One conversation with a HylaFAX server, command by command: the FTP dialect of hfaxd(8) on port 4559. It knows how to
ask and how to read the answers; what they mean for a letter is `hylafax.py`'s affair.

Written against hfaxd(8), sendq(5) and faxstat(1) of HylaFAX 6.0.7 (Debian 12), and checked against that hfaxd.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from dispatcher.domain.errors import Problem, SettingsError

#: Bytes of one reply, and of one listing or log; more is no hfaxd.
REPLY_LIMIT, DATA_LIMIT = 256 * 1024, 8 * 1024 * 1024
_CODE = re.compile(r"(\d{3})([ -]|$)(.*)", re.DOTALL)
_PASSIVE = re.compile(r"\(\d+,\d+,\d+,\d+,(\d+),(\d+)\)|\(\|\|\|(\d+)\|\)")
#: What may stand between the quotes of a parameter. hfaxd takes a backslash there for itself.
_PLAIN = re.compile(r'[^"\\\x00-\x1f\x7f]*')
_MINUTE = "%Y%m%d%H%M"


class Broken(Exception):
    """The conversation cannot go on: no connection, cut off, silent past its time, or not speaking the protocol."""


class Refused(Exception):
    """The server said no to a command: a reply of 4xx or 5xx."""

    def __init__(self, verb: str, reply: Reply) -> None:
        super().__init__(f"{verb}: {reply}")
        self.verb = verb  #: of the command; for JPARM with the parameter's name
        self.code = reply.code


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said to one command."""

    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.code} {' / '.join(self.lines)}"

    @property
    def text(self) -> str:
        return self.lines[-1]


@dataclass(frozen=True, slots=True)
class Server:
    """Where a HylaFAX server is, and how to sign in there. The protocol knows no encryption.

    Raises SettingsError for a name or a password that cannot be said in it.
    """

    host: str = "127.0.0.1"
    port: int = 4559
    user: str = "dispatcher"
    password: str = ""
    timeout: float = 60.0  #: seconds, for a connection and for each answer

    def __post_init__(self) -> None:
        if not _PLAIN.fullmatch(self.user) or any(not char.isprintable() for char in self.password):
            cause = "user or password holds what cannot stand in one line of the protocol"
            raise SettingsError(Problem("fax.hylafax", cause, "Give the server another password for us", "E_CONF"))


class _Ear(asyncio.Protocol):
    """Keeps what comes in, so that it can be seen whether the server spoke or hung up although it is our turn."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.closed = False
        self._news = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self._news.set()

    def eof_received(self) -> None:
        self.closed = True
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._news.set()

    async def line(self) -> bytes:
        """Up to CR LF: a status text may hold bare newlines, so that these end no line. Raises Broken."""
        while (end := self.heard.find(b"\r\n")) < 0:
            if self.closed:
                raise Broken("the server hung up")
            if len(self.heard) > REPLY_LIMIT:
                raise Broken("the server's answer does not end")
            self._news.clear()
            await self._news.wait()
        line = bytes(self.heard[:end])
        del self.heard[: end + 2]
        return line


class Conversation:
    """A connection that has signed in. Of its own accord it does nothing; see `open_conversation`."""

    def __init__(self, server: Server, transport: asyncio.Transport, ear: _Ear) -> None:
        self._server, self._transport, self._ear = server, transport, ear
        self.greeting = ""  #: '220 host server (HylaFAX (tm) Version 6.0.7) ready.'

    # -- commands and answers

    async def command(self, text: str) -> Reply:
        """One command and its answer, whatever it is. Raises Broken."""
        self._write(text)
        return await self.answer()

    async def ask(self, text: str, verb: str = "") -> Reply:
        """One command whose answer is yes. Raises Broken, Refused."""
        reply = await self.command(text)
        if reply.code >= 400:
            raise Refused(verb or text.partition(" ")[0], reply)
        return reply

    async def answer(self) -> Reply:
        """The next answer; one of several lines goes on until its code stands before a blank again. Raises Broken."""
        try:
            async with asyncio.timeout(self._server.timeout):
                return await self._answer()
        except TimeoutError:
            raise Broken(f"no answer within {self._server.timeout:g} s") from None

    async def _answer(self) -> Reply:
        first = await self._line()
        match = _CODE.match(first)
        if match is None:
            raise Broken(f"not an answer of hfaxd: {first[:80]}")
        code, lines = match[1], [match[3]]
        while match[2] == "-" and not lines[-1].startswith(f"{code} "):
            lines.append(await self._line())
            if len(lines) > 1000:
                raise Broken("the server's answer does not end")
        if len(lines) > 1:
            lines[-1] = lines[-1][4:]
        return Reply(int(code), tuple(line.strip() for line in lines))

    async def _line(self) -> str:
        """hfaxd puts a backslash before a newline within a text."""
        return (await self._ear.line()).decode("utf-8", "backslashreplace").replace("\\\n", " ").replace("\n", " ")

    @property
    def spoke(self) -> bool:
        """Did the server say something, or hang up, although it is our turn?"""
        return self._ear.closed or bool(self._ear.heard) or self._transport.is_closing()

    def _write(self, text: str) -> None:
        if self._ear.closed or self._transport.is_closing():
            raise Broken("the server hung up")
        self._transport.write(text.encode("utf-8") + b"\r\n")

    # -- signing in and parting

    async def sign_in(self) -> None:
        """Raises Broken, Refused."""
        greeting = await self.answer()
        if greeting.code != 220:
            raise Refused("CONNECT", greeting) if greeting.code >= 400 else Broken(f"not a greeting: {greeting}")
        self.greeting = str(greeting)
        reply = await self.ask(f"USER {self._server.user}")
        if reply.code == 331:
            await self.ask(f"PASS {self._server.password}")
        await self.ask("TZONE GMT")
        await self.ask("TYPE I")

    def part(self) -> None:
        """Says QUIT and hangs up without waiting."""
        if not self.spoke:
            self._transport.write(b"QUIT\r\n")
        self._transport.close()

    def abort(self) -> None:
        """Drops the connection with RST, so that nothing more leaves: not our buffers, not the kernel's."""
        if self._transport.is_closing():
            return  # parted already
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    # -- documents and listings, each over a connection of its own

    async def store(self, document: bytes) -> str:
        """Put a document there until this conversation ends; the server's name for it. Raises Broken, Refused."""
        async with self._aside() as (_, writer):
            reply = await self.ask("STOT")
            name = re.search(r"FILE: (\S+)", reply.text)
            if name is None:
                raise Broken(f"no name for the document: {reply}")
            writer.write(document)
            await writer.drain()
        await self._arrived("STOT")
        return name[1]

    async def listing(self, folder: str) -> list[str]:
        """The lines of LIST, in the form that was set by JOBFMT or MDMFMT. Raises Broken, Refused."""
        return [line for line in (await self._fetch(f"LIST {folder}")).split("\r\n") if line]

    async def read_file(self, path: str) -> str:
        """A file of the spool, such as a session's log. A refusal spoils this conversation for more of its kind."""
        return await self._fetch(f"RETR {path}")

    async def _fetch(self, command: str) -> str:
        async with self._aside() as (reader, _):
            await self.ask(command)
            data = b""
            while chunk := await reader.read(65536):
                data += chunk
                if len(data) > DATA_LIMIT:
                    raise Broken(f"{command} does not end")
        await self._arrived(command)
        return data.decode("utf-8", "backslashreplace")

    async def _arrived(self, command: str) -> None:
        reply = await self.answer()
        if reply.code >= 400:
            raise Refused(command.partition(" ")[0], reply)

    @asynccontextmanager
    async def _aside(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A data connection to the host that we speak to already, whatever address the reply names."""
        host = self._transport.get_extra_info("peername")[0]
        reply = await self.ask("EPSV" if ":" in host else "PASV")
        match = _PASSIVE.search(reply.text)
        if match is None:
            raise Broken(f"no data connection: {reply}")
        port = int(match[3]) if match[3] else int(match[1]) * 256 + int(match[2])
        try:
            async with asyncio.timeout(self._server.timeout):
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    yield reader, writer
                    writer.close()
                    await writer.wait_closed()
                finally:
                    writer.transport.abort()
        except TimeoutError:
            raise Broken(f"no transfer within {self._server.timeout:g} s") from None
        except OSError as error:
            raise Broken(f"data connection: {error}") from error

    async def size(self, name: str) -> int:
        """Bytes of a document. Raises Broken, Refused."""
        return _number(await self.ask(f"SIZE {name}"))

    async def written(self, name: str) -> datetime:
        """When a document was written, by the server's clock. Raises Broken, Refused."""
        text = (await self.ask(f"MDTM {name}")).text
        try:
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise Broken(f"not a time: {text}") from None

    # -- jobs

    async def new_job(self) -> str:
        """Begin a job; it is gone with this conversation unless it is submitted. Its number."""
        reply = await self.ask("JNEW")
        match = re.search(r"jobid: (\d+)", reply.text)
        if match is None:
            raise Broken(f"no number for the job: {reply}")
        return match[1]

    async def set(self, name: str, value: str | int) -> None:
        """Set a parameter of the current job. Raises Broken, Refused, ValueError for what cannot be quoted."""
        if isinstance(value, str) and not _PLAIN.fullmatch(value):
            raise ValueError(f"{name} cannot be {value!r}")
        # hfaxd takes a name, a number and a word bare; a document's name is none of what it takes in quotes.
        bare = isinstance(value, int) or name == "DOCUMENT" or value.isalnum()
        await self.ask(f"JPARM {name} {value}" if bare else f'JPARM {name} "{value}"', f"JPARM {name}")

    async def get(self, name: str) -> str:
        """A parameter of the current job; '' where this release knows none of that name. Raises Broken, Refused."""
        reply = await self.command(f"JPARM {name}")
        if reply.code == 500 and "not recognized" in reply.text:
            return ""
        if reply.code >= 400:
            raise Refused(f"JPARM {name}", reply)
        return reply.text

    async def choose(self, job: str) -> None:
        """Make a job the current one. Raises Broken; Refused where there is none of that number."""
        await self.ask(f"JOB {job}")

    def submit(self, job: str) -> None:
        """The point of no return; `answer` says whether it was taken. Raises Broken where surely nothing left."""
        self._write(f"JSUBM {job}")

    async def kill(self, job: str) -> None:
        """Stop a job that was submitted, even in the middle of a call. Raises Broken, Refused."""
        await self.ask(f"JKILL {job}")


def minute(instant: datetime) -> str:
    """As SENDTIME takes it: YYYYMMDDhhmm, in GMT."""
    return instant.astimezone(UTC).strftime(_MINUTE)


def span(minutes: int) -> str:
    """As LASTTIME takes it: ddhhmm."""
    return f"{minutes // 1440:02}{minutes // 60 % 24:02}{minutes % 60:02}"


def _number(reply: Reply) -> int:
    if not reply.text.isdecimal():
        raise Broken(f"not a number: {reply}")
    return int(reply.text)


@asynccontextmanager
async def open_conversation(server: Server) -> AsyncIterator[Conversation]:
    """A conversation that has signed in; it is dropped at the end unless it was parted from. Raises Broken, Refused."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(server.timeout):
            made = await loop.create_connection(_Ear, server.host, server.port)
    except TimeoutError:
        raise Broken(f"no connection within {server.timeout:g} s") from None
    except OSError as error:
        raise Broken(str(error) or type(error).__name__) from error
    conversation = Conversation(server, made[0], made[1])
    try:
        await conversation.sign_in()
        yield conversation
    finally:
        conversation.abort()
