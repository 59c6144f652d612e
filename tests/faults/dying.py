"""A worker in a process of its own to which something happens at stated points: it dies as by kill -9, is stopped as a
virtual machine is, or the database answers with an error. See points.py for the points.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
from points import watch

from dispatcher.archive import Archive
from dispatcher.channels.posting import client
from dispatcher.channels.relay import Relay
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.clock import HandClock
from dispatcher.domain.model import Actor
from dispatcher.domain.schedule import Policy
from dispatcher.domain.seat import Seat, here
from dispatcher.domain.words import Kind
from dispatcher.intake.almanac_files import shipped
from dispatcher.letters import Order, Rendered
from dispatcher.store.engine import Store
from dispatcher.usecases import dispatch
from dispatcher.usecases.office import Office
from dispatcher.worker import Worker

KILLED = 137
# What an office reads once a process is read before the children are born: the calendars, the authorities to trust.
shipped()
client(1.0)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the desk's things are, for a process that works with them too."""

    database: str
    folder: Path
    relay_port: int
    gateway: str
    secret: bytes
    callback: str
    now: datetime
    permit: float  #: seconds between the record and the dot


def die() -> None:
    """No clean-up, no last word."""
    os._exit(KILLED)


def stop() -> None:
    """Until somebody says SIGCONT."""
    os.kill(os.getpid(), signal.SIGSTOP)


def fail_as(database: str) -> Callable[[], None]:
    """What the database says, through its own driver, on a disk that gives errors."""
    fault = sqlite3.OperationalError if database.startswith("sqlite") else psycopg.OperationalError

    def fail() -> None:
        raise fault("disk I/O error")

    return fail


def _elsewhere(machine: str) -> Seat:
    """On another host, where nobody here can see that it is gone: its leases have to end."""
    return replace(here(machine), host="elsewhere")


async def _never(order: Order) -> Rendered:
    raise AssertionError(f"a worker renders nothing: {order}")


def office_at(places: Places) -> Office:
    """An office over the desk's database, folders and far ends."""
    # Whoever wakes after a long sleep finds the reply and the end of its patience at once: the reply shall be first.
    relay = Relay(
        "rogue", "127.0.0.1", places.relay_port, "none", hello="client.example", timeout_reply=60, timeout_dot=60
    )
    now = HandClock(places.now)
    fax = SimulatorChannel(places.gateway, places.secret, places.callback, timeout=60, now=now.now)
    return Office(
        store=Store(places.database),
        archive=Archive(places.folder / "archive"),
        clock=now,
        policy=Policy(),
        channels={"smtp": SmtpChannel([relay]), "simulator": fax},
        outgoing={Kind.EMAIL: "smtp", Kind.FAX: "simulator"},
        render=_never,
        domain="coalition.example",
        return_path=lambda attempt_id: f"bounce-{attempt_id}@coalition.example",
        folder=places.folder / "office",
        guard=Checkpoint(places.folder / "guard"),
    )


async def _work(places: Places, acts: Mapping[str, str]) -> None:
    dispatch.PERMIT_SECONDS = places.permit
    office = office_at(places)

    doing = {"die": die, "stop": stop, "fail": fail_as(places.database)}
    slept: set[str] = set()

    def reached(point: str) -> None:
        act = acts.get(point, "")
        if act and point not in slept:
            slept.update({point} if act == "stop" else ())  # a worker that wakes may come to the same point again
            doing[act]()

    watch(office.store, reached)
    await Worker(office, name=Actor("worker", "dying"), sits=_elsewhere).drain()
    for channel in office.channels.values():
        await channel.aclose()
    await office.store.aclose()


def work(line: Connection) -> None:
    """Everything that is due now, as a worker does it. From the line come its Places, and what happens where."""
    places, acts = line.recv()
    asyncio.run(_work(places, acts))
