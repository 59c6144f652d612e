"""A mail relay as configured, and the opening of a connection to it up to the login. No letter is mentioned here."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import aiosmtplib

from dispatcher.domain.errors import Problem, SettingsError
from dispatcher.domain.outcome import escape
from dispatcher.domain.words import Cause

from .replies import words
from .wire import Broken, Line, line_over

SECURITY = ("tls", "starttls", "none")


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail is handed in. Times in seconds. Raises SettingsError when it would send in clear off this machine."""

    name: str
    host: str
    port: int
    security: str = "tls"  #: 'tls' (RFC 8314), 'starttls', or 'none', which only a loopback host may have
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_connect: float = 30.0
    timeout_reply: float = 300.0  #: RFC 5321 section 4.5.3.2: five minutes for each command
    timeout_dot: float = 600.0  #: RFC 5321 section 4.5.3.2.6: ten minutes after the dot
    connections: int = 4
    ca_file: str = ""  #: trust only these authorities; '' trusts the machine's
    letters: int = 100  #: per connection
    timeout_idle: float = 30.0  #: a connection that was idle for longer is not used again
    hello: str = ""  #: our name in EHLO; '' takes the machine's

    def __post_init__(self) -> None:
        if self.security not in SECURITY:
            raise _unfit(self, f"security is '{self.security}'", "use one of " + ", ".join(SECURITY), "E_CONF")
        if self.security == "none" and not _loopback(self.host):
            raise _unfit(self, "mail would leave this machine in clear", "use security = 'tls' or 'starttls'")
        if self.connections < 1 or self.letters < 1:
            raise _unfit(self, "connections and letters are at least 1", "", "E_CONF")


def _unfit(relay: Relay, cause: str, way_out: str, code: str = "E_TLS_REQUIRED") -> SettingsError:
    return SettingsError(Problem(f"relay {relay.name}", cause, way_out, code))


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Closed(Exception):
    """The relay let nobody in: a fault of the relay or of our settings, never of a letter."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause, self.detail = cause, escape(detail)


async def open_line(relay: Relay) -> Line:
    """Connects, says EHLO, starts TLS, logs in. Raises Closed."""
    client = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        use_tls=relay.security == "tls",
        start_tls=False,  # done in its own step below; the default would go on in clear when it is not offered
        local_hostname=relay.hello or _own_name(),
        tls_context=_tls_context(relay),
        timeout=relay.timeout_reply,
    )
    try:
        await _enter(client, relay)
        return line_over(client, relay.timeout_reply, {"relay": relay.name})
    except Broken as exc:
        raise Closed(Cause.SMTP_CONNECT, str(exc)) from exc
    except BaseException:
        client.close()
        raise


async def _enter(client: aiosmtplib.SMTP, relay: Relay) -> None:
    await _step(Cause.SMTP_CONNECT, client.connect(timeout=relay.timeout_connect))
    if relay.security == "starttls":
        await _step(Cause.SMTP_TLS, client.starttls(timeout=relay.timeout_connect))
    await _step(Cause.SMTP_PEER, client.ehlo())
    if relay.user:
        await _step(Cause.SMTP_AUTH, _login(client, relay))


async def _step(cause: Cause, doing: Coroutine[Any, Any, object]) -> None:
    """Does one step of coming in; what goes wrong in it is put down to `cause`, unless the fault says better."""
    try:
        await doing
    except aiosmtplib.SMTPResponseException as exc:
        raise Closed(_cause_of(exc.code, cause), words(exc.code, exc.message)) from exc
    except (aiosmtplib.SMTPException, OSError, ValueError) as exc:
        tls = isinstance(exc, ssl.SSLError) or isinstance(exc.__cause__, ssl.SSLError)
        raise Closed(Cause.SMTP_TLS if tls else cause, str(exc) or type(exc).__name__) from exc


def _cause_of(code: int, cause: Cause) -> Cause:
    if 400 <= code <= 499:
        return Cause.SMTP_BUSY
    return cause if 500 <= code <= 599 else Cause.SMTP_PEER


async def _login(client: aiosmtplib.SMTP, relay: Relay) -> None:
    """One try with one method: the library's own login tries all in turn, and three wrong ones lock many accounts."""
    offered = client.server_auth_methods
    if "plain" in offered:
        await client.auth_plain(relay.user, relay.password)
    elif "login" in offered:
        await client.auth_login(relay.user, relay.password)
    elif "cram-md5" in offered:
        await client.auth_crammd5(relay.user, relay.password)
    else:
        raise aiosmtplib.SMTPException("the relay offers no login that we know")


def _tls_context(relay: Relay) -> ssl.SSLContext | None:
    if relay.security == "none":
        return None
    try:
        return _trusting(relay.ca_file)
    except OSError as exc:
        raise Closed(Cause.SMTP_TLS, f"ca_file {relay.ca_file}: {exc}") from exc


@cache
def _trusting(ca_file: str) -> ssl.SSLContext:
    """Verifies certificate and name, TLS 1.2 or later. Kept: reading the machine's authorities takes a while."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _own_name() -> str:
    """The machine's name where it can stand in EHLO; asked of the machine itself, never of the network."""
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "localhost"
