"""What can happen to a send, each a value that a table can hold: `await what.happen(scene)`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import dying
import pytest
from children import Child
from desk.desk import ADA
from farend.rogue import Script
from scene import Scene, io_error

from dispatcher.domain.errors import Conflict
from dispatcher.domain.rollback import Quarantined
from dispatcher.domain.words import State
from dispatcher.usecases import dispatch, operate

Doing = Callable[[Scene], Awaitable[None]]


class Happening(Protocol):
    """`script` is how the far end behaves."""

    @property
    def script(self) -> Script: ...

    async def happen(self, scene: Scene) -> None: ...


@dataclass(frozen=True)
class Dies:
    """The worker's process ends at the point, as by kill -9; `fails`: where the database failed it before that."""

    at: str
    script: Script = field(default_factory=dict)
    fails: str = ""

    async def happen(self, scene: Scene) -> None:
        acts = {self.at: "die"} | ({self.fails: "fail"} if self.fails else {})
        assert await Child(scene.places(), acts).ended() == dying.KILLED


@dataclass(frozen=True)
class DiesWhenTaken:
    """The worker's process is killed while it waits for the answer about a letter that the far end has."""

    script: Script = field(default_factory=dict)

    async def happen(self, scene: Scene) -> None:
        process = Child(scene.places(), {})
        async with asyncio.timeout(30):
            while not scene.arrived():
                await asyncio.sleep(0.01)
        process.kill()
        assert await process.ended() == -9


@dataclass(frozen=True)
class Answers:
    """The far end does as its script says; the worker lives."""

    script: Script = field(default_factory=dict)

    async def happen(self, scene: Scene) -> None:
        if "body" in self.script:  # the database takes its time, so that the fault surely comes before the dot
            scene.at("leave is asked", scene.desk.rogue.acted.wait)
        await scene.one_try()


@dataclass(frozen=True)
class IsCancelled:
    """The try's task is cancelled at the point; the process goes on."""

    at: str
    script: Script = field(default_factory=dict)

    async def happen(self, scene: Scene) -> None:
        def cancel() -> None:
            for task in scene.desk.worker._tasks:
                task.cancel()

        scene.at(self.at, cancel)
        await scene.one_try()


@dataclass(frozen=True)
class LosesTheDatabase:
    """At a commit: PostgreSQL's link is cut, SQLite's disk gives an error; before or after it was done."""

    whose: str  #: 'the record' or 'the outcome'
    side: str  #: 'before' or 'after'
    times: int = 1
    script: Script = field(default_factory=dict)

    async def happen(self, scene: Scene) -> None:
        if scene.link is not None:
            scene.link.breaks = (self.whose, self.side, self.times)
            await scene.one_try()
            assert scene.link.broken == self.times
            return
        left = [self.times]

        def fail() -> None:
            left[0] -= 1
            if left[0] >= 0:
                io_error()

        scene.at(f"{self.whose} is {'written' if self.side == 'before' else 'committed'}", fail)
        await scene.one_try()
        assert left[0] <= 0


@dataclass(frozen=True)
class Wakes:
    """The worker's process stands still at the point, `meanwhile` goes on around it, and then it goes on too."""

    at: str
    meanwhile: Doing
    permit: float = dispatch.PERMIT_SECONDS  #: seconds between its record and its dot
    script: Script = field(default_factory=dict)

    async def happen(self, scene: Scene) -> None:
        process = Child(scene.places(self.permit), {self.at: "stop"})
        try:
            await process.stopped()
            await self.meanwhile(scene)
        finally:
            process.wake()
        assert await process.ended() == 0


async def leave_runs_out(scene: Scene) -> None:
    """Longer than the permit of a worker whose permit is short."""
    await asyncio.sleep(0.1)


async def is_reaped(scene: Scene) -> None:
    """Its lease ends, and so would the lease of a transmission: it is taken for dead."""
    await scene.desk.pass_time(seconds=61)
    await scene.desk.pass_time(seconds=600)


async def is_in_doubt(scene: Scene) -> None:
    await is_reaped(scene)
    assert (await scene.desk.only()).state is State.IN_DOUBT


async def is_sent_again_knowingly(scene: Scene) -> None:
    """By a person, who has to wait until the worker's leave has surely ended, and whose second try says so."""
    await _wanted_again(scene)
    await scene.desk.work()
    assert [one.knowingly for one in (await scene.desk.story((await scene.desk.only()).id)).attempts] == [False, True]


async def is_wanted_again(scene: Scene) -> None:
    """By a person; but nobody has come to send it yet."""
    await _wanted_again(scene)
    assert (await scene.desk.only()).state is State.QUEUED


async def _wanted_again(scene: Scene) -> None:
    desk, seen = scene.desk, await scene.desk.only()
    with pytest.raises(Conflict, match="not in doubt"):
        await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, "they do not have it", ADA)
    await is_in_doubt(scene)
    desk.clock.turn(seconds=1)
    await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, "they do not have it", ADA)


@dataclass(frozen=True)
class PowerIsCut:
    """The worker dies at the point, and with it every process of the database; commits were not only in memory."""

    at: str
    script: Script = field(default_factory=dict)

    async def happen(self, scene: Scene) -> None:
        said = await scene.durability()
        assert said in (("2",), ("3",), ("on", "on"))
        await Dies(self.at).happen(scene)
        await scene.cut_the_power()


@dataclass(frozen=True)
class IsRestored:
    """A backup, made before the send or after `first`, takes the database's place when the letter has gone."""

    first: Happening | None = None

    @property
    def script(self) -> Script:
        return self.first.script if self.first else {}

    async def happen(self, scene: Scene) -> None:
        if self.first is not None:
            await self.first.happen(scene)
        await scene.close()
        await scene.back_up("old")
        await scene.reopen()
        await is_reaped(scene)
        await scene.close()
        await scene.restore("old")
        await scene.reopen()
        await scene.desk.work()
        with pytest.raises(Quarantined):
            await dispatch.claim(scene.desk.office, scene.desk.worker.name, 1)


@dataclass(frozen=True)
class DiskIsFull:
    """From the point on the database takes nothing; there is room again when the try is over."""

    at: str
    script: Script = field(default_factory=dict)

    async def happen(self, scene: Scene) -> None:
        scene.at(self.at, scene.fill_the_disk)
        await scene.one_try()
        assert (scene.desk.office.folder / "spill.jsonl").exists()
        await scene.empty_the_disk()
