"""Two workers start at the same moment on a database that nobody has used: neither takes it for a restored one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from desk.databases import Databases
from desk.desk import open_desk

from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.rollback import Note
from dispatcher.usecases import guard


@dataclass(slots=True)
class SlowReader(Checkpoint):
    """Its first look at the note takes as long as the other worker's whole first start."""

    looked: Event | None = None
    go_on: Event | None = None

    def read(self) -> Note | None:
        found = Checkpoint.read(self)
        if self.looked is not None and self.go_on is not None and not self.looked.is_set():
            self.looked.set()
            self.go_on.wait(10)
        return found


async def test_a_first_start_beside_another_one_is_no_sign_of_a_restored_database(
    databases: Databases, tmp_path: Path
) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        looked, go_on = Event(), Event()
        slow = replace(desk.office, guard=SlowReader(tmp_path / "guard", looked=looked, go_on=go_on))
        entering = asyncio.create_task(guard.enter(slow))
        until = time.monotonic() + 10
        while not looked.is_set() and time.monotonic() < until:
            await asyncio.sleep(0)
        await guard.enter(replace(desk.office, guard=Checkpoint(tmp_path / "guard")))
        go_on.set()
        await entering
        assert (await guard.look(desk.office)).clear
