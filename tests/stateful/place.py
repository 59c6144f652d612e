"""Where a stateful run takes place: an office over the simulation's driver or PostgreSQL, a clock turned by hand."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

from simulation import driver
from simulation.loop import Loop
from simulation.office import FIGURES, _never
from simulation.world import START

from dispatcher.archive import Archive
from dispatcher.channels.base import Parcel
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.clock import HandClock
from dispatcher.domain.words import Kind
from dispatcher.store.engine import Store
from dispatcher.usecases import dispatch
from dispatcher.usecases.office import Office

from .farend import FarEnd
from .model import Model

T = TypeVar("T")


@dataclass(slots=True)
class Trouble(driver.Calm):
    """The next so many commits fail, before or after they are done."""

    where: str = ""
    left: int = 0

    def fails(self, what: str) -> bool:
        if self.left and what == self.where:
            self.left -= 1
            return True
        return False


@dataclass(slots=True)
class Place:
    """The office, its loop, its far end and the model of what is true."""

    folder: Path
    url: str
    loop: asyncio.AbstractEventLoop
    clock: HandClock = field(default_factory=lambda: HandClock(START))
    model: Model = field(default_factory=Model)
    trouble: Trouble = field(default_factory=Trouble)
    _stack: ExitStack = field(default_factory=ExitStack)
    office: Office = field(init=False)
    mail: FarEnd = field(init=False)

    def __post_init__(self) -> None:
        # The permit of a commit point is counted by this clock; nothing else in that module asks for the time.
        self._stack.enter_context(patch.object(dispatch, "time", SimpleNamespace(monotonic=self.clock.monotonic)))
        self.open()

    def open(self) -> None:
        if self.url.startswith(driver.SCHEME):
            driver.BASES[str(self.folder / "dispatcher.db")] = driver.Base(disposition=self.trouble)
        self.mail = FarEnd(Kind.EMAIL, self.clock.monotonic, self._took)
        self.office = Office(
            store=Store(self.url, 5.0),
            archive=Archive(self.folder / "archive"),
            clock=self.clock,
            policy=FIGURES,
            channels={"smtp": self.mail},
            outgoing={Kind.EMAIL: "smtp"},
            render=_never,
            domain="coalition.example",
            return_path=lambda attempt_id: f"bounce-{attempt_id}@coalition.example",
            folder=self.folder / "office",
            guard=Checkpoint(self.folder / "guard", "machine"),
        )

    def _took(self, parcel: Parcel) -> None:
        self.model.take(parcel.attempt_id)

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(doing)

    def close(self) -> None:
        self.run(self._end())
        self.loop.close()
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _end(self) -> None:
        self.trouble.left = 0
        await self.let_go()
        await self.office.store.aclose()

    async def let_go(self) -> None:
        """Whatever was under way in this process ends; nothing of it is written down."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        tries = [one for one in others if one.get_name().startswith("try ")]
        for task in tries:
            task.cancel()
        await asyncio.gather(*tries, return_exceptions=True)


def on_sqlite(template: Path) -> Place:
    """A fresh office over a copy of a migrated file, in memory, in a loop in which no time passes by itself."""
    folder = Path(tempfile.mkdtemp(prefix="stateful-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    shutil.copy(template, folder / "dispatcher.db")
    return Place(folder, f"{driver.SCHEME}:///{folder}/dispatcher.db", Loop(random.Random(0)))


def on_postgresql(url: str) -> Place:
    return Place(Path(tempfile.mkdtemp(prefix="stateful-")), url, asyncio.new_event_loop())
