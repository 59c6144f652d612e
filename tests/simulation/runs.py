"""One run of one seed: the stormy hours, then fair weather until all is decided, then the verdict."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from torture.verdict import every_delivery

from dispatcher.domain.words import Verdict
from dispatcher.store import attempts, audit
from dispatcher.usecases import audit_log
from dispatcher.usecases.office import Office

from . import people
from .checker import ALLOWED, Class, History, classify, gives_up_in_doubt
from .faults import Fault
from .letters import FAX_SHARE, put_in
from .loop import Process
from .office import make_office, start_worker
from .world import World

WORKERS = ("one", "two", "three")
#: Seconds that the storm lasts for each letter, and at least; in two thirds of it the letters fall due.
STORM_EACH, STORM_LEAST = 3.6, 600.0
#: Seconds after the storm within which everything must be decided.
PATIENCE = 40 * 3600.0


@dataclass(frozen=True, slots=True)
class Result:
    """What one seed came to."""

    seed: int
    letters: int
    classes: Counter[Class]
    wrong: tuple[str, ...]  #: '<class> <id>' of everything that must not be
    audit: str
    faults: Counter[Fault]
    attempts: int
    seconds: float  #: simulated
    record: str  #: digest of the whole history

    @property
    def clean(self) -> bool:
        return not self.wrong and not self.audit


def run(seed: int, letters: int, template: Path) -> Result:
    """Simulate one seed. `template` is a migrated, empty database file."""
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=memory()) as name:
        world = World(seed, Path(name))
        shutil.copy(template, world.file)
        with world.in_force(), asyncio.Runner(loop_factory=lambda: world.loop) as runner:
            return runner.run(_story(world, seed, letters))


def memory() -> str | None:
    """A folder in memory, where the system has one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


async def _story(world: World, seed: int, letters: int) -> Result:
    office = make_office(world)
    faxes = [world.dice.random() < FAX_SHARE for _ in range(letters)]
    storm = max(STORM_LEAST, STORM_EACH * letters)
    await put_in(office, faxes, storm * 0.7)
    crew = Crew(world, storm)
    person = Process("ada", world.loop)
    person.start(people.live(world, make_office(world)))
    world.processes.append(person)
    await crew.storm()
    person.kill()
    world.weather.clear_up()
    crew.fair_weather()
    await people.resume(office)
    await until_decided(world, office)
    result = await _judge(world, office, seed, letters)
    await close_down(world, office)
    return result


async def close_down(world: World, office: Office) -> None:
    """Nobody is at work any more."""
    for process in world.processes:
        process.kill()
    for process in world.processes:
        await process.bury()
    await office.store.aclose()


@dataclass(slots=True)
class Crew:
    """The workers of the run, and what befalls them."""

    world: World
    seconds: float
    make: Callable[[World], Office] = make_office
    at_work: dict[str, Process] = field(default_factory=dict)

    async def storm(self) -> None:
        world = self.world
        for name in WORKERS:
            self.at_work[name] = start_worker(world, name, self.make)
        while world.loop.time() < self.seconds:
            await asyncio.sleep(world.dice.expovariate(1 / 30.0))
            self._strike()
            self._raise_the_dead()

    def _strike(self) -> None:
        world = self.world
        one = self.at_work[world.dice.choice(WORKERS)]
        if world.weather.happens(Fault.KILL):
            world.note("killed", one.name)
            one.kill()
        elif world.weather.happens(Fault.PAUSE) and not one.stopped and not one.dead:
            world.hold_up(one)
        if world.weather.happens(Fault.STEP):
            world.clock.ahead += timedelta(seconds=world.dice.uniform(-3600.0, 3600.0))

    def _raise_the_dead(self) -> None:
        """Somebody, or systemd, starts what has ended."""
        for name, process in self.at_work.items():
            if process.dead and self.world.dice.random() < 0.5:
                self.at_work[name] = start_worker(self.world, name, self.make)

    def fair_weather(self) -> None:
        for name, process in self.at_work.items():
            if process.dead:
                self.at_work[name] = start_worker(self.world, name, self.make)


_OPEN = """SELECT count(*) FROM delivery WHERE state IN ('queued', 'sending', 'deferred', 'held')
    OR (kind = 'fax' AND state = 'accepted') OR (kind = 'fax' AND state = 'in_doubt' AND due IS NOT NULL
    AND due - changed_at <= 600000000)"""


async def until_decided(world: World, office: Office) -> None:
    with sqlite3.connect(world.file) as connection:
        until = world.loop.time() + PATIENCE
        while world.loop.time() < until:
            await people.release_all(office)
            [(open_now,)] = connection.execute(_OPEN).fetchall()
            waking = any(one.stopped and not one.dead for one in world.processes)
            if not open_now and not world.post and not world.under_way and not waking:
                break
            await asyncio.sleep(60.0)
    connection.close()


async def _judge(world: World, office: Office, seed: int, letters: int) -> Result:
    held = people.copies(world)
    histories = await office.store.read(lambda connection: histories_of(connection, held))
    classes = [(classify(one), one) for one in histories]
    check = await audit_log.verify_audit(office)
    for one in histories:
        world.note(one.delivery.id, one.delivery.state, len(one.tries), one.copies)
    return Result(
        seed=seed,
        letters=len(histories),
        classes=Counter(each for each, _ in classes),
        wrong=(*(f"{each}: {one.delivery.id}" for each, one in classes if each not in ALLOWED), *world.defects),
        audit="; ".join(f"{one.seq} {one.what}" for one in check.findings),
        faults=world.weather.seen,
        attempts=sum(len(one.tries) for one in histories),
        seconds=world.loop.time(),
        record=world.record.hexdigest(),
    )


async def histories_of(connection: Any, held: Counter[str]) -> list[History]:
    retried: Counter[str] = Counter()
    knowingly: Counter[str] = Counter()
    given_up: set[str] = set()
    async for entry in audit.entries(connection):
        if entry.event.action == "delivery.retry":
            retried[entry.event.object] += 1
            knowingly[entry.event.object] += bool(entry.event.data.get("knowingly"))
        if gives_up_in_doubt(entry.event):
            given_up.add(entry.event.object)
    return [
        History(
            one,
            await attempts.of_delivery(connection, one.id),
            await _told(connection, one.id),
            retried[about],
            knowingly[about],
            about in given_up,
            held[one.id],
        )
        for one in await every_delivery(connection)
        for about in [f"delivery:{one.id}"]
    ]


async def _told(connection: Any, delivery_id: str) -> set[str]:
    """The tries of which evidence was heard."""
    heard = await attempts.evidence_of(connection, delivery_id)
    return {item["attempt_id"] for item in heard if item["applied"] and item["verdict"] != Verdict.UNKNOWN}
