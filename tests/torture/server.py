"""A mail server that misbehaves at random, by a seed, and writes down what it took, on the disk, before it answers.

Its ledger is the truth of a torture run. It takes a letter only after the final dot, as RFC 5321 section 4.2.5 has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import signal
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dispatcher.rehearsal.guard import loopback_only
from dispatcher.rehearsal.ledger import Ledger

#: Longest pause before an answer, in seconds; each is drawn anew.
SLOWEST = 0.03
#: Longer than the workers' time-out after the dot.
TOO_LATE = 1.6

#: What happens at each step, by weight. 'go' is to behave; every other word is a method of _Session.
STEPS: Mapping[str, Mapping[str, float]] = {
    "connect": {"go": 98, "busy": 1, "drop": 1},
    "mail": {"go": 97, "busy": 2, "drop": 1},
    "rcpt": {"go": 96.5, "busy": 2, "drop": 1, "refuse": 0.5},
    "data": {"go": 97, "busy": 1, "drop": 1, "reset": 1},
    "body": {"go": 97, "drop": 1, "reset": 1, "refuse": 1},
    "dot": {
        "take": 80,
        "take_and_drop": 4,
        "take_and_reset": 2,
        "take_and_stall": 2,
        "take_and_garble": 1,
        "take_too_late": 2,
        "busy": 4,
        "refuse": 1,
        "drop": 2,
        "reset": 1,
        "stall": 1,
    },
}
_MESSAGE_ID = re.compile(rb"^Message-ID: (<[^>\r\n]+>)", re.MULTILINE | re.IGNORECASE)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, on, no seconds


class _Over(Exception):
    """The session is over."""


@dataclass(slots=True)
class _Session:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ledger: Ledger
    dice: random.Random
    _answers: Mapping[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        await self._step("connect", "220 torture.example ESMTP")
        while True:
            line = (await self._line()).decode("ascii", "replace").strip()
            match line.upper().split(" ")[0].split(":")[0]:
                case "EHLO":
                    await self._say("250-torture.example\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME")
                case "MAIL":
                    await self._step("mail", "250 2.1.0 ok")
                case "RCPT":
                    await self._step("rcpt", "250 2.1.5 ok")
                case "DATA":
                    await self._data()
                case "QUIT":
                    await self._say("221 2.0.0 bye")
                    raise _Over
                case _:
                    await self._say("250 2.0.0 ok")

    async def _data(self) -> None:
        if await self._step("data", "354 go on"):
            message = await self._body()
            word = self._draw("dot")
            taken = word.startswith("take")
            if taken:
                [name] = _MESSAGE_ID.findall(message)[:1]
                self.ledger.append(message_id=name.decode(), answer=word)
            await self._pause()
            await getattr(self, f"_{word}")()

    async def _body(self) -> bytes:
        word, lines = self._draw("body"), []
        while (line := await self._line()) != b".\r\n":
            lines.append(line)
            if word != "go" and line.startswith(b"Subject:"):
                await getattr(self, f"_{word}")()
                word = "go"
        return b"".join(lines)

    async def _step(self, step: str, usual: str) -> bool:
        """Behave, or do what was drawn; True when it behaved."""
        word = self._draw(step)
        await self._pause()
        if word == "go":
            await self._say(usual)
            return True
        await getattr(self, f"_{word}")()
        if step == "connect":
            raise _Over
        return False

    def _draw(self, step: str) -> str:
        words = STEPS[step]
        return self.dice.choices(list(words), list(words.values()))[0]

    async def _pause(self) -> None:
        await asyncio.sleep(self.dice.uniform(0, SLOWEST))

    async def _line(self) -> bytes:
        line = await self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise _Over
        return line

    async def _say(self, text: str) -> None:
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def _busy(self) -> None:
        await self._say("450 4.3.2 come back later")

    async def _refuse(self) -> None:
        await self._say("550 5.7.1 not wanted")

    async def _drop(self) -> None:
        raise _Over

    async def _reset(self) -> None:
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.writer.transport.abort()
        raise _Over

    async def _stall(self) -> None:
        while await self.reader.read(4096):
            pass
        raise _Over

    async def _take(self) -> None:
        await self._say("250 2.0.0 Ok: queued")

    async def _take_and_garble(self) -> None:
        await self._say("399 perhaps")

    async def _take_too_late(self) -> None:
        await asyncio.sleep(TOO_LATE)
        await self._take()

    _take_and_drop, _take_and_reset, _take_and_stall = _drop, _reset, _stall


async def serve(listening: socket.socket, ledger: Path, seed: int) -> None:
    """Serve until SIGTERM."""
    dice, book = random.Random(seed), Ledger(ledger)
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(_Over, OSError):
            await _Session(reader, writer, book, dice).run()
        writer.close()

    server = await asyncio.start_server(session, sock=listening)
    await over.wait()
    server.close()


def main(listening: socket.socket, ledger: Path, seed: int) -> None:
    """The process of the mail server."""
    with loopback_only():
        asyncio.run(serve(listening, ledger, seed))
