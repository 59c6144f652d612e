"""The door for one's own mail server: LMTP (RFC 2033) on loopback. It says that a message is kept only once it is.

It knows nothing of what a message is; whoever opens the door keeps it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

log = logging.getLogger(__name__)

#: Keeps one message, with those for whom it came; whatever it raises, the message is not kept.
Keep = Callable[[bytes, Sequence[str]], Awaitable[object]]

_KEPT = "250 2.0.0 kept"
_NOT_KEPT = "451 4.3.0 not kept, try later"


class _Handler:
    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # their name
        """One reply for each recipient that was accepted, in order (RFC 2033 section 4.2)."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        # The final delivery adds it (RFC 5321 section 4.4): a bounce is told by its empty sender.
        sender = (envelope.mail_from or "").strip("<>")  # the library hands over the empty one as '<>'
        whole = f"Return-Path: <{sender}>\r\n".encode() + content
        try:
            await self._keep(whole, list(envelope.rcpt_tos))
        except Exception as fault:  # noqa: BLE001  # whatever it is: the mail server has the message still
            log.error("a message was not kept: %s: %s", type(fault).__name__, fault)
            reply = _NOT_KEPT
        else:
            reply = _KEPT
        return "\r\n".join([reply] * len(envelope.rcpt_tos))


@asynccontextmanager
async def serve(keep: Keep, host: str, port: int, largest: int) -> AsyncIterator[int]:
    """Listen while the block runs; gives the port. Raises OSError where it is taken."""
    loop = asyncio.get_running_loop()

    def protocol() -> LMTP:
        return LMTP(_Handler(keep), data_size_limit=largest, enable_SMTPUTF8=True, hostname="dispatcher", loop=loop)

    server = await loop.create_server(protocol, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
