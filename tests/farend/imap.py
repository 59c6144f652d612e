"""An IMAP server as far end, of the few commands that reading a folder needs; it notes every one that it was given."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class ImapServer:
    """One folder. `messages` by their UIDs; a test may change it, and `validity`, at any time."""

    messages: dict[int, bytes] = field(default_factory=dict)
    validity: int = 1
    commands: list[str] = field(default_factory=list)
    hangs_up_before: int = 0  #: of a fetched message with this UID
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        try:
            while line := await reader.readline():
                tag, _, command = line.decode().strip().partition(" ")
                self.commands.append(command)
                for piece in self._answer(command):
                    writer.write(piece)
                writer.write(f"{tag} OK done\r\n".encode())
                await writer.drain()
                if command == "LOGOUT":
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _answer(self, command: str) -> Iterable[bytes]:
        word = command.upper()
        if word.startswith("CAPABILITY"):
            yield b"* CAPABILITY IMAP4rev1\r\n"
        elif word.startswith("EXAMINE"):
            yield f"* {len(self.messages)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid\r\n".encode()
        elif found := re.match(r"UID SEARCH (?:CHARSET \S+ )?UID (\d+):\*", word):
            first = int(found[1])
            last = max(self.messages, default=0)
            uids = [uid for uid in self.messages if uid >= first or uid == last]
            yield f"* SEARCH {' '.join(map(str, sorted(uids)))}\r\n".encode()
        elif found := re.match(r"UID FETCH ([\d,:]+) \((.*)\)", word):
            yield from self._fetch(found[1], body="BODY.PEEK[]" in found[2])

    def _fetch(self, wanted: str, *, body: bool) -> Iterable[bytes]:
        for uid in _uids(wanted):
            raw = self.messages.get(uid)
            if raw is not None:
                if body and uid == self.hangs_up_before:
                    raise ConnectionError
                size = b"BODY[] {%d}\r\n%b" % (len(raw), raw) if body else b"RFC822.SIZE %d" % len(raw)
                yield b"* %d FETCH (UID %d %b)\r\n" % (uid, uid, size)


def _uids(wanted: str) -> Iterable[int]:
    for part in wanted.split(","):
        first, _, last = part.partition(":")
        yield from range(int(first), int(last or first) + 1)
