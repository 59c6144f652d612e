"""One torture run: the far ends and a few workers over a seeded database, and the hand that kills them at random."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from desk.databases import Databases

from dispatcher.rehearsal.ledger import Ledger

from . import letters, processes, server, verdict
from .place import Place, open_office
from .verdict import Report

#: One strike in so many is a SIGSTOP instead of a kill, for so many seconds: longer than the leases, and sometimes than
#: a permit.
STOP_SHARE, STOPPED_FOR = 0.12, (1.6, 6.5)
#: PostgreSQL's server is killed, as by a power cut, once in so many kills, and at least twice.
KILLS_A_CRASH, FEWEST_CRASHES = 250, 2
#: Seconds after the last strike in which no letter is decided any more: those that are left are stuck. Without our
#: defences some always are.
PATIENCE, PATIENCE_NAIVE = 120.0, 20.0

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One run: what, and how much of it."""

    database: str
    letters: int
    kills: int
    seed: int
    pace: float = 0.45  #: seconds between two strikes, on average; the letters fall due over the same time
    naive: bool = False
    workers: int = 4

    @property
    def name(self) -> str:
        return f"{self.database}, naive" if self.naive else self.database

    @property
    def seconds(self) -> float:
        return self.kills * self.pace

    @property
    def crashes(self) -> int:
        """How often the database's server is killed."""
        return max(FEWEST_CRASHES, self.kills // KILLS_A_CRASH) if self.database == "postgresql" else 0

    @property
    def patience(self) -> float:
        return PATIENCE_NAIVE if self.naive else PATIENCE


@dataclass(slots=True)
class Done:
    """What the run did, and what it met."""

    kills: int = 0
    stops: int = 0
    crashes: int = 0  #: of the database's server
    defects: int = 0  #: workers that ended by themselves
    seconds: float = 0.0


def run(wanted: Wanted, databases: Databases, folder: Path) -> tuple[Done, Report]:
    """One run from seed to verdict."""
    with _place(wanted, databases, folder) as place:
        asyncio.run(letters.put_in(place, wanted.letters, wanted.seconds, wanted.seed))
        done = _Torturer(place, wanted, databases, random.Random(wanted.seed)).run()
    return done, asyncio.run(_judge(place))


async def _judge(place: Place) -> Report:
    async with open_office(place) as office:
        taken = verdict.took(Ledger(place.mail_ledger).entries(), Ledger(place.fax_ledger).entries())
        return verdict.report(await verdict.read(office, taken), await verdict.audit_faults(office))


@contextmanager
def _place(wanted: Wanted, databases: Databases, folder: Path) -> Iterator[Place]:
    """A fresh database and the far ends, each in a process of its own."""
    place = Place(
        databases.fresh(wanted.database, folder), folder, doors=_free_ports(wanted.workers), naive=wanted.naive
    )
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        mine, theirs = _fork.Pipe()
        _start(stack, server.main, listening, place.mail_ledger, wanted.seed)
        _start(stack, processes.gateway, place, theirs)
        yield replace(place, mail_port=listening.getsockname()[1], fax_url=mine.recv())


def _start(stack: ExitStack, main: Callable[..., None], *given: Any) -> BaseProcess:
    process = _fork.Process(target=main, args=given, daemon=True)
    process.start()
    stack.callback(process.join)
    stack.callback(process.kill)
    return process


def _free_ports(count: int) -> tuple[int, ...]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = tuple(one.getsockname()[1] for one in taken)
    for one in taken:
        one.close()
    return ports


@dataclass(slots=True)
class _Torturer:
    """Keeps the workers running, and kills them."""

    place: Place
    wanted: Wanted
    databases: Databases
    dice: random.Random
    done: Done = field(default_factory=Done)
    _workers: dict[int, BaseProcess] = field(default_factory=dict)
    _stopped: dict[int, float] = field(default_factory=dict)  #: worker → when it is woken
    _left: int = -1  #: letters not yet decided; -1 before anybody has counted
    _fewest: float = math.inf  #: letters that were left at the best count
    _moved: float = 0.0  #: when something was last struck, or decided
    _told: int = -1

    def run(self) -> Done:
        """Until every letter is decided, or none was for as long as patience lasts: a slow machine is no fault."""
        began = time.monotonic()
        with ExitStack() as stack:
            mine, theirs = _fork.Pipe()
            _start(stack, processes.watcher, self.place, theirs)
            for number in range(self.wanted.workers):
                self._start(number)
            stack.callback(self._end_all)
            self._strike_until_decided(mine)
        self.done.seconds = time.monotonic() - began
        return self.done

    def _strike_until_decided(self, watcher: Connection) -> None:
        following = self._moved = time.monotonic()
        while time.monotonic() < self._moved + self.wanted.patience and not (self._enough and self._left == 0):
            self._mend()
            if watcher.poll():
                self._count(watcher.recv())
            if time.monotonic() >= following and not self._enough:
                self._strike()
                self._left = -1  # whatever was counted was counted before
                self._moved = time.monotonic()
                following = self._moved + self.dice.expovariate(1 / self.wanted.pace)
            time.sleep(0.01)

    def _count(self, left: int) -> None:
        self._left = left
        if left < self._fewest:
            self._fewest, self._moved = left, time.monotonic()
        self._tell()

    @property
    def _enough(self) -> bool:
        return self.done.kills >= self.wanted.kills

    def _start(self, number: int) -> None:
        self._workers[number] = _fork.Process(target=processes.worker, args=(self.place, number), daemon=True)
        self._workers[number].start()

    def _mend(self) -> None:
        """Wake who has slept long enough, and replace who ended by itself."""
        for number, until in list(self._stopped.items()):
            if time.monotonic() >= until:
                del self._stopped[number]
                self._signal(number, signal.SIGCONT)
        for number, one in list(self._workers.items()):
            if one.exitcode is not None:
                self.done.defects += 1
                self._start(number)

    def _strike(self) -> None:
        number = self.dice.choice([number for number in self._workers if number not in self._stopped])
        if not self._stopped and self.dice.random() < STOP_SHARE:
            self._signal(number, signal.SIGSTOP)
            self._stopped[number] = time.monotonic() + self.dice.uniform(*STOPPED_FOR)
            self.done.stops += 1
            return
        self._kill(number)
        self.done.kills += 1
        self._start(number)
        if self._crash_is_due():
            self.databases.crash_postgresql()
            self.done.crashes += 1

    def _crash_is_due(self) -> bool:
        every = self.wanted.kills / (self.wanted.crashes + 1)
        return self.done.crashes < self.wanted.crashes and self.done.kills >= every * (self.done.crashes + 1)

    def _kill(self, number: int) -> None:
        self._signal(number, signal.SIGKILL)
        self._workers[number].join()

    def _signal(self, number: int, which: signal.Signals) -> None:
        pid = self._workers[number].pid
        assert pid is not None  # it was started
        if self._workers[number].exitcode is None:
            os.kill(pid, which)

    def _end_all(self) -> None:
        for number in self._workers:
            self._kill(number)

    def _tell(self) -> None:
        """Progress: on a terminal one line that changes, elsewhere a line now and then."""
        line = (
            f"{self.wanted.name}: {self.wanted.letters - self._left}/{self.wanted.letters} letters decided, "
            f"{self.done.kills}/{self.wanted.kills} kills, {self.done.stops} stops"
        )
        if sys.stdout.isatty():
            sys.stdout.write(f"\r{line}  ")
            sys.stdout.flush()
        elif self._told < 0 or self.done.kills - self._told >= 25:
            print(line, flush=True)
            self._told = self.done.kills
