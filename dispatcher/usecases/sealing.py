"""Seals the audit log when that is due: signs its state with the worker's key, and keeps the seal outside the database.

Before it signs, it holds the log against what was sealed before: one that was cut or rewritten is not sealed again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.archive import append_durably
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
        await self._begin()
        await self._follow()
        why = why or self._due()
        if not why or self.tree.size == self.sealed:
            return None
        return await self._seal(why)

    async def _begin(self) -> None:
        seals = self.office.seals
        if self._begun or seals is None:
            return
        kept = await asyncio.to_thread(seals.kept)
        key = await asyncio.to_thread(seals.public) if kept else None
        heads = [opened(one.note, key) for one in kept if key is not None]
        self._waits = sorted(heads, key=lambda one: one.size)
        self.sealed = max((one.size for one in heads), default=0)
        self._begun = True

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
