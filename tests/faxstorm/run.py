"""Storms of faxes: python -m faxstorm.run --faxes 2000 --seed 1, with tests/ on the path; `make faxstorm` does it.

Storm after storm until so many faxes are through, then a naive variant, which must be caught in all three ways:
otherwise the harness has no teeth. Exit code 0: no number was called twice at once, no letter faxed twice unseen, no
try stayed open past its deadline, and the naive variant was caught.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from desk.databases import migrated_sqlite
from simulation import runs
from simulation.checker import ALLOWED, Class, History, classify
from simulation.faults import Fault
from simulation.loop import Process
from simulation.naive import without_defences
from simulation.runs import Crew

from dispatcher.store import audit, deliveries
from dispatcher.usecases import audit_log, sweep
from dispatcher.usecases.office import Office

from . import storm, telephones
from .storm import StormWorld, Watch
from .telephones import Call

#: Faxes of one storm, and simulated seconds of it for each.
EACH, SECONDS, LEAST = 250, 5.0, 600.0


#: Many answers are lost, so that whoever tries again unasked is soon seen.
UNSAID = {**storm.MIX, Fault.FAX_UNSAID: 0.3, Fault.FAX_FAILS_TAKEN: 0.2}


@dataclass(frozen=True, slots=True)
class Result:
    """What one storm came to."""

    seed: int
    classes: Counter[Class]
    faults: Counter[Fault]
    calls: Counter[str]  #: by their ends
    twice_at_once: tuple[str, ...]
    late: tuple[str, ...]
    wrong: tuple[str, ...]  #: '<class> <id>' of everything that must not be, and what our code raised
    closed: int  #: how often a gateway was closed to letters
    moved: int  #: letters that went by more than one gateway
    seconds: float  #: simulated
    record: str

    @property
    def faults_found(self) -> tuple[str, ...]:
        return (*self.twice_at_once, *self.late, *self.wrong)


def run(seed: int, faxes: int, template: Path, mix: Mapping[Fault, float] | None = None) -> Result:
    """One storm. `template` is a migrated, empty database file; `mix`: how often faults happen."""
    with tempfile.TemporaryDirectory(prefix="faxstorm-", dir=runs.memory()) as name:
        world = StormWorld(seed, Path(name))
        world.weather.rates |= mix or {}
        shutil.copy(template, world.file)
        with world.in_force(), asyncio.Runner(loop_factory=lambda: world.loop) as runner:
            return runner.run(_story(world, seed, faxes))


async def _story(world: StormWorld, seed: int, faxes: int) -> Result:
    office = storm.make_office(world)
    seconds = max(LEAST, SECONDS * faxes)
    await storm.put_in(office, faxes, seconds * 0.7)
    watch, crew, person = Watch(world), Crew(world, seconds, storm.make_office), Process("ada", world.loop)
    person.start(storm.live(world, storm.make_office(world)))
    world.processes.append(person)
    watching = world.outside(watch.keep())
    await crew.storm()
    person.kill()
    world.weather.clear_up()
    crew.fair_weather()
    await storm.reopen(office, *storm.GATEWAYS)
    tidying = world.outside(storm.tidy(office))
    await runs.until_decided(world, office)
    for task in (watching, tidying):
        task.cancel()
    result = await _judge(world, office, seed, watch)
    await runs.close_down(world, office)
    return result


async def _judge(world: StormWorld, office: Office, seed: int, watch: Watch) -> Result:
    calls = world.telephones.calls
    held = telephones.copies(calls)
    histories = await office.store.read(lambda connection: runs.histories_of(connection, held))
    classes = [(classify(one), one) for one in histories]
    check = await audit_log.verify_audit(office)
    wrong = [f"{each}: {one.delivery.id}" for each, one in classes if each not in ALLOWED]
    wrong += printed_unseen(calls, histories)
    wrong += [f"audit log: {one.seq} {one.what}" for one in check.findings]
    for one in histories:
        world.note(one.delivery.id, one.delivery.state, len(one.tries), one.copies)
    return Result(
        seed=seed,
        classes=Counter(each for each, _ in classes),
        faults=world.weather.seen,
        calls=Counter(one.code for one in calls),
        twice_at_once=tuple(telephones.at_once(calls)),
        late=tuple(watch.late.values()),
        wrong=(*wrong, *world.defects),
        closed=await office.store.read(_closings),
        moved=sum(len({one.channel for one in each.tries}) > 1 for each in histories),
        seconds=world.loop.time(),
        record=world.record.hexdigest(),
    )


def printed_unseen(calls: Sequence[Call], histories: Sequence[History]) -> Iterator[str]:
    """Pages that came out of a machine again, unasked, without the mark that says so, or more than once again.

    And each page that came out is one of those that are on record as having left.
    """
    out = telephones.printings(calls)
    for one in histories:
        tries = {each.id: each for each in one.tries}
        found = out.get(one.delivery.id, [])
        if any(call.document != tries[call.reference].sent_digest for call in found):
            yield f"{one.delivery.id}: other pages came out than are on record"
        if one.retries:
            continue  # a person had a word in it
        if len(found) > 2 or any("header_again" not in tries[call.reference].facts for call in found[1:]):
            yield f"{one.delivery.id}: pages came out {len(found)} times, unasked and unmarked"


async def _closings(connection: Any) -> int:
    return sum([1 async for entry in audit.entries(connection) if entry.event.action == "route.closed"])


@contextmanager
def naive() -> Iterator[None]:
    """A number is free once a gateway took its fax, what nobody knows is sent again, and no lease ever ends."""
    sending = [deliveries.delivery.c.lane.not_in(deliveries._NUMBERS_BEING_CALLED)]
    roads = {state: road for state, road in sweep._ROADS.items() if state is not sweep.State.SENDING}
    with (
        without_defences(),
        patch.object(deliveries, "_free_roads", lambda *_: sending),
        patch.object(deliveries, "_due_rows", deliveries._due_rows.__wrapped__),
        patch.object(sweep, "_ROADS", roads),
        patch.object(runs, "PATIENCE", 3600.0),  # what never ends is not waited for
    ):
        yield


@dataclass(slots=True)
class Sum:
    """What several storms came to together."""

    storms: list[Result] = field(default_factory=list)

    @property
    def faxes(self) -> int:
        return sum(sum(one.classes.values()) for one in self.storms)

    def lines(self, seconds: float) -> Iterator[str]:
        classes: Counter[Class] = Counter()
        faults: Counter[Fault] = Counter()
        calls: Counter[str] = Counter()
        for one in self.storms:
            classes, faults, calls = classes + one.classes, faults + one.faults, calls + one.calls
        yield f"{self.faxes:,} faxes in {len(self.storms)} storms, {calls.total():,} calls; {seconds:,.0f} s of ours"
        yield "letters: " + ", ".join(f"{each}: {count:,}" for each, count in classes.most_common())
        yield "calls: " + ", ".join(f"{each}: {count:,}" for each, count in calls.most_common())
        yield "faults: " + ", ".join(f"{each}: {count:,}" for each, count in faults.most_common())
        closed, moved = sum(one.closed for one in self.storms), sum(one.moved for one in self.storms)
        yield f"gateways closed to letters {closed:,} times; {moved:,} letters went by more than one gateway"
        for what, found in (
            ("numbers called twice at once", [fault for one in self.storms for fault in one.twice_at_once]),
            ("tries open past their deadline", [fault for one in self.storms for fault in one.late]),
            ("letters faxed twice unseen, lost or otherwise wrong", [f for one in self.storms for f in one.wrong]),
        ):
            yield f"{what}: {len(found)}" + "".join(f"\n  {fault}" for fault in found[:5])


def main() -> int:
    parser = argparse.ArgumentParser(prog="faxstorm", description=__doc__)
    parser.add_argument("--faxes", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--each", type=int, default=EACH, help="faxes of one storm")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    gc.set_threshold(50_000, 20, 50)
    print(f"seed {given.seed}, {given.each} faxes each", flush=True)
    with tempfile.TemporaryDirectory(prefix="faxstorm-") as name:
        migrated_sqlite(Path(name))
        template = Path(name) / "dispatcher.db"
        began, total, seed = time.perf_counter(), Sum(), given.seed
        while total.faxes < given.faxes:
            done = run(seed, min(given.each, given.faxes - total.faxes), template)
            total.storms.append(done)
            print(f"{total.faxes:,} faxes" + (f", FAILED: --seed {seed}" if done.faults_found else ""), flush=True)
            seed += 1
        print("\n".join(total.lines(time.perf_counter() - began)), flush=True)
        toothless = not _bites(given.seed, template)
    return 1 if toothless or any(one.faults_found for one in total.storms) else 0


def _bites(seed: int, template: Path) -> bool:
    with naive():
        done = run(seed, 60, template, UNSAID)
    unseen = done.classes[Class.DUPLICATE_SILENT]
    at_once, late = len(done.twice_at_once), len(done.late)
    print(
        f"the naive variant: {at_once} numbers called twice at once, {unseen} letters twice unseen, {late} tries late"
    )
    return bool(done.twice_at_once and unseen and done.late)


if __name__ == "__main__":
    sys.exit(main())
