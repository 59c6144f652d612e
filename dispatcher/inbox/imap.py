"""A folder on an IMAP server, read and left as it is: opened with EXAMINE, fetched with BODY.PEEK (RFC 3501).

It blocks: call it in a thread. It alone knows IMAPClient.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

#: Messages that are fetched at once.
AT_ONCE = 10


class Unreachable(Exception):
    """The server, or the folder, cannot be read now; says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the folder is, and who reads it."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    user: str
    password: str
    folder: str = "INBOX"
    timeout: float = 60.0
    largest: int = 64 * 1024 * 1024  #: bytes; what is larger is passed over


@dataclass(frozen=True, slots=True)
class Place:
    """How far a folder was read: the highest UID, as long as its UIDVALIDITY is this (RFC 3501 section 2.3.1.1)."""

    validity: int = 0
    uid: int = 0


def fetch(account: Account, since: Place) -> Iterator[tuple[Place, bytes]]:
    """The messages behind that place, in order, each with its own place; all of them where the folder was made anew.

    Raises Unreachable.
    """
    try:
        with _signed_in(account) as client:
            validity = int(client.select_folder(account.folder, readonly=True)[b"UIDVALIDITY"])
            after = since.uid if since.validity == validity else 0
            # 'n:*' names the last message even where its UID is below n.
            uids = sorted(uid for uid in client.search(["UID", f"{after + 1}:*"]) if uid > after)
            for start in range(0, len(uids), AT_ONCE):
                for uid, raw in _bodies(client, uids[start : start + AT_ONCE], account.largest):
                    yield Place(validity, uid), raw
    except (IMAPClientError, OSError, ssl.SSLError, KeyError, ValueError) as fault:
        raise Unreachable(f"{account.host}: {type(fault).__name__}: {fault}") from fault


def _bodies(client: IMAPClient, uids: list[int], largest: int) -> Iterator[tuple[int, bytes]]:
    sizes = client.fetch(uids, ["RFC822.SIZE"])
    small = [uid for uid in uids if sizes.get(uid, {}).get(b"RFC822.SIZE", 0) <= largest]
    found = client.fetch(small, ["BODY.PEEK[]"]) if small else {}
    for uid in small:
        if uid in found and b"BODY[]" in found[uid]:  # else it was removed meanwhile
            yield uid, found[uid][b"BODY[]"]


@contextmanager
def _signed_in(account: Account) -> Iterator[IMAPClient]:
    context = ssl.create_default_context()
    secure = account.security == "tls"
    client = IMAPClient(
        account.host, account.port, ssl=secure, ssl_context=context if secure else None, timeout=account.timeout
    )
    try:
        if account.security == "starttls":
            client.starttls(context)
        client.login(account.user, account.password)
        yield client
    finally:
        _part(client)


def _part(client: IMAPClient) -> None:
    """Politely, or, where the server is gone, at once."""
    try:
        client.logout()
    except (IMAPClientError, OSError):
        with suppress(OSError):
            client.shutdown()
