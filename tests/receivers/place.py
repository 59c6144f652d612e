"""Where letters are sent from to a real receiver: a fast clock, an Office over one relay, and workers in processes."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from desk import bare
from desk.bare import DOMAIN, ENTITY, FastClock, letter_of, mission, queued

from dispatcher.archive import Archive
from dispatcher.channels.relay import Relay
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.model import Actor, Address
from dispatcher.domain.schedule import Policy, minutes
from dispatcher.domain.words import Kind
from dispatcher.letters import Order, Rendered
from dispatcher.rehearsal.guard import loopback_only
from dispatcher.store.engine import Store
from dispatcher.usecases.office import Office
from dispatcher.worker import Worker

CAMPAIGN = "receivers"
WORKERS, ROOM = 2, 40
#: Seconds of true time.
TICK, TIMEOUT = 0.1, 10.0

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Place:
    """All that the processes of one run have to know."""

    database: str
    folder: Path
    port: int
    clock: FastClock

    @property
    def figures(self) -> Policy:
        """Leases of true seconds, whatever the clock's speed."""
        second = timedelta(seconds=self.clock.speed)
        return Policy(
            retries={Kind.EMAIL: minutes(*[2] * 20), Kind.FAX: minutes(2)},
            lease=6 * second,
            transmitting_lease=3 * TIMEOUT * second,
        )


async def _never(order: Order) -> Rendered:
    raise AssertionError(f"a worker renders nothing: {order}")


def relay(place: Place) -> Relay:
    times = {"timeout_connect": TIMEOUT, "timeout_reply": TIMEOUT, "timeout_dot": TIMEOUT}
    return Relay("real", "127.0.0.1", place.port, "none", connections=16, hello="client.example", **times)


@asynccontextmanager
async def open_office(place: Place, **more: Any) -> AsyncIterator[Office]:
    """An Office with the one relay."""
    channel, store = more.pop("channel", None) or SmtpChannel([relay(place)]), Store(place.database, 30.0)
    try:
        yield Office(
            store=store,
            archive=Archive(place.folder / "archive"),
            clock=place.clock,
            policy=place.figures,
            channels={"smtp": channel},
            outgoing={Kind.EMAIL: "smtp"},
            render=_never,
            domain=DOMAIN,
            return_path=lambda attempt_id: f"bounce-{attempt_id}@{DOMAIN}",
            folder=place.folder / "office",
            guard=Checkpoint(place.folder / "guard"),
            **more,
        )
    finally:
        await channel.aclose()
        await store.aclose()


# -- the letters ---------------------------------------------------------------------------------------------------


async def put_in(place: Place, letters: int, seconds: float) -> None:
    """Queue so many letters as a launch would, which fall due evenly over so many true seconds."""
    people = [mission(number, Address(Kind.EMAIL, f"mission-{number}@ardesia.example")) for number in range(letters)]
    async with open_office(place) as office:
        frozen = letter_of(CAMPAIGN, {"entity": await office.archive.put(ENTITY)})
        now, pause = office.clock.now(), timedelta(seconds=seconds * place.clock.speed / letters)
        rows = [queued(one, frozen, now, now + pause * number) for number, one in enumerate(people)]
        await office.store.write(lambda connection: bare.put_in(connection, people, [frozen], rows, now))


# -- the workers ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Crew:
    """The workers of a run, each in a process of its own."""

    place: Place
    _all: list[BaseProcess] = field(default_factory=list)

    def start(self) -> None:
        for number in range(WORKERS):
            self._all.append(self._new(number))

    def kill(self, number: int) -> None:
        """One ends in the middle of whatever it does, and another one takes its place."""
        self._all[number].kill()
        self._all[number].join()
        self._all[number] = self._new(number)

    @property
    def well(self) -> bool:
        """Did none end by itself?"""
        return all(one.exitcode is None for one in self._all)

    def end(self) -> None:
        for one in self._all:
            one.terminate()
            one.join(10)
            one.kill()
            one.join()

    def _new(self, number: int) -> BaseProcess:
        process = _fork.Process(target=_worker, args=(self.place, number), daemon=True)
        process.start()
        return process


def _worker(place: Place, number: int) -> None:
    handle = os.open(place.folder / f"worker-{number}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, sys.stdout.fileno())
    os.dup2(handle, sys.stderr.fileno())
    logging.basicConfig(level=logging.WARNING, force=True, stream=sys.stderr)
    with loopback_only():
        asyncio.run(_work(place, number))


async def _work(place: Place, number: int) -> None:
    async with open_office(place) as office:
        one = Worker(office, room=ROOM, batch=ROOM, name=Actor("worker", f"{number}-{os.getpid()}"))
        beating = asyncio.create_task(_beat(one))
        while not beating.done():
            await one.tick()
            await one.ask()
            await asyncio.sleep(TICK)
        await beating


async def _beat(one: Worker) -> None:
    while True:
        await asyncio.sleep(2)
        await one.heartbeat()
