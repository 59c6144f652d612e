"""A worker of the simulation: the real Worker over a real Office; only what is outside of them is the world's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import httpx2

from dispatcher.archive import Archive
from dispatcher.channels.relay import Relay
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.model import Actor
from dispatcher.domain.schedule import Policy, minutes
from dispatcher.domain.seat import Seat
from dispatcher.domain.words import Kind
from dispatcher.letters import Order, Rendered
from dispatcher.store.engine import Store
from dispatcher.usecases import guard
from dispatcher.usecases.hear import take
from dispatcher.usecases.office import Office
from dispatcher.worker import Worker

from . import driver
from .fax import Line
from .loop import Process
from .world import World

FIGURES = Policy(
    retries={Kind.EMAIL: minutes(2, 5, 10, 20, 20, 20), Kind.FAX: minutes(2, 5, 10)},
    lease=timedelta(seconds=60),
    transmitting_lease=timedelta(seconds=120),
    proof_wait=timedelta(hours=2),
)
#: Seconds: of the database's patience, of the relay's, and between two looks of an idle worker.
BUSY, REPLY, IDLE = 30.0, 25.0, (5.0, 20.0)
#: An idle worker looks less and less often: this many times as rarely at the most.
LAZIEST = 8


async def _never(order: Order) -> Rendered:
    raise AssertionError(f"a worker renders nothing: {order}")


def make_office(world: World) -> Office:
    relay = Relay("relay", "127.0.0.1", 25, "none", timeout_connect=REPLY, timeout_reply=REPLY, timeout_dot=REPLY)
    client = httpx2.AsyncClient(transport=Line(world, world.gateway), timeout=REPLY, trust_env=False)
    fax = SimulatorChannel("http://gateway", world.secret, "http://door", client=client, now=world.clock.now)
    return Office(
        store=Store(f"{driver.SCHEME}:///{world.file}", BUSY),
        archive=Archive(world.folder / "archive"),
        clock=world.clock,
        policy=FIGURES,
        channels={"smtp": SmtpChannel([relay], world.loop.time), "simulator": fax},
        outgoing={Kind.EMAIL: "smtp", Kind.FAX: "simulator"},
        render=_never,
        domain="coalition.example",
        return_path=lambda attempt_id: f"bounce-{attempt_id}@coalition.example",
        folder=world.folder / "office",
        guard=Checkpoint(world.folder / "guard", "machine"),
    )


def start_worker(world: World, name: str, make: Callable[[World], Office] = make_office) -> Process:
    """A new process, with a name of its own: nobody waits until its forerunner counts as lost."""
    process = Process(f"{name}-{len(world.processes)}", world.loop)
    world.processes.append(process)
    process.start(_run(world, process, make))
    return process


async def _run(world: World, process: Process, make: Callable[[World], Office]) -> None:
    office = make(world)
    while not await _comes_up(office):
        await asyncio.sleep(10.0)
    world.doors.append((process, office))
    place = Seat(process.name, "", "", "", 0, 0)  # as on a host of its own: its leases have to end
    worker = Worker(office, room=12, name=Actor("worker", process.name), sits=lambda _: place)
    loops = (
        _every(world, (world.beat, world.beat), worker.heartbeat),
        _every(world, (600.0, 660.0), worker.note),
        _every(world, (10.0, 40.0), lambda: _fetch(world, office)),
        _work(world, worker),
    )
    await asyncio.gather(*loops)


async def _comes_up(office: Office) -> bool:
    try:
        await guard.enter(office)
    except (DispatcherError, OSError) as fault:
        logging.getLogger(__name__).info("does not come up: %s", fault)
        return False
    return True


async def _work(world: World, worker: Worker) -> None:
    idle = 0
    while True:
        done = await _as_the_clock_does(world, worker.tick) + await _as_the_clock_does(world, worker.ask)
        idle = 0 if done else min(idle + 1, LAZIEST)
        await asyncio.sleep(world.dice.uniform(*IDLE) * idle if idle else world.turn)


async def _every(world: World, seconds: tuple[float, float], doing: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    while True:
        await asyncio.sleep(world.dice.uniform(*seconds))
        await _as_the_clock_does(world, doing)


async def _as_the_clock_does(world: World, doing: Callable[[], Coroutine[Any, Any, Any]]) -> int:
    """APScheduler puts down what a job raises and goes on. What is no trouble of this world is a defect of ours."""
    try:
        return await doing() or 0
    except (DispatcherError, OSError):
        return 0
    except Exception as fault:  # noqa: BLE001  # it fails the run, at its end
        world.defects.append(repr(fault))
        return 0


async def _fetch(world: World, office: Office) -> None:
    """Reads the mailbox: a report leaves it when it was taken, never before."""
    for report in list(world.post):
        try:
            await take(office, report, "channel:smtp")
        except (DispatcherError, OSError):
            return
        if report in world.post:
            world.post.remove(report)
