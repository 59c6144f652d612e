"""Takes what lies in our mailboxes: a Maildir, a folder on an IMAP server, what our own mail server brings by LMTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.inbox import imap, lmtp
from dispatcher.inbox.imap import Account, Place, Unreachable
from dispatcher.inbox.maildir import Maildir
from dispatcher.store import incoming

from .office import Office
from .receive import Received, take_in

log = logging.getLogger(__name__)

#: Bytes of a message that is taken.
LARGEST = 64 * 1024 * 1024


@dataclass(slots=True)
class Mailboxes:
    """The ways in that this installation has."""

    maildirs: Sequence[Maildir] = ()
    accounts: Sequence[Account] = ()
    door: tuple[str, int] | None = None  #: host and port of LMTP
    _told: dict[str, str] = field(default_factory=dict)

    async def look(self, office: Office) -> int:
        """Take what is new; how many messages. A mailbox that cannot be read is told of once, and hinders no other.

        Raises StoreFault where our own side could not keep one: it is found again at the next look.
        """
        count = 0
        for box in self.maildirs:
            try:
                count += await look_into_maildir(office, box)
                self._told.pop(str(box.folder), None)
            except OSError as fault:
                self._tell(str(box.folder), str(fault))
        for account in self.accounts:
            try:
                count += await look_into_folder(office, account)
                self._told.pop(account.host, None)
            except Unreachable as fault:
                self._tell(account.host, str(fault))
        return count

    def _tell(self, name: str, words: str) -> None:
        if self._told.get(name) != words:
            log.error("a mailbox cannot be read: %s", words)
        self._told[name] = words


async def look_into_maildir(office: Office, box: Maildir) -> int:
    """Take what is new there; how many messages were. Raises OSError, StoreFault."""
    count = 0
    messages = box.unseen()
    while (found := await asyncio.to_thread(next, messages, None)) is not None:
        name, raw = found
        count += (await take_in(office, raw, "maildir")).new
        box.saw(name)
    return count


async def look_into_folder(office: Office, account: Account) -> int:
    """Take what is new there since the last look; how many messages were. Raises Unreachable, StoreFault."""
    name = f"{account.user}@{account.host}/{account.folder}"
    since = Place(*await office.store.read(lambda connection: incoming.place(connection, name)))
    messages: Iterator[tuple[Place, bytes]] = imap.fetch(account, since)
    count, reached = 0, since
    try:
        while (found := await asyncio.to_thread(next, messages, None)) is not None:
            reached, raw = found
            count += (await take_in(office, raw, "imap")).new
            await _note(office, name, reached)
    finally:
        await asyncio.to_thread(messages.close)  # type: ignore[attr-defined]  # a generator: it signs out
    return count


async def _note(office: Office, name: str, reached: Place) -> None:
    async def unit(connection: AsyncConnection) -> None:
        await incoming.set_place(connection, name, reached.validity, reached.uid)

    await office.store.write(unit)


@asynccontextmanager
async def open_door(office: Office, host: str, port: int) -> AsyncIterator[int]:
    """Our own mail server may bring messages by LMTP while the block runs; gives the port."""

    async def keep(raw: bytes, envelope: Sequence[str]) -> Received:
        return await take_in(office, raw, "lmtp", envelope)

    async with lmtp.serve(keep, host, port, LARGEST) as actual:
        yield actual
