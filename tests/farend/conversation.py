"""A letter, a commit point and a send over a scripted relay: what the tests of the SMTP conversation share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from farend.rogue import Rogue

from dispatcher.channels.base import Parcel, Permit
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Kind

SMALL = b"Excellency,\r\n.a line that begins with a dot\r\n..\r\n"
LARGE = SMALL + (b"x" * 996 + b"\r\n") * 8_000  # 8 MB: more than any buffer on the way holds
END = b"-- last line.\r\n"  # with SMALL: 64 bytes
Commit = Callable[[bytes], Awaitable[Permit]]


def letter(body: bytes = SMALL) -> Parcel:
    return Parcel(
        attempt_id="attempt-1",
        delivery_id="delivery-1",
        kind=Kind.EMAIL,
        address="mission@recipient.example",
        recipient_name="H.E. Mr. Test",
        sender_name="Mary Example",
        sender_address="mary@sender.example",
        return_path="",
        subject="Protection of civilians",
        message_id="<1@sender.example>",
        date=datetime(2026, 3, 2, 9, tzinfo=UTC),
        entity=b"Content-Type: text/plain\r\n\r\n" + body + END,
        document=b"",
    )


async def always(_: bytes) -> Permit:
    return Permit(float("inf"))


async def send(rogue: Rogue, parcel: Parcel, commit: Commit = always, patience: float = 10.0, **how: str) -> Outcome:
    connect = 10.0 if rogue.tls else patience  # a handshake takes its time
    relay = rogue.relay(timeout_connect=connect, timeout_reply=patience, timeout_dot=patience, **how)
    channel = SmtpChannel([relay])
    try:
        return await channel.send(parcel, commit)
    finally:
        await channel.aclose()


async def the_network_has_passed_it_on() -> None:
    """Loopback hands over what was written at once; the loop needs a few turns to see it."""
    for _ in range(10):
        await asyncio.sleep(0)
