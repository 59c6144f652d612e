"""Seals the audit log when that is due: signs its state with the worker's key, and keeps the seal outside the database.

Before it signs, it holds the log against what was sealed before: one that was cut or rewritten is not sealed again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.archive import append_durably, digest_of
from dispatcher.domain.audit import GENESIS, leaf_of
from dispatcher.domain.errors import AuditBroken
from dispatcher.domain.merkle import NOTHING, Frontier
from dispatcher.domain.notes import Head
from dispatcher.seals import Seal, opened
from dispatcher.store import audit
from dispatcher.store.audit import Link

from .office import Office

log = logging.getLogger(__name__)

#: A seal after so many entries, or so long after the first entry that is not sealed yet.
EVERY, AFTER = 1_000, timedelta(minutes=10)
#: What is not left unsealed until then.
AT_ONCE = frozenset({"campaign.approve", "campaign.launch", "campaign.stop"})
#: Links that are read at a time.
_CHUNK = 20_000


@dataclass(slots=True)
class Sealing:
    """One worker's account of the log: how far it has followed it, and what of it is sealed."""

    office: Office
    tree: Frontier = NOTHING
    last: str = GENESIS  #: hash of the last entry that it has followed
    sealed: int = 0  #: entries
    since: datetime | None = None  #: when the first unsealed entry was seen
    urgent: bool = False  #: it has followed something that is sealed at once
    _broken: bool = False
    _waits: list[Head] = field(default_factory=list)  #: seals of before that the log is still to be held against
    _begun: bool = False

    async def look(self, why: str = "") -> Seal | None:
        """Follow the log to its end, and seal it where that is due; in any case where there is a reason to.

        Raises AuditBroken, once, where it does not go on from what was sealed; StoreFault, SettingsError, OSError.
        """
        if self.office.seals is None or self._broken:
            return None
        await self.follow()
        if not (why or self._due()):
            return None
        await self._hear_of_others()
        why = why or self._due()
        return await self._seal(why) if why and self.tree.size > self.sealed else None

    async def follow(self) -> None:
        """Hold the log, as far as it was not yet, against what was sealed. Raises AuditBroken."""
        if not self._begun:
            heads = await asyncio.to_thread(self._heads)
            self._waits = sorted(heads, key=lambda one: one.size)
            self.sealed = max((one.size for one in heads), default=0)
            self._begun = True
        await self._follow()

    async def _hear_of_others(self) -> None:
        """Other workers seal the same log into the same file: what one has sealed is sealed."""
        size = max((head.size for head in await asyncio.to_thread(self._heads)), default=0)
        if size > self.sealed:
            self.sealed, self.urgent = size, False
            self.since = self.office.clock.now() if self.tree.size > size else None

    def _heads(self) -> list[Head]:
        seals = self.office.seals
        kept = seals.kept() if seals is not None else []
        if seals is None or not kept:
            return []
        key = seals.public()
        return [opened(one.note, key) for one in kept]

    async def _follow(self) -> None:
        while links := await self._next():
            for one in links:
                self._take(one)
        if self._waits:
            self._break(f"it has {self.tree.size} entries, and {self._waits[-1].size} were sealed: its end was cut off")

    async def _next(self) -> list[Link]:
        return await self.office.store.read(lambda connection: audit.links(connection, self.tree.size, _CHUNK))

    def _take(self, link: Link) -> None:
        if link.seq != self.tree.size + 1 or link.prev != self.last:
            self._break(f"entry {link.seq} does not follow entry {self.tree.size}")
        self.tree, self.last = self.tree.add([leaf_of(link.hash)]), link.hash
        while self._waits and self._waits[0].size <= self.tree.size:
            if self._waits.pop(0).root != self.tree.root:
                self._break(f"its first {self.tree.size} entries are not the ones that were sealed")
        if self.tree.size > self.sealed:
            self.since = self.since or self.office.clock.now()
            self.urgent = self.urgent or link.action in AT_ONCE

    def _break(self, why: str) -> None:
        self._broken = True
        raise AuditBroken(f"E_AUDIT_SEALED the audit log is not sealed any more: {why}. See: dispatcher audit verify")

    def _due(self) -> str:
        """Why it is sealed now; '' where it is not."""
        unsealed = self.tree.size - self.sealed
        if unsealed and self.urgent:
            return "an approval, a start or a stop"
        if unsealed >= EVERY:
            return f"{EVERY} entries"
        waited = self.office.clock.now() - self.since if self.since else timedelta()
        return "its time" if unsealed and waited >= AFTER else ""

    async def _seal(self, why: str) -> Seal:
        seals, now = self.office.seals, self.office.clock.now()
        assert seals is not None  # `look` has asked
        note = await asyncio.to_thread(seals.seal, self.tree.size, self.tree.root)
        seal = Seal(now.isoformat(timespec="seconds"), why, note)
        seals.file.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(append_durably, seals.file, seal.line)
        self.sealed, self.since, self.urgent = self.tree.size, None, False
        return seal


async def set_aside(office: Office, mark: str) -> str:
    """What was sealed does not fit a database that a person has adopted: keep it under another name. Its sha256, or ''.

    Doing it again under the same mark finds what was set aside before.
    """
    seals = office.seals
    if seals is None:
        return ""
    old = seals.file.with_name(f"{seals.file.stem}.before-{mark}{seals.file.suffix}")
    try:
        await Sealing(office).follow()
    except AuditBroken:
        await asyncio.to_thread(seals.file.rename, old)
    there = await asyncio.to_thread(old.exists)
    return digest_of(await asyncio.to_thread(old.read_bytes)) if there else ""
