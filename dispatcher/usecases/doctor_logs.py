"""Looks whether the logs of our own relays can be asked about doubts: readable, current, and by a clock like ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from dispatcher.channels.base import CLOCK_TOLERANCE
from dispatcher.settings import Settings
from dispatcher.settings.model import Relay

from .checks import Check, Finding

#: Of a relay's log: when its last line says that it was written (None: that is no line of Postfix's), and when the file
#: was; or, in words, why it cannot be read.
Newest = Callable[[Relay], tuple[datetime | None, datetime] | str]
#: A relay that was silent for longer than this may be logging somewhere else.
CURRENT = timedelta(days=3)


async def relay_logs(settings: Settings, newest: Newest, now: datetime) -> list[Check]:
    """One check for each relay that has a log; nothing where none has."""
    logged = [relay for relay in settings.mail.relays if relay.log_file is not None]
    return [_check(relay, await asyncio.to_thread(newest, relay), now) for relay in logged]


def _check(relay: Relay, seen: tuple[datetime | None, datetime] | str, now: datetime) -> Check:
    name = f"log of {relay.name}"
    if isinstance(seen, str):
        return Check(name, Finding.WRONG, seen, "Let Dispatcher's user read it, such as by the group 'adm'")
    newest, written = seen
    if newest is None:
        fix = "Name the file that Postfix logs to; just after it was rotated, look again"
        return Check(name, Finding.NOTE, f"{relay.log_file} ends with no line of Postfix's", fix)
    if abs(newest - written) > CLOCK_TOLERANCE or newest > now + CLOCK_TOLERANCE:
        found = f"its last line says {newest:%d %B %H:%M:%S} UTC, it was written at {written:%d %B %H:%M:%S} UTC"
        return Check(name, Finding.WRONG, found, "Set log_zone, keep both clocks by NTP, and do not copy the log")
    if now - newest > CURRENT:
        fix = "See whether it logs elsewhere"
        return Check(name, Finding.NOTE, f"its last line is of {newest:%d %B %H:%M} UTC", fix)
    return Check(name, Finding.GOOD, f"{relay.log_file}, last line of {newest:%d %B %H:%M:%S} UTC")
