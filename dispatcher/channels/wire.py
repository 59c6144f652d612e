"""One open SMTP connection, byte by byte: the only module that touches private members of aiosmtplib and asyncio.

It holds the body and the final dot apart, which the library does not; a test fails when the pinned version changes
what is used here (papers: reliability, 2.5).
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import socket
import ssl
import struct
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

CHUNK = 65536
_SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes in the send queue that were never sent
#: What may stand in our own buffers before the next chunk of a body is written.
_BACKLOG = 4 * CHUNK


class Broken(Exception):
    """The connection cannot be used further: dropped, silent past its time, or not speaking SMTP."""


@dataclass(slots=True)
class Line:
    """A connection that has said hello. `letters` counts the letters that went over it."""

    client: aiosmtplib.SMTP
    protocol: SMTPProtocol
    reply_timeout: float
    facts: dict[str, str] = field(default_factory=dict)
    letters: int = 0
    idle_since: float = 0.0

    @property
    def alive(self) -> bool:
        return self.protocol.is_connected

    @property
    def in_step(self) -> bool:
        """Is nothing left of what the server sent? A second reply in one segment would answer the wrong command."""
        return not self.protocol._buffer

    async def command(self, text: str) -> aiosmtplib.SMTPResponse:
        """One command and its reply. Raises Broken."""
        try:
            reply = await self.protocol.execute_command(text.encode("ascii"), timeout=self.reply_timeout)
        except (aiosmtplib.SMTPException, OSError) as exc:
            raise Broken(str(exc) or type(exc).__name__) from exc
        if not self.in_step:
            raise Broken(f"two replies to one command: {reply.code} {reply.message}")
        return reply

    async def write_body(self, body: bytes) -> None:
        """Sends all of a body, which ends in CRLF, except the dot; returns when it has left this machine.

        Stops early when the server says something. Raises Broken.
        """
        self.protocol._response_pending = True  # lets an early reply be kept instead of thrown away
        view = memoryview(stuff(body))
        for start in range(0, len(view), CHUNK):
            self._write(bytes(view[start : start + CHUNK]))
            await self._drain(_BACKLOG, self._buffered)
            if self.spoke:
                return
        await self._drain(0, self._unsent)

    @property
    def spoke(self) -> bool:
        """Did the server say something, or hang up, although it is our turn?"""
        waiter = self.protocol._response_waiter
        return not self.alive or not self.in_step or waiter is None or waiter.done()

    async def early_reply(self) -> aiosmtplib.SMTPResponse:
        """What the server said out of turn. Raises Broken when that was no reply."""
        return await self.read(self.reply_timeout)

    def release_dot(self) -> None:
        """The point of no return. Raises Broken only while the dot has surely not been written."""
        self._write(b".\r\n")

    async def read(self, within: float) -> aiosmtplib.SMTPResponse:
        """The next reply, within so many seconds. Raises Broken."""
        try:
            return await self.protocol.read_response(timeout=within)
        except (aiosmtplib.SMTPException, OSError) as exc:
            raise Broken(str(exc) or type(exc).__name__) from exc

    def leftover(self) -> bytes:
        """What came after the last reply that was read."""
        return bytes(self.protocol._buffer)

    def abort(self) -> None:
        """Drops the connection with RST, so that nothing more leaves: not our buffers, not the kernel's."""
        transport = self._transport
        if transport is None:
            return
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def hang_up(self) -> None:
        """Drops the connection without waiting for our own buffers, but lets the kernel deliver what it has."""
        if self._transport is not None:
            self._transport.abort()

    def part(self) -> None:
        """Says QUIT and hangs up without waiting: what the letter came to is known, a slow 221 must not hold it up."""
        if self.alive:
            self._write(b"QUIT\r\n")
        self.client.close()

    @property
    def _transport(self) -> asyncio.Transport | None:
        return cast("asyncio.Transport | None", self.protocol.transport)

    def _write(self, data: bytes) -> None:
        try:
            self.protocol.write(data)
        except (aiosmtplib.SMTPException, OSError) as exc:
            raise Broken(str(exc) or type(exc).__name__) from exc

    async def _drain(self, limit: int, backlog: Callable[[], int]) -> None:
        """Waits until at most `limit` bytes are left; time runs out only while none of them moves."""
        last, moved, pause = -1, time.monotonic(), 0.0
        while not self.spoke and (left := backlog()) > limit:
            if left != last:
                last, moved = left, time.monotonic()
            elif time.monotonic() - moved > self.reply_timeout:
                raise Broken("the server stopped reading")
            await asyncio.sleep(pause)
            pause = min(pause + 0.0005, 0.01)

    def _buffered(self) -> int:
        """Bytes in our own process: the transport's, and below TLS the raw transport's."""
        transport = self._transport
        if transport is None:
            return 0
        below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
        return transport.get_write_buffer_size() + (below.get_write_buffer_size() if below else 0)

    def _unsent(self) -> int:
        """Bytes in our own process, and in the kernel beyond what may wait for a delayed acknowledgement."""
        sock = self._transport.get_extra_info("socket") if self._transport else None
        if sock is None or sock.fileno() < 0:
            return self._buffered()
        return self._buffered() + _in_kernel(sock)


def _in_kernel(sock: socket.socket) -> int:
    """Bytes that the kernel has not sent, or that the peer ought to have acknowledged by now.

    A receiver may hold back the acknowledgement of the last two segments for a while (RFC 9293 section 3.8.6.3); to
    wait for it would cost 40 ms a letter.
    """
    try:
        unacknowledged, unsent = _queued(sock, termios.TIOCOUTQ), _queued(sock, _SIOCOUTQNSD)
        segment = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    except OSError:  # not every kernel counts a socket's queue; the dot is held back all the same
        return 0
    return unsent + max(unacknowledged - unsent - 2 * segment, 0)


def _queued(sock: socket.socket, request: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(sock.fileno(), request, count)
    return count[0]


def stuff(body: bytes) -> bytes:
    """RFC 5321 section 4.5.2: a dot that begins a line is doubled."""
    stuffed = body.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def line_over(client: aiosmtplib.SMTP, reply_timeout: float, facts: dict[str, str]) -> Line:
    """The line of a client that has said hello. Raises Broken when the server has hung up since."""
    if client.protocol is None or not client.is_connected:
        raise Broken("the server hung up after the greeting")
    return Line(client, client.protocol, reply_timeout, facts | _facts_of(client))


def _facts_of(client: aiosmtplib.SMTP) -> dict[str, str]:
    """Peer and TLS of a connection, for the record."""
    peer = client.get_transport_info("peername")
    facts = {"peer": f"{peer[0]}:{peer[1]}"} if peer else {}
    tls = client.get_transport_info("ssl_object")
    if isinstance(tls, ssl.SSLObject):
        cipher = tls.cipher()
        facts["tls"] = f"{tls.version()} {cipher[0] if cipher else ''}".strip()
    return facts
