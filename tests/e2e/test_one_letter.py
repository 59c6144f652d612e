"""One letter's whole way: campaign file, approval, email and fax, fax confirmation, follow-up, audit export."""

from __future__ import annotations

import io
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path
from types import FunctionType

import pypdfium2
from e2e.floors import watched
from PIL import Image

from dispatcher import app
from dispatcher.domain.audit import AuditEntry
from dispatcher.domain.clock import HandClock
from dispatcher.domain.model import Actor
from dispatcher.domain.words import Kind, State, Verdict
from dispatcher.letters.header_line import stamp, words_from
from dispatcher.rehearsal.gateway import Gateway
from dispatcher.rehearsal.sink import Sink
from dispatcher.resources import resource
from dispatcher.settings import Settings, load
from dispatcher.usecases import audit_log, launch, prepare, review
from dispatcher.usecases.campaign_files import read_campaign_file
from dispatcher.usecases.contact_import import import_contacts
from dispatcher.usecases.office import Office
from dispatcher.usecases.review import Wanted
from dispatcher.web.site import serve
from dispatcher.worker import Worker, worker_name

START = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
ADA, MEGAN = Actor("operator", "ada"), Actor("operator", "megan")
SECRET = "a key to rehearse with"

CAMPAIGN = """\
id = "one-letter"
title = "One letter"
organisation = "cluster-munition-coalition"

[sender]
name = "Megan Burke"
title = "Director"
email = "letters@coalition.example"
place = "Geneva"

[when]
at = 2026-11-24T09:00:00
zone = "Europe/Zurich"
hours = "08:00-18:00"

[select]
contacts = ["ru-president"]

[channels]
default = "both"

[[cc]]
contact = "ru-geneva"
for = "ru-president"
channels = "email"

[[steps]]
letter = "air-strikes"

[[steps]]
letter = "air-strikes-follow-up"
after = 10
"""


@dataclass(slots=True)
class House:
    """Everything that takes part, and the clock in the test's hand."""

    settings: Settings
    office: Office
    clock: HandClock
    sink: Sink
    gateway: Gateway
    worker: Worker

    async def pass_time(self, **by: float) -> None:
        self.clock.turn(**by)
        await self.gateway.pump()
        await self.worker.drain()

    async def states(self, step: int) -> dict[tuple[str, Kind], State]:
        found = await review.list_deliveries(self.office, Wanted("one-letter", step=step))
        return {(one.delivery.contact_id, one.delivery.kind): one.delivery.state for one in found}


@asynccontextmanager
async def open_house(folder: Path, database: str) -> AsyncIterator[House]:
    clock = HandClock(START)
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(Sink(folder / "mail" / "ledger.jsonl", clock.now))
        gateway = Gateway(folder / "fax" / "ledger.jsonl", clock.now, SECRET.encode())
        await stack.enter_async_context(gateway)
        settings = _settings(folder, database, sink.port, gateway.url)
        office = await stack.enter_async_context(app.open_office(settings, clock))
        await stack.enter_async_context(serve(office, settings.callbacks.host, settings.callbacks.port))
        yield House(settings, office, clock, sink, gateway, Worker(office))


def _settings(folder: Path, database: str, sink: int, gateway: str) -> Settings:
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    (folder / "campaigns").mkdir()
    (folder / "campaigns" / "one-letter.toml").write_text(CAMPAIGN)
    relay = {"name": "sink", "host": "127.0.0.1", "port": sink, "security": "none"}
    given: dict[str, object] = {
        "office.folder": str(folder / "var"),
        "office.organisation_domain": "coalition.example",
        "database.url": database.replace("postgresql://", "postgresql+psycopg://"),
        "mail.relays": [relay],
        "fax.header": {"sender": "Cluster Munition Coalition", "number": "+41 22 555 01 00"},
        "fax.simulator": {"enabled": True, "url": gateway, "secret_file": str(secret)},
        "callbacks.port": _free_port(),
        "contacts.folder": str(resource("config/contacts")),
        "campaigns.folder": str(folder / "campaigns"),
        "templates.folder": str(resource("templates")),
    }
    return load(None, env={}, overrides=given)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _launch(house: House) -> None:
    await import_contacts(house.office, sorted(house.settings.contacts.folder.glob("*.csv")), ADA)
    path = house.settings.campaigns.folder / "one-letter.toml"
    read, book = await read_campaign_file(house.office, path, house.settings.templates.folder)
    done = await prepare.prepare(house.office, read.campaign, book, ADA)
    await launch.approve(house.office, "one-letter", done.digest, MEGAN)
    assert await launch.launch(house.office, "one-letter", ADA) == 3


