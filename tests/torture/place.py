"""Where a torture run takes place: its clock, its figures, its folders and ports, and an Office over all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from desk.bare import FastClock

from dispatcher.archive import Archive
from dispatcher.channels.base import Channel
from dispatcher.channels.relay import Relay
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.schedule import RETRIES_BY_CAUSE, Policy, minutes
from dispatcher.domain.words import Kind
from dispatcher.letters import Order, Rendered
from dispatcher.store.engine import Store
from dispatcher.usecases.office import Office

SECRET = b"a key to torture with"
#: Seconds of the run's own time in one second: two minutes of patience are two seconds.
SPEED = 60.0
#: In the run's own time: the leases end after 1.5 s and 3 s.
FIGURES = Policy(
    causes={cause: minutes(*[2] * len(delays)) for cause, delays in RETRIES_BY_CAUSE.items()},
    retries={Kind.EMAIL: minutes(2, 2, 3, 3, 4, 4, 5, 5), Kind.FAX: minutes(1, 2, 3)},
    lease=timedelta(seconds=90),
    transmitting_lease=timedelta(seconds=180),
    proof_wait=timedelta(minutes=8),
)
#: In true seconds.
TIMEOUT = 1.0
BUSY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """All that the processes of one run have to know."""

    database: str
    folder: Path
    mail_port: int = 0
    fax_url: str = ""
    doors: tuple[int, ...] = ()  #: the port of each worker's door for callbacks
    naive: bool = False
    clock: FastClock = field(default_factory=lambda: FastClock(SPEED))

    @property
    def mail_ledger(self) -> Path:
        return self.folder / "mail.jsonl"

    @property
    def fax_ledger(self) -> Path:
        return self.folder / "fax" / "ledger.jsonl"


def _relay(name: str, port: int) -> Relay:
    return Relay(
        name,
        "127.0.0.1",
        port,
        "none",
        timeout_connect=TIMEOUT,
        timeout_reply=TIMEOUT,
        timeout_dot=TIMEOUT,
        connections=8,
        letters=20,
        hello="client.example",
    )


def _channels(place: Place, door: int) -> dict[str, Channel]:
    callback = f"http://127.0.0.1:{door}/callbacks/simulator"
    relays = [_relay(name, place.mail_port) for name in ("first", "second")]
    fax = SimulatorChannel(place.fax_url, SECRET, callback, timeout=TIMEOUT, now=place.clock.now)
    return {"smtp": SmtpChannel(relays), "simulator": fax}


async def _never(order: Order) -> Rendered:
    raise AssertionError(f"a worker renders nothing: {order}")


@asynccontextmanager
async def open_office(place: Place, door: int = 0) -> AsyncIterator[Office]:
    """An Office whose callbacks come to the port `door`; 0 where nobody calls."""
    channels = _channels(place, door)
    store = Store(place.database, BUSY_SECONDS)
    try:
        yield Office(
            store=store,
            archive=Archive(place.folder / "archive"),
            clock=place.clock,
            policy=FIGURES,
            channels=channels,
            outgoing={Kind.EMAIL: "smtp", Kind.FAX: "simulator"},
            render=_never,
            domain="coalition.example",
            return_path=lambda attempt_id: f"bounce-{attempt_id}@coalition.example",
            folder=place.folder / "office",
            guard=Checkpoint(place.folder / "guard"),
        )
    finally:
        for channel in channels.values():
            await channel.aclose()
        await store.aclose()
