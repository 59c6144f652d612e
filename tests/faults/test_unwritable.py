"""Fault: at one write of a send the system refuses, no handle left or a folder read-only. No dot without a record"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person
from sqlalchemy import text

from dispatcher.channels.base import CommitPoint, Parcel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Policy, State
from dispatcher.store.engine import StoreFault

HERE = Path(__file__).parent
PERSON = person("one", email="mission@ardesia.example")


def _heal(folder: Path) -> None:
    for one in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        one.chmod(0o700)


@asynccontextmanager
async def starved(databases: Databases, tmp_path: Path, point: str, what: str) -> AsyncIterator[Desk]:
    """One letter is launched and a worker tries it once, losing `what` at `point`; then all is well again."""
    url = databases.fresh("sqlite", tmp_path / "db")
    async with open_desk(url, tmp_path) as desk:
        await desk.launch([PERSON], Policy.EMAIL)
        (tmp_path / "office").mkdir(exist_ok=True)
        lost = what if what == "handles" else ":".join(str(tmp_path / one) for one in what.split())
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "starving.py"),
            *(point, lost, url, str(tmp_path / "archive"), str(tmp_path / "office")),
            *(str(desk.rogue.port), desk.clock.now().isoformat()),
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        _heal(tmp_path)
        yield desk


@pytest.mark.parametrize(
    ("point", "what"),
    [
        ("claim", "db"),
        ("claim", "handles"),
        ("commit", "archive"),
        ("commit", "db"),
        ("commit", "guard"),
        ("commit", "handles"),
    ],
)
async def test_what_cannot_be_written_down_does_not_leave_and_leaves_once_when_it_can(
    databases: Databases, tmp_path: Path, point: str, what: str
) -> None:
    async with starved(databases, tmp_path, point, what) as desk:
        assert desk.rogue.dots == 0
        assert desk.rogue.ledger == []
        await desk.pass_time(seconds=61)
        await desk.pass_time(minutes=11)
        assert (await desk.only()).state is State.ACCEPTED
        assert len(desk.rogue.ledger) == 1


async def test_a_reply_that_the_database_does_not_take_lies_beside_it(databases: Databases, tmp_path: Path) -> None:
    async with starved(databases, tmp_path, "reply", "db") as desk:
        assert len(desk.rogue.ledger) == 1
        assert (tmp_path / "office" / "spill.jsonl").exists()
        await desk.work()
        assert (await desk.only()).state is State.ACCEPTED
        await desk.pass_time(hours=1)
        assert len(desk.rogue.ledger) == 1


@pytest.mark.parametrize("what", ["db office", "handles"])
async def test_a_reply_that_nothing_takes_leaves_a_doubt_and_no_second_letter(
    databases: Databases, tmp_path: Path, what: str
) -> None:
    async with starved(databases, tmp_path, "reply", what) as desk:
        assert len(desk.rogue.ledger) == 1
        await desk.pass_time(seconds=661)
        await desk.pass_time(days=2)
        assert (await desk.only()).state is State.IN_DOUBT
        assert len(desk.rogue.ledger) == 1


# -- a server that has become read-only, as a replica is ---------------------------------------------------------------


async def _set(desk: Desk, question: str) -> None:
    async def unit(connection: Any) -> None:
        await connection.execute(text(question))

    await desk.office.store.write(unit)


class ReadOnlyAt(SmtpChannel):
    """The real channel; the server takes no more writes from one point of its conversation on."""

    desk: Desk
    before_commit: bool

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        if self.before_commit:
            await self._no_more_writes()
        outcome = await super().send(parcel, commit)
        if not self.before_commit:
            await self._no_more_writes()
        return outcome

    async def _no_more_writes(self) -> None:
        await _set(self.desk, "SET default_transaction_read_only = on")


@pytest.mark.parametrize("before_commit", [True, False])
async def test_a_read_only_server_gets_no_dot_and_loses_no_reply(
    databases: Databases, tmp_path: Path, *, before_commit: bool
) -> None:
    async with open_desk(databases.fresh_postgresql(), tmp_path) as desk:
        channel = ReadOnlyAt([desk.rogue.relay()])
        channel.desk, channel.before_commit = desk, before_commit
        desk.office.channels["smtp"] = channel  # type: ignore[index]  # the test swaps one channel for its twin
        await desk.launch([PERSON], Policy.EMAIL)
        await desk.worker.tick()
        await desk.worker.settle()
        assert desk.rogue.dots == (0 if before_commit else 1)
        await channel.aclose()
        desk.office.channels["smtp"] = SmtpChannel([desk.rogue.relay()])  # type: ignore[index]
        with pytest.raises(StoreFault, match="read-only"):
            await _set(desk, "CREATE TABLE more (id integer)")
        await desk.office.store._writing.dispose()  # the server takes writes again, over a new connection
        await desk.pass_time(seconds=61)
        await desk.pass_time(minutes=11)
        assert (await desk.only()).state is State.ACCEPTED
        assert len(desk.rogue.ledger) == 1
