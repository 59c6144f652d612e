"""A mail server that takes every letter, cheaply, after so many milliseconds a reply: `sink.py PORT-FILE LEDGER DELAY`.

It writes down what it took (Message-ID and second) when it is told to end: what it costs is not to be measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from pathlib import Path

_MESSAGE_ID = re.compile(rb"^Message-ID: (<[^>\r\n]+>)", re.MULTILINE | re.IGNORECASE)
_END = b"\r\n.\r\n"
_REPLIES = {
    b"EHLO": b"250-sink.example\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
_TAKEN: list[tuple[str, float]] = []
_DELAY = float(sys.argv[3]) / 1000 if __name__ == "__main__" else 0.0


class _Session(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.heard = b""
        self.in_data = False
        self._say(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.heard += data
        while self._step():
            pass

    def _step(self) -> bool:
        """Take one command, or one whole letter; False when there is none yet."""
        there, end, rest = self.heard.partition(_END if self.in_data else b"\r\n")
        if not end:
            return False
        self.heard = rest
        if self.in_data:
            self.in_data = False
            _TAKEN.append((_MESSAGE_ID.findall(there)[0].decode(), time.time()))
            self._say(b"250 2.0.0 taken\r\n")
        else:
            word = there[:4].upper()
            self.in_data = word == b"DATA"
            self._say(_REPLIES.get(word, b"250 2.0.0 ok\r\n"))
        return True

    def _say(self, reply: bytes) -> None:
        if _DELAY:
            asyncio.get_running_loop().call_later(_DELAY, self._write, reply)
        else:
            self._write(reply)

    def _write(self, reply: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(reply)
            if reply.startswith(b"221"):
                self.transport.close()


async def serve(port_file: Path, ledger: Path) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await loop.create_server(_Session, "127.0.0.1", 0)
    await asyncio.to_thread(port_file.write_text, str(server.sockets[0].getsockname()[1]))
    await over.wait()
    server.close()
    await asyncio.to_thread(ledger.write_text, json.dumps(_TAKEN))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
