"""The office that sends over the line: our letters, the HylaFAX channel, our worker; and what they left behind."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from desk.bare import DOMAIN, FastClock, mission, put_in, queued
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.archive import Archive
from dispatcher.channels.base import Parcel, Permit
from dispatcher.channels.hylafax import Calls, HylafaxChannel
from dispatcher.channels.hylafax_wire import Server
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.model import Actor, Address, Attempt, Contact, Delivery, Letter, Sender
from dispatcher.domain.schedule import Policy, minutes
from dispatcher.domain.words import Cause, Kind, State
from dispatcher.letters import Order, Printer, Rendered
from dispatcher.letters.header_line import FaxHeader
from dispatcher.resources import resource
from dispatcher.store import attempts, deliveries
from dispatcher.store.engine import Store
from dispatcher.usecases.office import Office
from dispatcher.worker import Worker

from .rig import PASSWORD, SENDER, USER

#: Our clock runs so many times as fast as the line: a gateway is asked again after minutes.
SPEED = 200.0
#: Nobody calls again within a run, but where the line was busy.
_LATER = minutes(20_000)
_AGAIN = dict.fromkeys((Cause.FAX_NO_ANSWER, Cause.FAX_NO_CARRIER_MID_PAGE, Cause.FAX_PARTIAL), _LATER)
#: Leases of true minutes; and proof is awaited for longer than the calls of a run take, one after the other.
_POLICY = Policy(
    causes=_AGAIN,
    lease=timedelta(hours=10),
    transmitting_lease=timedelta(hours=20),
    proof_wait=timedelta(days=10),
)
_HEAD = "---\nsubject: Protection of civilians\nlanguage: en\nclosing: Sincerely,\n---\n"


@dataclass
class Place:
    """All that one office needs."""

    folder: Path
    database: str
    port: int
    clock: FastClock = field(default_factory=lambda: FastClock(SPEED))

    @property
    def server(self) -> Server:
        return Server("127.0.0.1", self.port, USER, PASSWORD, timeout=20)

    @asynccontextmanager
    async def office(self) -> AsyncIterator[Office]:
        store = Store(self.database, 30.0)
        channel = HylafaxChannel(self.server, Calls(keeps=timedelta(days=35)), now=self.clock.now)
        try:
            yield Office(
                store=store,
                archive=Archive(self.folder / "archive"),
                clock=self.clock,
                policy=_POLICY,
                channels={"hylafax": channel},
                outgoing={Kind.FAX: "hylafax"},
                render=_never,
                domain=DOMAIN,
                return_path=lambda _: "",
                folder=self.folder / "office",
                fax_header=FaxHeader(SENDER, "Europe/Berlin"),
                guard=Checkpoint(self.folder / "guard"),
            )
        finally:
            await channel.aclose()
            await store.aclose()


async def _never(order: Order) -> Rendered:
    raise AssertionError(f"a worker renders nothing: {order}")


# -- letters -----------------------------------------------------------------------------------------------------------


def rendered(folder: Path, body: str) -> Rendered:
    """A letter of this text, as our own press makes it."""
    templates = folder / "templates"
    if not templates.exists():
        shutil.copytree(resource("templates"), templates)
        (templates / "letters/own").mkdir()
    (templates / "letters/own/en.md").write_text(_HEAD + body, encoding="utf-8")
    contact = Contact(
        id="mission",
        honorific="H.E. Ms.",
        name="Ada Example",
        office="Ambassador and Permanent Representative",
        organisation="Permanent Mission of Ardesia to the United Nations",
        postal=("Rue de Varembé 1", "1202 Geneva"),
        country="Switzerland",
        state="Ardesia",
        language="en",
        time_zone="Europe/Zurich",
        salutation="Excellency,",
        addresses=(),
    )
    sender = Sender("Megan Burke", "Director", f"director@{DOMAIN}", "Geneva")
    return Printer(templates).render(Order("own", "cluster-munition-coalition", contact, (), sender, date(2026, 3, 2)))


async def keep(office: Office, first: int, made: Sequence[Rendered]) -> list[Letter]:
    """Freeze the letters, each of a campaign of its own, so that none follows another."""
    letters = []
    for one in made:
        campaign = f"line-{first}-{one.fax_pages}"
        parts = await office.archive.put_all({name: one.parts[name] for name in ("tiff", "fax_pdf")})
        digest = hashlib.sha256(campaign.encode()).hexdigest()
        counts = (one.pages, one.fax_pages)
        letters.append(Letter(digest, campaign, 0, f"mission-{first}", one.subject, "en", *counts, parts))
    return letters


async def queue(
    office: Office, first: int, letters: Sequence[Letter], wanted: Sequence[tuple[str, Letter]]
) -> list[Delivery]:
    """A delivery to each number, in this order: as a launch leaves them. Contacts are counted from `first`."""
    now = office.clock.now()
    people = [mission(at, Address(Kind.FAX, number)) for at, (number, _) in enumerate(wanted, first)]
    rows = [
        queued(person, letter, now, now + timedelta(minutes=at))
        for at, (person, (_, letter)) in enumerate(zip(people, wanted, strict=True))
    ]

    async def unit(connection: AsyncConnection) -> None:
        for letter in letters:
            theirs = [row for row in rows if row.campaign_id == letter.campaign_id]
            await put_in(connection, people, [letter], theirs, now)

    await office.store.write(unit)
    return rows


def bare(number: str, reference: str) -> Parcel:
    """One letter as the channel takes it, without its pages."""
    now = datetime.now(UTC)
    names = ("", "Megan Burke", f"director@{DOMAIN}", "", "Protection of civilians", f"<{reference}@{DOMAIN}>")
    return Parcel(reference, reference, Kind.FAX, number, *names, now)


async def leave(_: bytes) -> Permit:
    return Permit(time.monotonic() + 60.0)


# -- work --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """What became of a delivery."""

    row: Delivery
    tries: list[Attempt]
    states: tuple[State, ...]  #: as they were seen, in order
    heard: list[dict[str, Any]]  #: the evidence, in order

    def last_fact(self, name: str) -> str:
        """As it was heard last; '' where it never was."""
        return next((one["facts"][name] for one in reversed(self.heard) if name in one["facts"]), "")


async def work(
    office: Office, names: Sequence[str], done: Callable[[Delivery], bool], seconds: float
) -> dict[str, list[State]]:
    """Let our worker work until all of these deliveries are `done`, or so many true seconds are over."""
    seen: dict[str, list[State]] = {name: [] for name in names}
    worker = Worker(office, room=16, batch=16, name=Actor("worker", "line"))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await _look(office, seen, done):
                await worker.tick()
                await worker.ask()
                await worker.heartbeat()
                await asyncio.sleep(0.3)
    await worker.settle()
    return seen


async def _look(office: Office, seen: dict[str, list[State]], done: Callable[[Delivery], bool]) -> bool:
    async def query(connection: AsyncConnection) -> list[Delivery]:
        return [await deliveries.get(connection, name) for name in seen]

    rows = await office.store.read(query)
    for row in rows:
        if seen[row.id][-1:] != [row.state]:
            seen[row.id].append(row.state)
    return all(done(row) for row in rows)


async def story_of(office: Office, name: str, states: Sequence[State]) -> Story:
    async def query(connection: AsyncConnection) -> Story:
        row, tries = await deliveries.get(connection, name), await attempts.of_delivery(connection, name)
        return Story(row, tries, tuple(states), await attempts.evidence_of(connection, name))

    return await office.store.read(query)
