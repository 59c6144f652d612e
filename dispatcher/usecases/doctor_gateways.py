"""Looks whether the gateways over HTTP let us in: sign-in, clock, balance, and the address at which they call back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from dispatcher.channels.base import Told
from dispatcher.domain.words import Verdict
from dispatcher.settings import Settings
from dispatcher.settings.values import is_loopback

from .checks import Check, Finding

#: Knocks at every gateway over HTTP that is enabled: what it told, or why it could not be asked, by name.
LookOverHttp = Callable[[Settings], Awaitable[Mapping[str, Told | str]]]
#: Knocks at an address, from here: '' where our own door for callbacks answered, else what came instead, in words.
Knock = Callable[[str], Awaitable[str]]
#: A signed callback is worth nothing beyond it: telnyx.WINDOW.
WINDOW = timedelta(seconds=300)
APART = timedelta(seconds=30)
#: No channel has this name: whoever calls back for it is refused.
NOBODY = "doctor"
#: What each was checked against; none was ever tried against the live service.
CHECKED = {
    "telnyx": "the vendor's OpenAPI description of 2026-07-16 and its SDK 4.189.0",
    "sinch": "the vendor's OpenAPI description 'Fax API 3.0' and its npm client 1.4.0",
    "interfax": "the vendor's help pages of 2026-11 and its Python client of 2021",
}


async def gateways_over_http(
    settings: Settings, look: LookOverHttp, now: datetime, *, connect: bool, knock: Knock | None = None
) -> list[Check]:
    """Nothing where none is enabled; what lies beyond this machine is spoken to only with `connect`."""
    given = {name: one for name in CHECKED if (one := getattr(settings.fax, name)).enabled}
    if not given:
        return []
    far = [name for name, one in given.items() if not is_loopback(urlsplit(one.url).hostname or "")]
    if far and not connect:
        fix = "Try it with: dispatcher doctor --connect"
        return [Check(name, Finding.NOTE, f"{one.url} was not tried", fix) for name, one in given.items()]
    told = await look(settings)
    checks = [check for name in given for check in _checks(settings, name, told[name], now)]
    return [*checks, await _callbacks(settings, knock if connect else None)]


def _checks(settings: Settings, name: str, told: Told | str, now: datetime) -> Iterator[Check]:
    yield Check(f"{name} adapter", Finding.NOTE, f"checked against {CHECKED[name]}, never against the live service")
    if isinstance(told, str):
        yield Check(name, Finding.WRONG, told, f"Correct fax.{name}")
        return
    if told.knock.verdict is not Verdict.ACCEPTED:
        fix = f"Correct the key and the ids in fax.{name}, or look whether the gateway is at work"
        yield Check(name, Finding.WRONG, told.knock.detail, fix)
    else:
        yield Check(name, Finding.GOOD, f"it let us in: {told.knock.detail}")
    if told.door and settings.callbacks.outside:
        found = f"{settings.callbacks.outside}/{name}/{told.door}"
        yield Check(f"{name} callback", Finding.NOTE, found, "Set it in the account, as web feedback by HTTP POST")
    if told.balance:
        yield Check(f"{name} balance", Finding.GOOD, told.balance)
    if told.clock is not None:
        yield _clock(name, abs(told.clock - now))


def _clock(name: str, apart: timedelta) -> Check:
    found = f"{apart // timedelta(seconds=1)} s from ours"
    if apart > WINDOW:
        return Check(f"{name} clock", Finding.WRONG, found, "Set this machine's clock: signed callbacks are refused")
    if apart > APART:
        return Check(f"{name} clock", Finding.NOTE, found, "Keep this machine's clock by NTP")
    return Check(f"{name} clock", Finding.GOOD, found)


async def _callbacks(settings: Settings, knock: Knock | None) -> Check:
    name, url = "callback address", settings.callbacks.url
    if not url:
        fix = "Set callbacks.url where a proxy of yours leads here: news comes sooner then"
        return Check(name, Finding.NOTE, "none is set: nobody calls back, the gateways are asked", fix)
    host = urlsplit(url).hostname or ""
    if is_loopback(host):
        return Check(name, Finding.WRONG, f"{url} is this machine: no provider reaches it", "Set callbacks.url")
    if not url.startswith("https://"):
        return Check(name, Finding.NOTE, f"{url} is not encrypted: numbers can be read on the way", "Use https://")
    return await door(settings, knock) if knock else Check(name, Finding.GOOD, _leads(settings))


def _leads(settings: Settings) -> str:
    return f"{settings.callbacks.url}, which your proxy leads to port {settings.callbacks.port} here"


async def door(settings: Settings, knock: Knock) -> Check:
    """Does our own door answer at the address that providers are given? A refusal of ours is the answer wanted."""
    came = await knock(f"{settings.callbacks.outside}/{NOBODY}")
    if came:
        fix = f"Lead it to port {settings.callbacks.port} here, and let it run: dispatcher up"
        return Check("callback address", Finding.WRONG, f"{settings.callbacks.url}: {came}", fix)
    return Check("callback address", Finding.GOOD, f"our door answers at {settings.callbacks.url}")
