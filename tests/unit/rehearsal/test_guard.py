"""The guard bites: nothing but loopback is reached while it is armed (the whole session is)."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dispatcher.rehearsal.guard import LeavesLoopback, is_loopback, loopback_only

TEST_NET = ("192.0.2.1", 9)  # RFC 5737
TEST_NET_6 = ("2001:db8::1", 9)  # RFC 3849


@pytest.fixture(autouse=True)
def _armed() -> object:
    with loopback_only():
        yield


def test_a_connection_to_another_machine_is_stopped() -> None:
    with socket.socket() as sock, pytest.raises(LeavesLoopback, match=r"192\.0\.2\.1.*only loopback"):
        sock.connect(TEST_NET)
    with socket.socket() as sock, pytest.raises(LeavesLoopback):
        sock.connect_ex(TEST_NET)
    with socket.socket(socket.AF_INET6) as sock, pytest.raises(LeavesLoopback):
        sock.connect(TEST_NET_6)


def test_a_datagram_to_another_machine_is_stopped() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        with pytest.raises(LeavesLoopback):
            sock.sendto(b"x", TEST_NET)
        with pytest.raises(LeavesLoopback):
            sock.sendmsg([b"x"], [], 0, TEST_NET)


def test_looking_a_name_up_is_stopped() -> None:
    for look_up in (socket.gethostbyname, socket.gethostbyaddr, lambda name: socket.getaddrinfo(name, 25)):
        with pytest.raises(LeavesLoopback, match=r"example\.org"):
            look_up("example.org")


async def test_asyncio_and_other_threads_are_stopped_too() -> None:
    with pytest.raises(LeavesLoopback):
        await asyncio.open_connection(*TEST_NET)
    caught: list[str] = []

    def try_it() -> None:
        try:
            socket.create_connection(("example.org", 80))
        except LeavesLoopback as error:
            caught.append(str(error))

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_loopback_and_unix_sockets_pass(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as sock:
        sock.sendall(b"x")
    assert socket.getaddrinfo("localhost", 25)
    with socket.socket(type=socket.SOCK_DGRAM) as ear, socket.socket(type=socket.SOCK_DGRAM) as sock:
        ear.bind(("127.0.0.1", 0))
        sock.connect(ear.getsockname())
        sock.sendmsg([b"x"])
        assert ear.recv(1) == b"x"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as sock:
        server.bind(str(tmp_path / "s"))
        server.listen()
        sock.connect(str(tmp_path / "s"))


@pytest.mark.parametrize(
    ("host", "yes"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        (b"mail.localhost.", True),
        ("0.0.0.0", False),
        ("::ffff:192.0.2.1", False),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_what_is_loopback(host: str | bytes, yes: bool) -> None:
    assert is_loopback(host) is yes


def test_it_bites_only_while_it_is_armed() -> None:
    """In a process of its own: a name that no server is asked about is looked up before, in between, and after."""
    program = """
import socket
from dispatcher.rehearsal.guard import LeavesLoopback, loopback_only
def stopped():
    try:
        socket.gethostbyname("0.0.0.0")
    except LeavesLoopback:
        return True
    return False
seen = [stopped()]
with loopback_only():
    with loopback_only():
        seen.append(stopped())
    seen.append(stopped())
seen.append(stopped())
print(seen)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[False, True, True, False]"
