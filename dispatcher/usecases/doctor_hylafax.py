"""Looks whether the HylaFAX server lets us in and is at work: release, clock, scheduler, modems, memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta

from dispatcher.channels.base import Seen
from dispatcher.settings import Settings
from dispatcher.settings.fax import Hylafax
from dispatcher.settings.values import is_loopback

from .checks import Check, Finding

#: Signs in and looks around; or why not, in words.
Look = Callable[[Settings], Awaitable[Seen | str]]
#: Its clock may differ from ours by so much.
APART = timedelta(minutes=2)


async def fax_server(settings: Settings, look: Look, now: datetime, *, connect: bool) -> list[Check]:
    """Nothing where no HylaFAX server is set; one beyond this machine is spoken to only with `connect`."""
    given = settings.fax.hylafax
    if not given.enabled:
        return []
    where = f"{given.host}:{given.port}"
    if not connect and not is_loopback(given.host):
        return [Check("HylaFAX", Finding.NOTE, f"{where} was not tried", "Try it with: dispatcher doctor --connect")]
    seen = await look(settings)
    if isinstance(seen, str):
        fix = "Correct fax.hylafax (host, port, user, password_file), or let us in with faxadduser"
        return [Check("HylaFAX", Finding.WRONG, f"{where}: {seen}", fix), _memory(given)]
    return [Check("HylaFAX", Finding.GOOD, f"{where} let {given.user} in: {seen.release}"), *_checks(given, seen, now)]


def _checks(given: Hylafax, seen: Seen, now: datetime) -> Iterator[Check]:
    if not seen.works:
        yield Check("HylaFAX scheduler", Finding.WRONG, seen.work, "Start faxq on the fax server")
    apart = abs(seen.clock - now)
    found = f"{seen.clock:%Y-%m-%d %H:%M:%S} UTC"
    if apart > APART:
        fix = "Keep both clocks by NTP: its logs and our record speak of the same calls"
        yield Check("HylaFAX clock", Finding.NOTE, f"{found}, {apart // timedelta(seconds=1)} s from ours", fix)
    else:
        yield Check("HylaFAX clock", Finding.GOOD, found)
    if seen.lines:
        yield Check("HylaFAX modems", Finding.GOOD, "; ".join(seen.lines))
    else:
        yield Check(
            "HylaFAX modems", Finding.NOTE, "it lists none", "See faxstat; start faxgetty, or announce it: faxmodem"
        )
    yield _memory(given)


def _memory(given: Hylafax) -> Check:
    found = f"what is over is shown for {given.keeps_minutes} minutes (fax.hylafax.keeps_minutes)"
    if given.keeps_minutes > given.end_minutes:
        return Check("HylaFAX memory", Finding.GOOD, found)
    fix = "Let faxqclean keep it longer (-j) and say so: until then some doubts wait for a person"
    return Check("HylaFAX memory", Finding.NOTE, found, fix)