def _words(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    text = " ".join(document[number].get_textpage().get_text_range() for number in range(len(document)))
    document.close()
    return text.split()


def _below_the_header_line(pages: bytes) -> list[bytes]:
    """Every dot of every page below the ten millimetres that the header line goes into."""
    with Image.open(io.BytesIO(pages)) as image:
        found = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(image.crop((0, 77, *image.size)).tobytes())
    return found


async def _check_same_document(house: House) -> None:
    """What arrived by email and by fax is the one approved letter; the fax has the header line above it."""
    [fax] = await review.list_deliveries(house.office, Wanted("one-letter", kind=Kind.FAX, step=0))
    emails = await review.list_deliveries(house.office, Wanted("one-letter", kind=Kind.EMAIL, step=0))
    assert {one.delivery.letter for one in emails} == {fax.delivery.letter}
    pdf = await review.letter_part(house.office, fax.delivery.letter, "pdf")
    for entry in house.sink.taken():
        message = message_from_bytes((house.sink.outbox / entry["file"]).read_bytes(), policy=modern)
        [attached] = list(message.iter_attachments())
        assert attached.get_content() == pdf
    [taken] = house.gateway.taken()
    arrived = (house.gateway.folder / f"{taken['id']}.tif").read_bytes()
    approved = await review.letter_part(house.office, fax.delivery.letter, "tiff")
    assert _below_the_header_line(arrived) == _below_the_header_line(approved)
    [attempt] = (await review.tell(house.office, fax.delivery.id)).attempts
    assert stamp(approved, words_from(attempt.facts)) == arrived != approved
    with Image.open(io.BytesIO(arrived)) as page:
        assert (page.width, page.info["dpi"]) == (1728, (204.0, 196.0))
    assert {"Putin", "Borodavkin,", "Sincerely,"} <= set(_words(pdf))


async def _check_story(house: House) -> None:
    """The record of the fax tells every step of it, each with its evidence."""
    [fax] = await review.list_deliveries(house.office, Wanted("one-letter", kind=Kind.FAX, step=0))
    story = await review.tell(house.office, fax.delivery.id)
    [attempt] = story.attempts
    assert attempt.verdict == Verdict.ACCEPTED
    assert attempt.sent_digest == house.gateway.taken()[0]["sha256"]
    [proof] = story.evidence
    assert (proof["verdict"], proof["pages"], proof["applied"]) == (Verdict.DELIVERED, story.letter.fax_pages, True)
    assert proof["source"] == "channel:simulator"
    assert attempt.id.encode() in await house.office.archive.get(proof["raw_digest"])
    assert _moves(story.audit) == ["delivery.claim", "attempt.transmitting", "delivery.accept", "delivery.confirm"]


def _moves(entries: list[AuditEntry]) -> list[str]:
    return [entry.event.action for entry in entries if not entry.event.action.startswith("follow_up")]


async def test_one_letter_from_campaign_file_to_audit_export(database: str, tmp_path: Path) -> None:
    async with open_house(tmp_path, database) as house:
        with watched() as (upward, modules):
            await _launch(house)
            await house.worker.drain()
            assert await house.states(0) == dict.fromkeys(
                [("ru-president", Kind.EMAIL), ("ru-president", Kind.FAX), ("ru-geneva", Kind.EMAIL)], State.QUEUED
            )
            await house.pass_time(minutes=30)
            await house.pass_time(minutes=5)
            first = await house.states(0)
            await _check_same_document(house)
            await house.pass_time(days=6)
            presumed = await house.states(0)
            await house.pass_time(days=9)
            await house.pass_time(minutes=5)
            second = await house.states(1)
            export = tmp_path / "audit.jsonl"
            entries = await audit_log.export_audit(house.office, export)
        assert first[("ru-president", Kind.FAX)] is State.DELIVERED
        assert first[("ru-president", Kind.EMAIL)] is State.ACCEPTED
        assert presumed[("ru-president", Kind.EMAIL)] is State.PRESUMED
        assert second == {("ru-president", Kind.FAX): State.DELIVERED}
        await _check_story(house)
        assert audit_log.verify_export(export).sound
        assert audit_log.verify_export(export).entries == entries
        assert upward == set()
        rooms = {"domain", "store", "channels", "archive", "intake", "usecases", "app", "worker", "web"}
        assert {module.split(".")[1] for module in modules} >= rooms


async def test_the_trace_finds_a_call_that_goes_up() -> None:
    """The trace has teeth: a function that says it is of the store calls the worker."""
    below = {"__name__": "dispatcher.store.planted", "worker_name": worker_name}
    planted = FunctionType((lambda: worker_name()).__code__, below)  # noqa: PLW0108  # the call is what is looked at
    with watched() as (upward, _):
        planted()
    assert [one.split(" → ")[1] for one in upward] == ["dispatcher.worker.worker_name"]
