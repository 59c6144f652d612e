"""The processes of a torture run: a worker with its door, the fax gateway, a watcher. Each is one main."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.model import Actor
from dispatcher.rehearsal.gateway import PUMP_EVERY, Gateway
from dispatcher.rehearsal.guard import loopback_only
from dispatcher.web.site import serve
from dispatcher.worker import Worker

from . import naive, verdict
from .place import FIGURES, SECRET, SPEED, Place, open_office

log = logging.getLogger(__name__)

TICK = 0.05
ROOM = 12
#: How a worker ends that meets something it was not built for; the run counts such ends.
DEFECT = 70


def worker(place: Place, number: int) -> None:
    """A worker's process: it works until it is killed. What it says goes to a file of its own."""
    _speak_into(place.folder / f"worker-{number}.log")
    if place.naive:
        naive.take_defences_out()
    with loopback_only():
        asyncio.run(_work(place, number))


def _speak_into(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, sys.stdout.fileno())
    os.dup2(handle, sys.stderr.fileno())
    logging.basicConfig(level=logging.WARNING, force=True, stream=sys.stderr)


async def _work(place: Place, number: int) -> None:
    asyncio.get_running_loop().set_exception_handler(_end)
    door = place.doors[number]
    async with open_office(place, door) as office, serve(office, "127.0.0.1", door):
        one = Worker(office, room=ROOM, name=Actor("worker", f"{number}-{os.getpid()}"))
        beating = asyncio.create_task(_beat(one))
        while not beating.done():
            await one.tick()
            await one.ask()
            await asyncio.sleep(TICK)


async def _beat(one: Worker) -> None:
    while True:
        await asyncio.sleep(FIGURES.lease.total_seconds() / SPEED / 3)
        await one.heartbeat()


def _end(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An exception that nobody took, in a task of the worker's: a defect, and the run has to see it."""
    loop.default_exception_handler(context)
    sys.stderr.flush()
    os._exit(DEFECT)


def gateway(place: Place, tell: Connection) -> None:
    """The fax gateway's process, in the run's own time; tells its address. What is sent twice, it takes twice."""
    with loopback_only():
        asyncio.run(_gate(place, tell))


async def _gate(place: Place, tell: Connection) -> None:
    late = timedelta(minutes=5)
    async with Gateway(place.fax_ledger, place.clock.now, SECRET, dedupe=False, late_by=late) as one:
        tell.send(one.url)
        while True:
            await one.pump()
            await asyncio.sleep(PUMP_EVERY)


def watcher(place: Place, tell: Connection) -> None:
    """Tells, about once a second, how many letters are not yet decided."""
    _speak_into(place.folder / "watcher.log")
    asyncio.run(_watch(place, tell))


async def _watch(place: Place, tell: Connection) -> None:
    async with open_office(place) as office:
        while True:
            began = time.monotonic()
            try:
                rows = await office.store.read(verdict.every_delivery)
                tell.send(sum(map(verdict.undecided, rows)))
            except (SQLAlchemyError, DispatcherError) as fault:  # its server has been killed; it comes back
                log.warning("cannot look: %s", fault)
            # Of thousands of letters each count costs something: it may take a tenth of the watcher's time.
            await asyncio.sleep(max(1, 10 * (time.monotonic() - began)))
