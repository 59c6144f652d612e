"""From settings to channels: the only module that names a provider."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx2

from dispatcher.channels import posting
from dispatcher.channels.base import Channel, Seen, Told
from dispatcher.channels.hylafax import Calls, HylafaxChannel
from dispatcher.channels.hylafax_wire import Broken, Refused, Server
from dispatcher.channels.interfax import InterfaxChannel
from dispatcher.channels.log_files import LogFiles, Unreadable
from dispatcher.channels.mailfax import MailFaxChannel, preset
from dispatcher.channels.relay import Relay
from dispatcher.channels.relay_log import RelayLog, RelayLogs
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.channels.sinch import Account as SinchAccount
from dispatcher.channels.sinch import SinchChannel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.channels.telnyx import Account as TelnyxAccount
from dispatcher.channels.telnyx import TelnyxChannel
from dispatcher.domain.clock import Clock, SystemClock
from dispatcher.domain.errors import Problem, SettingsError
from dispatcher.settings import Settings, read_secret
from dispatcher.settings.model import Relay as RelaySettings
from dispatcher.settings.values import is_loopback

Maker = Callable[[Settings, Clock], Channel | None]


def _smtp(settings: Settings, clock: Clock) -> Channel | None:
    relays = _relays(settings)
    return SmtpChannel(relays, logs=_relay_logs(settings, clock)) if relays else None


def _mailfax(settings: Settings, clock: Clock) -> Channel | None:
    given = settings.fax.mailfax
    if not given.enabled:
        return None
    relays = [relay for relay in _relays(settings) if given.relay in ("", relay.name)]
    pattern = given.pattern.replace("{domain}", given.domain)
    gateway = preset(given.preset, pattern, given.number, prints_header=given.header == "gateway")
    return MailFaxChannel(gateway, relays)


def _simulator(settings: Settings, clock: Clock) -> Channel | None:
    given = settings.fax.simulator
    if not given.enabled:
        return None
    if given.secret_file is None:
        raise SettingsError(Problem("fax.simulator.secret_file", "the simulator needs a secret", "Name its file."))
    callback = f"http://{settings.callbacks.host}:{settings.callbacks.port}/callbacks/simulator"
    return SimulatorChannel(given.url, read_secret(given.secret_file).encode(), callback, now=clock.now)


def _hylafax(settings: Settings, clock: Clock) -> HylafaxChannel | None:
    given = settings.fax.hylafax
    if not given.enabled:
        return None
    password = read_secret(given.password_file) if given.password_file else ""
    server = Server(given.host, given.port, given.user, password, given.timeout)
    calls = Calls(
        dial=given.dial,
        modem=given.modem,
        dials=given.dials,
        tries=given.tries,
        end=timedelta(minutes=given.end_minutes),
        keeps=timedelta(minutes=given.keeps_minutes),
        error_correction=given.error_correction,
        connections=given.connections,
    )
    return HylafaxChannel(server, calls, now=clock.now)


def _telnyx(settings: Settings, clock: Clock) -> TelnyxChannel | None:
    given = settings.fax.telnyx
    if not given.enabled or given.key_file is None:
        return None
    key, public_key = read_secret(given.key_file), base64.b64decode(given.public_key)
    account = TelnyxAccount(key, public_key, given.connection, given.number, given.quality)
    callback = _callback(settings, "telnyx")
    return TelnyxChannel(account, callback, now=clock.now, url=given.url, timeout=given.timeout)


def _sinch(settings: Settings, clock: Clock) -> SinchChannel | None:
    given, header = settings.fax.sinch, settings.fax.header
    if not given.enabled or given.secret_file is None:
        return None
    line = (header.sender, header.number or given.number) if given.header == "gateway" else None
    zone = header.zone or settings.office.timezone
    secret = read_secret(given.secret_file)
    account = SinchAccount(given.project, given.key, secret, given.number, given.service, line, zone)
    callback = _callback(settings, "sinch")
    return SinchChannel(account, callback, now=clock.now, url=given.url, timeout=given.timeout)


def _interfax(settings: Settings, clock: Clock) -> InterfaxChannel | None:
    given = settings.fax.interfax
    if not given.enabled or given.password_file is None:
        return None
    password = read_secret(given.password_file)
    return InterfaxChannel(given.user, password, now=clock.now, url=given.url, timeout=given.timeout)


def _callback(settings: Settings, name: str) -> str:
    """Where this provider calls back; '' where none reaches us, and it is only asked."""
    outside = settings.callbacks.outside
    return f"{outside}/{name}" if outside else ""


#: A new provider is one line here.
PROVIDERS: dict[str, Maker] = {
    "smtp": _smtp,
    "mailfax": _mailfax,
    "simulator": _simulator,
    "hylafax": _hylafax,
    "telnyx": _telnyx,
    "sinch": _sinch,
    "interfax": _interfax,
}


def channels(settings: Settings, clock: Clock) -> dict[str, Channel]:
    """Every channel that is set, by name. Raises SettingsError when one lacks a setting."""
    made = {name: maker(settings, clock) for name, maker in PROVIDERS.items()}
    return {name: channel for name, channel in made.items() if channel is not None}


# -- relays ------------------------------------------------------------------------------------------------------------


def _relays(settings: Settings) -> list[Relay]:
    return [
        Relay(
            name=one.name,
            host=one.host,
            port=one.port,
            security=one.security,
            user=one.user,
            password=read_secret(one.password_file) if one.password_file else "",
            timeout_connect=one.timeout_connect,
            timeout_reply=one.timeout_reply,
            timeout_dot=one.timeout_dot,
            connections=one.connections,
        )
        for one in settings.mail.relays
    ]


def _relay_logs(settings: Settings, clock: Clock) -> RelayLogs:
    return RelayLogs({one.name: _relay_log(one) for one in settings.mail.relays}, clock.now)


def _relay_log(one: RelaySettings) -> RelayLog | None:
    files = _log_files(one)
    if files is None:
        return None
    return RelayLog(files, tuple(shlex.split(one.queue_command)), is_loopback(one.host), one.user)


def _log_files(one: RelaySettings) -> LogFiles | None:
    zone = ZoneInfo(one.log_zone) if one.log_zone else None
    return LogFiles(one.log_file, one.log_folder, zone) if one.log_file else None


async def look_at_hylafax(settings: Settings) -> Seen | str:
    """What the HylaFAX server tells of itself; or why it does not, in words."""
    try:
        channel = _hylafax(settings, SystemClock())
        return await channel.look() if channel else "it is not enabled"
    except (Broken, Refused, SettingsError) as fault:
        return str(fault)


_OVER_HTTP: dict[str, Callable[[Settings, Clock], TelnyxChannel | SinchChannel | InterfaxChannel | None]] = {
    "telnyx": _telnyx,
    "sinch": _sinch,
    "interfax": _interfax,
}


async def look_over_http(settings: Settings) -> dict[str, Told | str]:
    """What each gateway over HTTP that is enabled tells of itself; or why it does not, in words."""
    told: dict[str, Told | str] = {}
    for name, make in _OVER_HTTP.items():
        try:
            channel = make(settings, SystemClock())
        except SettingsError as fault:
            told[name] = str(fault)
            continue
        if channel is not None:
            told[name] = await channel.look()
            await channel.aclose()
    return told


async def knock_at_door(url: str) -> str:
    """'' where our own door for callbacks answered, by its refusal (RFC 9457); else what came, in words."""
    try:
        async with posting.client(10.0) as client:
            reply = await client.post(url)
    except httpx2.RequestError as error:
        return posting.broken(error)
    ours = reply.status_code == 404 and posting.parse(reply.content).get("title") == "refused"
    return "" if ours else posting.words(reply)[:120]


def newest_in_log(one: RelaySettings) -> tuple[datetime | None, datetime] | str:
    """When the last line in a relay's log says that it was written, and when its file was; or why nobody knows."""
    files = _log_files(one)
    try:
        return files.newest() if files else "no log is named"
    except Unreadable as fault:
        return str(fault)
