"""A worker in a process of its own that dies at a stated point, as by kill -9: no clean-up, no last word.

python tests/faults/dying.py POINT DATABASE ARCHIVE FOLDER RELAY_PORT ISO_TIME
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
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
from dispatcher.domain.seat import Seat, here
from dispatcher.domain.words import Kind
from dispatcher.letters import Order, Rendered
from dispatcher.store.engine import Store
from dispatcher.usecases.office import Office
from dispatcher.worker import Worker

KILLED = 137
POINTS = ("after_claim", "before_mark", "after_mark", "after_reply")


class DyingSmtp(SmtpChannel):
    """The real channel, in a process that ends at one point of its conversation."""

    def __init__(self, relay: Relay, point: str) -> None:
        super().__init__([relay])
        self._point = point

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        self._die_at("after_claim")

        async def dying_commit(sent: bytes) -> Permit:
            self._die_at("before_mark")
            permit = await commit(sent)
            self._die_at("after_mark")
            return permit

        outcome = await super().send(parcel, dying_commit)
        self._die_at("after_reply")
        return outcome

    def _die_at(self, point: str) -> None:
        if self._point == point:
            os._exit(KILLED)


def _elsewhere(machine: str) -> Seat:
    """On another host, where nobody here can see that it is gone: its leases have to end."""
    return replace(here(machine), host="elsewhere")


async def _never(order: Order) -> Rendered:
    raise AssertionError(f"a worker renders nothing: {order}")


async def main(point: str, database: str, archive: str, folder: str, port: str, now: str) -> None:
    smtp = DyingSmtp(Relay("rogue", "127.0.0.1", int(port), "none", hello="client.example"), point)
    office = Office(
        store=Store(database),
        archive=Archive(Path(archive)),
        clock=HandClock(datetime.fromisoformat(now)),
        policy=Policy(),
        channels={"smtp": smtp},
        outgoing={Kind.EMAIL: "smtp"},
        render=_never,
        domain="coalition.example",
        return_path=lambda delivery_id: f"bounce-{delivery_id}@coalition.example",
        folder=Path(folder),
        guard=Checkpoint(Path(folder).parent / "guard"),
    )
    await Worker(office, name=Actor("worker", "dying"), sits=_elsewhere).drain()
    await office.store.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
