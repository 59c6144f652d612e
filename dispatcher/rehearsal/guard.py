"""The guard: while it is armed, an attempt of this process to reach anything but loopback fails before a packet leaves.

It hangs on Python's audit events, so it sees every socket that Python code opens, in every thread. It does not see
sockets that a C library opens by itself (a database driver, say), nor those of child processes.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

_INTERNET = (socket.AF_INET, socket.AF_INET6)


class LeavesLoopback(RuntimeError):
    """Something tried to reach a machine other than this one. Not an OSError: no code may take it for a bad line."""


class _Guard:
    """How many have armed it. An audit hook cannot be taken away again, so it is put in once and asks this."""

    def __init__(self) -> None:
        self.armed = 0
        self.hooked = False
        self.lock = Lock()

    def arm(self, by: int) -> None:
        with self.lock:
            if not self.hooked:
                sys.addaudithook(_hook)
                self.hooked = True
            self.armed += by


_guard = _Guard()


@contextmanager
def loopback_only() -> Iterator[None]:
    """Let nothing of this process leave loopback in here. May be nested; holds for all threads."""
    _guard.arm(1)
    try:
        yield
    finally:
        _guard.arm(-1)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _guard.armed or not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        _check_address(event, *args[:2])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        _check_name(event, args[0])
    elif event == "socket.getnameinfo":
        _check_name(event, args[0][0])


def _check_address(event: str, sock: socket.socket, address: Any) -> None:
    """`address` is None for a sendmsg on a socket that is connected: its connect was looked at."""
    if sock.family in _INTERNET and address is not None and not is_loopback(address[0]):
        raise LeavesLoopback(f"{event} to {address[0]!r} port {address[1]}: this process may reach only loopback")


def _check_name(event: str, name: Any) -> None:
    """Looking a name up asks a server elsewhere; an address, or no name at all, asks nobody."""
    text = _text(name)
    if text and not is_loopback(text) and (event != "socket.getaddrinfo" or _number(text) is None):
        raise LeavesLoopback(f"{event} of {text!r}: this process may look up only localhost")


def is_loopback(host: str | bytes) -> bool:
    """Is it an address of this machine's loopback, or a name that stands for one (RFC 6761 section 6.3)?"""
    text = _text(host).rstrip(".").lower()
    number = _number(text)
    if number is None:
        return text == "localhost" or text.endswith(".localhost")
    inner = getattr(number, "ipv4_mapped", None)
    return (inner or number).is_loopback


def _number(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _text(name: Any) -> str:
    if isinstance(name, (bytes, bytearray)):
        return bytes(name).decode("utf-8", "replace")
    return "" if name is None else str(name)
