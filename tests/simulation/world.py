"""One seed's world: its clock, dice and weather, its far ends, its one machine with several workers, and its record."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.outcome import Report
from dispatcher.usecases.hear import hear

from . import driver, network
from .faults import MIX, Fault, Weather
from .fax import Gateway
from .loop import RUNNING, Loop, Process
from .mail import Relay

START = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)


@dataclass(slots=True)
class MachineClock:
    """The machine's wall clock, which can be set, and its monotonic one, which cannot."""

    loop: Loop
    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.loop.time()) + self.ahead

    def monotonic(self) -> float:
        return self.loop.time()


class World:
    """Everything that a run consists of; `seed` decides all of it."""

    secret = b"a key to simulate with"
    beat, turn = 20.0, 1.0  #: seconds between two signs of life of a worker, and between two looks of a busy one

    def __init__(self, seed: int, folder: Path, mix: Mapping[Fault, float] = MIX) -> None:
        self.dice = random.Random(seed)
        self.loop = Loop(self.dice)
        self.loop.connector = lambda factory, host, port: network.connect(self, factory, host, port)
        self.weather = Weather(self.dice, mix)
        self.clock = MachineClock(self.loop)
        self.folder = folder
        self.base = driver.BASES[str(self.file)] = driver.Base(disposition=self)
        self.mail, self.gateway = Relay(self), Gateway(self)
        self.processes: list[Process] = []
        self.doors: list[tuple[Process, Any]] = []  #: who takes callbacks: a process with its office
        self.post: list[Report] = []  #: reports by mail that nobody has taken yet
        self.under_way = 0  #: those that are still on their way to the mailbox
        self.defects: list[str] = []  #: what our code raised that no trouble of this world explains
        self.record = hashlib.sha256()
        self.commits = 0
        self.slow_until = 0.0

    @property
    def file(self) -> Path:
        return self.folder / "dispatcher.db"

    def note(self, *facts: object) -> None:
        """What happened, at which moment: the record of two runs of one seed must be the same."""
        process = RUNNING.get()
        self.record.update(repr((round(self.loop.time(), 9), process.name if process else "", *facts)).encode())

    def delay(self) -> float:
        """Seconds that a message is on its way: mostly short, now and then long."""
        return self.dice.expovariate(1 / 0.03) * (20 if self.dice.random() < 0.02 else 1)

    def deliver_report(self, report: Report) -> None:
        self.under_way -= 1
        self.post.append(report)

    def outside(self, doing: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return self.loop.create_task(doing, context=network.OUTSIDE)

    def danger(self) -> None:
        """A good moment to be killed."""
        process = RUNNING.get()
        if process is not None and not process.ghost and self.weather.happens(Fault.KILL_HERE):
            self.note("killed here")
            process.kill()

    # -- how the database behaves --------------------------------------------------------------------------------

    async def pause(self, what: str) -> None:
        process = RUNNING.get()
        if process is None or process.ghost:
            return
        if what in ("read", "write"):
            await self._perhaps_slow()
            return
        self.danger()
        if self.weather.happens(Fault.PAUSE_HERE):
            self.hold_up(process)
        await asyncio.sleep(self.dice.expovariate(1 / 0.003))

    async def _perhaps_slow(self) -> None:
        if self.weather.happens(Fault.SLOW):
            await asyncio.sleep(self.dice.uniform(1.0, 60.0))

    def hold_up(self, process: Process) -> None:
        """Stop it, and let it go on after a while."""
        self.note("stopped", process.name)
        process.stop()
        self.loop.call_later(self.dice.expovariate(1 / 120.0), process.go_on, context=network.OUTSIDE)

    def fails(self, what: str) -> bool:
        process = RUNNING.get()
        return process is not None and (process.ghost or self.weather.happens(_FAILURES[what]))

    def committed(self) -> None:
        self.commits += 1
        self.note("commit")

    # -- what the machine does for its processes -----------------------------------------------------------------

    def fsync(self, handle: int) -> None:
        """Nothing needs to be flushed in memory; but the disk may be ill."""
        if RUNNING.get() is None:
            return
        if self.weather.happens(Fault.TORN):
            size = os.fstat(handle).st_size
            if not os.path.isdir(f"/proc/self/fd/{handle}"):
                os.truncate(f"/proc/self/fd/{handle}", size - size // 3)
            raise OSError(5, "Input/output error")
        if self.weather.happens(Fault.FSYNC):
            raise OSError(28, "No space left on device")
        self.danger()

    async def call_door(self, headers: Mapping[str, str], body: bytes, channel: str = "simulator") -> bool:
        """A callback over HTTP: True when somebody answered that it was taken."""
        await asyncio.sleep(self.delay())
        open_now = [(process, office) for process, office in self.doors if not process.dead]
        if not open_now or self.weather.happens(Fault.REFUSED):
            return False
        process, office = self.dice.choice(open_now)
        answer: asyncio.Future[bool] = self.loop.create_future()
        process.start(_take_callback(office, channel, headers, body, answer))
        try:
            return await asyncio.wait_for(answer, 20.0)
        except TimeoutError:
            return False

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """While it runs, the machine's own clock, disk and dice are this world's."""
        with ExitStack() as stack:
            stack.enter_context(patch.object(time, "monotonic", self.loop.time))
            stack.enter_context(patch.object(os, "fsync", self.fsync))
            before = random.getstate()
            random.seed(self.dice.random())
            try:
                yield
            finally:
                random.setstate(before)
                self.loop.close()
                del driver.BASES[str(self.file)]


async def _take_callback(
    office: Any, channel: str, headers: Mapping[str, str], body: bytes, answer: asyncio.Future[bool]
) -> None:
    taken = await office_hears(office, channel, headers, body)
    if not answer.done():
        answer.set_result(taken)


async def office_hears(office: Any, channel: str, headers: Mapping[str, str], body: bytes) -> bool:
    """What the web's door does with a callback."""
    try:
        await hear(office, channel, headers, body)
    except (DispatcherError, OSError):
        return False
    return True


_FAILURES = {
    "read": Fault.READ,
    "write": Fault.WRITE,
    "before commit": Fault.BEFORE_COMMIT,
    "after commit": Fault.AFTER_COMMIT,
}
