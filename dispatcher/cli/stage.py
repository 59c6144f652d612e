"""The demo's stage: an office of its own in a folder of its own, its far ends on loopback, and a clock that leaps."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dispatcher import app
from dispatcher.domain.clock import LeapClock
from dispatcher.domain.errors import Conflict
from dispatcher.domain.lifecycle import ARRIVED
from dispatcher.domain.model import Actor, Campaign, Delivery
from dispatcher.domain.words import Kind, State
from dispatcher.rehearsal import t30
from dispatcher.rehearsal.gateway import Gateway
from dispatcher.rehearsal.guard import loopback_only
from dispatcher.rehearsal.sink import Sink
from dispatcher.resources import resource
from dispatcher.settings import Settings, database_url, load
from dispatcher.usecases import launch, operate, review
from dispatcher.usecases.campaign_files import read_campaign_file
from dispatcher.usecases.contact_import import import_contacts
from dispatcher.usecases.database import upgrade_database
from dispatcher.usecases.office import Office
from dispatcher.usecases.prepare import Progress, prepare
from dispatcher.usecases.review import Wanted
from dispatcher.worker import Worker

from .session import Serve

MARK = ".dispatcher-demo"
CAMPAIGN = "air-strikes"
#: An hour before the first letter is due in Geneva.
START = datetime(2015, 10, 1, 6, 0, tzinfo=UTC)
END = START + timedelta(days=35)
#: The demo's own people: one who writes, one who signs.
OFFICER, DIRECTOR = Actor("operator", "demo-officer"), Actor("operator", "demo-director")
#: The mission that answers, and how long after its letter arrived.
ANSWERS, AFTER = "ardesia-geneva", timedelta(days=3)
TICK_SECONDS = 0.1

_CONFIG = """\
# Written by `dispatcher demo`; try the other commands on it: dispatcher --config {folder}/config/dispatcher.toml …
[office]
folder = "var"
organisation_domain = "coalition.example"

[[mail.relays]]
name = "sink"
host = "127.0.0.1"
port = {sink}
security = "none"
timeout_dot = 1   # one mission's server takes its letter and never answers; nobody wants to wait ten minutes for it

[fax]
default = "simulator"

[fax.header]
sender = "Cluster Munition Coalition"
number = "+41 22 920 11 15"

[fax.simulator]
enabled = true
url = "{gateway}"
secret_file = "secrets/simulator"

[callbacks]
port = {callbacks}

[contacts]
folder = "{contacts}"

