"""A worker in a process of its own that loses a folder, or its last free file handle, at a stated point of one send.

python tests/faults/starving.py POINT WHAT DATABASE ARCHIVE FOLDER RELAY_PORT ISO_TIME

WHAT is 'handles', or paths that become read-only, divided by ':'. Root first gives up what makes it exempt.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import sys
from datetime import datetime
from pathlib import Path

from dispatcher.archive import Archive
from dispatcher.channels.base import CommitPoint, Parcel, Permit
from dispatcher.channels.relay import Relay
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.clock import HandClock
from dispatcher.domain.model import Actor
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.schedule import Policy
from dispatcher.domain.words import Kind
from dispatcher.letters import Order, Rendered
from dispatcher.store.engine import Store
from dispatcher.usecases.office import Office
from dispatcher.worker import Worker


def give_up_capabilities() -> None:
    """Even root is then held to the modes of its own files (capset(2), version 3 of the header)."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None).capset(ctypes.byref(header), ctypes.byref(nothing)) != 0:
        raise OSError("capset")


def starve(what: str) -> None:
    """From here on the system itself refuses: EMFILE for every new handle, or EACCES below the paths."""
    if what == "handles":
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        return
    for path in map(Path, what.split(":")):
        for folder in (path, *(one for one in path.rglob("*") if one.is_dir())):
            folder.chmod(0o500)


class StarvingSmtp(SmtpChannel):
    """The real channel; the fault comes at one point of its conversation."""

    def __init__(self, relay: Relay, point: str, what: str) -> None:
        super().__init__([relay])
        self._point, self._what = point, what

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        async def starving_commit(sent: bytes) -> Permit:
            self._at("commit")
            return await commit(sent)

        outcome = await super().send(parcel, starving_commit)
        self._at("reply")
        return outcome

    def _at(self, point: str) -> None:
        if self._point == point:
            starve(self._what)


async def _never(order: Order) -> Rendered:
    raise AssertionError(f"a worker renders nothing: {order}")


async def main(point: str, what: str, database: str, archive: str, folder: str, port: str, now: str) -> None:
    give_up_capabilities()
    smtp = StarvingSmtp(Relay("rogue", "127.0.0.1", int(port), "none", hello="client.example"), point, what)
    office = Office(
        store=Store(database, 1.0),
        archive=Archive(Path(archive)),
        clock=HandClock(datetime.fromisoformat(now)),
        policy=Policy(),
        channels={"smtp": smtp},
        outgoing={Kind.EMAIL: "smtp"},
        render=_never,
        domain="coalition.example",
        return_path=lambda attempt_id: f"bounce-{attempt_id}@coalition.example",
        folder=Path(folder),
        guard=Checkpoint(Path(folder).parent / "guard"),
    )
    if point == "claim":
        starve(what)
    worker = Worker(office, name=Actor("worker", "starving"))
    await worker.tick()
    await worker.settle()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
