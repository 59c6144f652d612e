"""A mail server of our own on loopback, which keeps what it takes. The only module that knows aiosmtpd.

What becomes of a letter depends on the recipient: on the whole local part, else on the first label of the domain
(`unknown@mission.example` or `anybody@unknown.example`):

    busy-once   451 at the first RCPT, as greylisting does it, then accepted
    busy        451 at every RCPT
    full        452 at RCPT, the mailbox is full
    unknown     550 at RCPT, no such mailbox
    blocked     550 at RCPT, by policy
    gone        the connection is reset at RCPT
    unwanted    554 after the dot; the letter is not taken
    silent      takes the letter at the dot and never answers
    drop        takes the letter at the dot and resets the connection
    odd         takes the letter at the dot and answers what nobody has heard of
    other       accepted
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.policy import compat32
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from .guard import loopback_only
from .ledger import Entry, Ledger, write_durably

HOST = "127.0.0.1"
HANG, RESET = "hang", "reset"
NAME = "sink.localhost"
_UNSAFE = re.compile(r"[^A-Za-z0-9@._+-]")


@dataclass(frozen=True, slots=True)
class Script:
    """How the server treats letters to a recipient. A reply is said as it stands; HANG and RESET say nothing."""

    rcpt: str = ""  #: said at RCPT instead of accepting it
    once: bool = False  #: only at the first RCPT of this address
    takes: bool = True  #: at the dot
    dot: str = ""  #: said after the dot instead of accepting


SCRIPTS: dict[str, Script] = {
    "busy-once": Script("451 4.7.1 Greylisted, please try again", once=True),
    "busy": Script("451 4.7.1 Greylisted, please try again"),
    "full": Script("452 4.2.2 The mailbox is full"),
    "unknown": Script("550 5.1.1 No such mailbox"),
    "blocked": Script("550 5.7.1 Refused by policy"),
    "gone": Script(RESET),
    "unwanted": Script(takes=False, dot="554 5.6.0 The content is not wanted here"),
    "silent": Script(dot=HANG),
    "drop": Script(dot=RESET),
    "odd": Script(dot="399 Perhaps"),
}
FRIENDLY = Script()


def script_for(address: str) -> Script:
    local, _, domain = address.lower().rpartition("@")
    return SCRIPTS.get(local) or SCRIPTS.get(domain.partition(".")[0]) or FRIENDLY


class _Session(SMTP):
    """An SMTP connection that its server can cut."""

    def __init__(self, sink: Sink) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(sink, hostname=NAME, ident="ESMTP", enable_SMTPUTF8=True, loop=loop, timeout=3600)
        self._open = sink.open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(cast("asyncio.Transport", transport))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(cast("asyncio.Transport", self.transport))
        super().connection_lost(error)


class Sink:
    """The server. `async with` starts and stops it."""

    def __init__(self, ledger: Path, clock: Callable[[], datetime], *, port: int = 0) -> None:
        self.ledger = Ledger(ledger)
        self.outbox = ledger.parent / "outbox"  #: the letters as they came, <number>.<recipient>.eml
        self.port = port
        self.open: set[asyncio.Transport] = set()
        self._clock = clock
        self._server: asyncio.Server | None = None
        entries = self.ledger.entries()
        self._count = sum(entry["event"] == "taken" for entry in entries)
        self._turned_away = {entry["rcpt"] for entry in entries if entry["event"] == "turned_away"}

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Session(self), HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            for transport in list(self.open):
                transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def taken(self) -> list[Entry]:
        """The letters in its ledger, in the order in which they were taken."""
        return [entry for entry in self.ledger.entries() if entry["event"] == "taken"]

    async def handle_RCPT(  # noqa: N802  # the name that aiosmtpd calls
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        script = script_for(address)
        if script.rcpt and not (script.once and address in self._turned_away):
            self._turned_away.add(address)
            self.ledger.append(event="turned_away", rcpt=address, reply=script.rcpt)
            return await _say(server, script.rcpt)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802  # the name that aiosmtpd calls
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        names = [self._keep(envelope, rcpt) for rcpt in envelope.rcpt_tos if script_for(rcpt).takes]
        odd = next((script.dot for script in map(script_for, envelope.rcpt_tos) if script.dot), "")
        return await _say(server, odd or f"250 2.0.0 Ok: queued as {names[0]}")

    def _keep(self, envelope: Envelope, rcpt: str) -> str:
        """The letter in the outbox, then its line in the ledger, both on the disk. Returns its name."""
        message = cast("bytes", envelope.content)  # not a str: the server does not decode
        self._count += 1
        name = f"{self._count:06d}"
        file = self.outbox / f"{name}.{_UNSAFE.sub('_', rcpt)}.eml"
        beside = self.outbox / f".{name}.part"
        write_durably(beside, message)
        os.replace(beside, file)  # a folder that is looked at shows whole letters only
        self.ledger.append(event="taken", id=name, file=file.name, **_facts(envelope, rcpt, message, self._clock()))
        return name


def _facts(envelope: Envelope, rcpt: str, message: bytes, now: datetime) -> dict[str, Any]:
    headers = BytesHeaderParser(policy=compat32).parsebytes(message)
    return {
        "message_id": str(headers.get("Message-ID", "")).strip(),
        "rcpt": rcpt,
        "sender": envelope.mail_from,
        "sha256": hashlib.sha256(message).hexdigest(),
        "bytes": len(message),
        "taken_at": now.isoformat(),
    }


async def _say(server: SMTP, reply: str) -> str:
    """The reply, or the lack of one: then it waits until the connection's end cancels it."""
    if reply == RESET:
        cast("asyncio.Transport", server.transport).abort()
    if reply in (HANG, RESET):
        await asyncio.get_running_loop().create_future()
    return reply


async def serve(sink: Sink) -> None:
    """Run until SIGINT or SIGTERM; says on standard output where it listens."""
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with sink:
        sys.stdout.write(f"{HOST}:{sink.port}\n")
        sys.stdout.flush()
        await over.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A mail server on loopback, to rehearse with.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; the address is printed")
    parser.add_argument("--ledger", type=Path, required=True, help="JSON lines; the letters are kept beside it")
    given = parser.parse_args()
    with loopback_only():
        asyncio.run(serve(Sink(given.ledger, lambda: datetime.now(UTC), port=given.port)))


if __name__ == "__main__":
    main()
