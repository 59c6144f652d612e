"""One database, one mail server that counts, and the program's own processes between them: set up, watched, judged."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from desk import bare
from desk.bare import ENTITY, letter_of, mission, queued
from desk.databases import Databases
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.app import open_office
from dispatcher.domain.model import Address, Contact, Delivery, Letter, delivery_id
from dispatcher.domain.words import Kind, State
from dispatcher.settings import Settings, load
from dispatcher.store import campaigns
from dispatcher.store.schema import delivery
from dispatcher.usecases import audit_log, crew, review
from dispatcher.usecases.office import Office
from dispatcher.usecases.review import Wanted

TOP = Path(__file__).parents[2]
CAMPAIGN = "crowd"
PROGRAM = (sys.executable, "-m", "dispatcher")
#: Seconds that a run may take at the most.
PATIENCE = 7200.0
SETTINGS = """
[database]
url = "{url}"

[office]
organisation_domain = "{domain}"

[[mail.relays]]
host = "127.0.0.1"
port = {port}
connections = {connections}

[callbacks]
port = {door}

[worker]
tick_seconds = 0.5
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A database with letters in it, and a mail server; `taken` can be read when the server has ended."""

    folder: Path
    url: str
    port: int
    connections: int = 4

    def file(self, door: int = 0) -> Path:
        """Settings for a process that hears callbacks at the port `door`."""
        path = self.folder / f"dispatcher-{door}.toml"
        text = SETTINGS.format(
            url=self.url, port=self.port, connections=self.connections, domain=bare.DOMAIN, door=door or 8025
        )
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def settings(self) -> Settings:
        return load(self.file())

    @property
    def taken(self) -> list[tuple[str, float]]:
        """The Message-ID and the second of every letter, as they came."""
        return [(name, second) for name, second in json.loads(_ledger(self.folder).read_text(encoding="utf-8"))]


def _ledger(folder: Path) -> Path:
    return folder / "ledger.json"


@contextmanager
def opened(databases: Databases, folder: Path, kind: str, delay: float, connections: int = 4) -> Iterator[Place]:
    """A fresh database, and a mail server each of whose replies takes `delay` milliseconds."""
    folder.mkdir()
    url = databases.fresh(kind, folder).replace("postgresql://postgres:@", "postgresql+psycopg://postgres@")
    port = folder / "port"
    words = [sys.executable, Path(__file__).with_name("sink.py"), port, _ledger(folder), str(delay)]
    with subprocess.Popen(words) as process:
        try:
            while not port.exists() or not port.read_text(encoding="ascii"):
                time.sleep(0.02)
            yield Place(folder, url, int(port.read_text(encoding="ascii")), connections)
        finally:
            process.send_signal(signal.SIGTERM)


# -- its letters -------------------------------------------------------------------------------------------------------


def put_in(place: Place, first: int, following: int = 0) -> set[str]:
    """Queue so many first letters, due now, of a campaign that is paused; the Message-IDs of all that must arrive.

    Besides, so many missions have had the first letter, and the second is due for them: nobody has queued it yet.
    """
    return asyncio.run(_put_in(place, first, following))


async def _put_in(place: Place, first: int, following: int) -> set[str]:
    people = [_person(number) for number in range(first + following)]
    async with open_office(place.settings) as office:
        parts, now = {"entity": await office.archive.put(ENTITY)}, office.clock.now()
        letters = [letter_of(CAMPAIGN, parts), *(_second_letter(one, parts) for one in people[first:])]
        rows = [queued(one, letters[0], now, now) for one in people[:first]]
        had = [
            replace(queued(one, letters[0], now, now), state=State.DELIVERED, arrived_at=now) for one in people[first:]
        ]
        await office.store.write(
            lambda one: bare.put_in(one, people, letters, [*rows, *had], now, paused_at=now, steps=[[0, 0], [1, 0]])
        )
    return {one.message_id for one in rows} | {_second(one) for one in people[first:]}


def _person(number: int) -> Contact:
    return mission(number, Address(Kind.EMAIL, f"mission@ardesia-{number}.example"))


def _second_letter(person: Contact, parts: dict[str, str]) -> Letter:
    digest = hashlib.sha256(person.id.encode()).hexdigest()
    return replace(letter_of(CAMPAIGN, parts, 1), digest=digest, contact_id=person.id)


def _second(person: Contact) -> str:
    """The Message-ID that the second letter to them will have."""
    [address] = person.addresses
    return f"<{delivery_id(CAMPAIGN, 1, person.id, person.id, address)}@{bare.DOMAIN}>"


# -- at work -----------------------------------------------------------------------------------------------------------


def work(place: Place, words: Sequence[Sequence[str | Path]], expected: int, program: Sequence[str] = PROGRAM) -> float:
    """Processes of the program, told by these words, until so many letters are taken; the seconds that they computed.

    They begin together: the campaign is resumed when all of them have announced themselves.
    """
    before = os.times()
    here = {**os.environ, "PYTHONPATH": str(TOP)}
    with (place.folder / "workers.log").open("wb") as log:
        started = [
            subprocess.Popen([*program, "--config", *one], cwd=place.folder, env=here, stderr=log) for one in words
        ]
        try:
            asyncio.run(_watch(place, len(words), expected))
        finally:
            for one in started:
                one.send_signal(signal.SIGTERM)
            codes = [one.wait() for one in started]
    if any(codes):
        raise SystemExit(f"a process did not end well: {(place.folder / 'workers.log').read_text()[-2000:]}")
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


async def _watch(place: Place, processes: int, expected: int) -> None:
    """Let them begin together, and wait until everything is sent."""
    async with open_office(place.settings) as office, asyncio.timeout(PATIENCE):
        await _until(lambda: _announced(office, processes), 0.2)
        await office.store.write(lambda connection: campaigns.put(connection, CAMPAIGN, paused_at=None))
        await _until(lambda: _accepted(office, expected), 0.5)


async def _until(over: Callable[[], Awaitable[bool]], seconds: float) -> None:
    while not await over():
        await asyncio.sleep(seconds)


async def _announced(office: Office, processes: int) -> bool:
    return len(await crew.roster(office)) >= processes


async def _accepted(office: Office, expected: int) -> bool:
    async def count(connection: AsyncConnection) -> int:
        there = select(func.count()).where(delivery.c.state == State.ACCEPTED)
        return int((await connection.execute(there)).scalar_one())

    return await office.store.read(count) >= expected


# -- the judgement -----------------------------------------------------------------------------------------------------


def judge(place: Place, wanted: set[str]) -> str:
    """What is wrong: '' where the far end's ledger is our record, every letter there once, and the audit log whole."""
    return asyncio.run(_judge(place, wanted))


async def _judge(place: Place, wanted: set[str]) -> str:
    taken = [name for name, _ in place.taken]
    async with open_office(place.settings) as office:
        rows: list[Delivery] = [one.delivery for one in await review.list_deliveries(office, Wanted())]
        accepted = {one.message_id for one in rows if one.state is State.ACCEPTED}
        if len(taken) != len(set(taken)) or set(taken) != wanted or accepted != wanted:
            return f"{len(taken)} taken, {len(set(taken))} different, {len(accepted)} on record, {len(wanted)} wanted"
        return "" if (await audit_log.verify_audit(office)).sound else "the audit chain is broken"
