"""The mail server of the recipients: it answers each by what its address says, and keeps what it took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes

from aiosmtpd.smtp import SMTP, Envelope, Session

#: What stands before the first hyphen of an address → the reply to its RCPT. Whoever is not here is taken.
REPLIES = {
    "nouser": "550 5.1.1 no such user here",
    "moved": "550 5.1.6 the mailbox has moved",
    "closed": "550 5.2.1 the mailbox is disabled",
    "full": "552 5.2.2 the mailbox is full",
    "large": "552 5.3.4 the message is too large",
    "spam": "554 5.7.1 refused by our policy",
    "dead": "550 5.1.2 there is no such domain here",
    "nowhere": "554 5.4.4 unable to route",
}
#: Whoever is late gets this reply, until so many seconds after their first letter.
LATE, LATE_SECONDS = "451 4.3.2 not now, try later", 10.0


@dataclass(slots=True)
class Recipients:
    """What they were sent: by address, the envelope sender and the latest letter."""

    taken: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    count: int = 0
    _since: dict[str, float] = field(default_factory=dict)

    async def handle_RCPT(  # the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        kind = address.partition("-")[0]
        since = self._since.setdefault(address, time.monotonic())
        if kind == "late" and time.monotonic() - since < LATE_SECONDS:
            return LATE
        if kind not in REPLIES:
            envelope.rcpt_tos.append(address)
        return REPLIES.get(kind, "250 2.1.5 ok")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        for one in envelope.rcpt_tos:
            self.taken[one] = (envelope.mail_from or "", content)
            self.count += 1
        return "250 2.0.0 taken"

    def message_id(self, address: str) -> str:
        return str(message_from_bytes(self.taken[address][1])["Message-ID"]).strip()


@asynccontextmanager
async def serve(handler: Recipients) -> AsyncIterator[int]:
    """Listen on loopback while the block runs; gives the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="mx.example", loop=loop), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