[campaigns]
folder = "{campaigns}"
"""


@dataclass(slots=True)
class Stage:
    """What the demo has in its hands."""

    folder: Path
    settings: Settings
    clock: LeapClock
    office: Office
    sink: Sink
    gateway: Gateway
    answered: str = ""  #: the delivery that was answered
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare(self, progress: Progress) -> tuple[Campaign, int]:
        """Contacts in, letters frozen, plan approved by somebody else, launched; the campaign and its letters."""
        files = sorted(self.settings.contacts.folder.glob("*.csv"))
        await import_contacts(self.office, files, OFFICER)
        path = self.settings.campaigns.folder / f"{CAMPAIGN}.toml"
        read, book = await read_campaign_file(self.office, path, self.settings.templates.folder)
        done = await prepare(self.office, read.campaign, book, OFFICER, progress)
        await launch.approve(self.office, CAMPAIGN, done.digest, DIRECTOR)
        await launch.launch(self.office, CAMPAIGN, OFFICER)
        return read.campaign, len(done.plan.letters)

    async def run(self, show: Callable[[dict[State, int], datetime], None]) -> None:
        """Let the worker work until nothing needs it any more; `show` is called at every tick."""
        worker = Worker(self.office)

        async def after_tick() -> None:
            await self.gateway.pump()
            await self._answer()
            show(await review.counts(self.office), self.clock.now())
            if not worker.busy:
                await self._leap()

        await worker.run(TICK_SECONDS, self.over, after_tick)

    async def _leap(self) -> None:
        """Go ahead to whatever comes next; when nothing comes any more, or only long after, the demo is over.

        A follow-up whose first letter is in doubt elsewhere waits for a person, who does not come here.
        """
        coming = [await review.next_instant(self.office), self.gateway.next_event()]
        instants = [one for one in coming if one is not None and one < END]
        if instants:
            self.clock.leap_to(min(instants))
        else:
            self.over.set()

    async def _answer(self) -> None:
        """One mission answers its letter: the officer puts it on record, and no follow-up goes there."""
        if self.answered:
            return
        for row in await self.deliveries(contact_id=ANSWERS):
            if row.state in ARRIVED and row.arrived_at and self.clock.now() >= row.arrived_at + AFTER:
                note = "Her Excellency's office telephoned: the letter is being studied."
                await operate.note_answer(self.office, row.id, note, OFFICER)
                self.answered = row.id

    async def deliveries(self, contact_id: str = "") -> list[Delivery]:
        found = await review.list_deliveries(self.office, Wanted(CAMPAIGN, contact_id=contact_id))
        return [one.delivery for one in found]

    async def lay_out(self) -> Path:
        """Copies what arrived at the far ends, and what was approved, under names that people can read."""
        outbox = self.folder / "outbox"
        outbox.mkdir()
        arrived = {entry["message_id"]: self.sink.outbox / entry["file"] for entry in self.sink.taken()}
        faxes = {entry["reference"]: self.gateway.arrived(entry) for entry in self.gateway.taken()}
        for row in await self.deliveries():
            name = f"{row.contact_id}-{row.step + 1}"
            if row.kind is Kind.EMAIL and row.message_id in arrived:
                shutil.copy(arrived[row.message_id], outbox / f"{name}.eml")
            for fence in range(1, row.fence + 1):
                if (pages := faxes.get(f"{row.id}.{fence}")) is not None:
                    shutil.copy(pages, outbox / f"{name}.tif")
            (outbox / f"{name}.pdf").write_bytes(await review.letter_part(self.office, row.letter, "pdf"))
        return outbox


@asynccontextmanager
async def open_stage(folder: Path, serve: Serve) -> AsyncIterator[Stage]:
    """Everything up and listening on loopback, nothing sent yet. Nothing of this process can leave loopback."""
    folder = _clear(folder)
    clock = LeapClock(START)
    async with AsyncExitStack() as stack:
        stack.enter_context(loopback_only())
        secret = _secret(folder / "secrets" / "simulator")
        sink = await stack.enter_async_context(Sink(folder / "far-ends" / "mail" / "ledger.jsonl", clock.now))
        ledger = folder / "far-ends" / "fax" / "ledger.jsonl"
        gateway = Gateway(ledger, clock.now, secret, real_line=t30.is_here())
        await stack.enter_async_context(gateway)
        settings = _configure(folder, sink.port, gateway.url)
        upgrade_database(database_url(settings))
        office = await stack.enter_async_context(app.open_office(settings, clock))
        await stack.enter_async_context(serve(office, settings.callbacks.host, settings.callbacks.port))
        yield Stage(folder, settings, clock, office, sink, gateway)


def _clear(folder: Path) -> Path:
    """An empty folder with our mark. Raises Conflict rather than clear a folder that is not the demo's."""
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise Conflict(f"{folder} is not empty and was not made by a demo; name another one with --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).write_text("Made by `dispatcher demo`; the next demo empties it.\n", encoding="utf-8")
    return folder


def _secret(path: Path) -> bytes:
    path.parent.mkdir()
    text = secrets.token_hex(16)
    path.write_text(text, encoding="ascii")
    path.chmod(0o600)
    return text.encode()


def _configure(folder: Path, sink: int, gateway: str) -> Settings:
    path = folder / "config" / "dispatcher.toml"
    path.parent.mkdir()
    text = _CONFIG.format(
        folder=folder.name,
        sink=sink,
        gateway=gateway,
        callbacks=_free_port(),
        contacts=resource("config/contacts"),
        campaigns=resource("config/campaigns"),
    )
    path.write_text(text, encoding="utf-8")
    return load(path, env={})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
