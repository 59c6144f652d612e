"""Fault: another program holds the database's lock for longer than we wait. Nothing is sent; afterwards all goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import psycopg
import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person

from dispatcher.channels.base import CommitPoint, Parcel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Policy, State
from dispatcher.store.engine import WRITERS_LOCK, StoreFault


async def _nothing(_connection: object) -> None:
    return


class LockedOut(SmtpChannel):
    """The real channel; somebody takes the database's lock just before the commit point."""

    lock: sqlite3.Connection

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        self.lock.execute("BEGIN IMMEDIATE")
        return await super().send(parcel, commit)


async def test_without_the_record_no_dot_is_sent(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path, busy_seconds=0.2) as desk:
        channel = LockedOut([desk.rogue.relay()])
        channel.lock = sqlite3.connect(tmp_path / "dispatcher.db", isolation_level=None)
        desk.office.channels["smtp"] = channel  # type: ignore[index]  # the test swaps one channel for its twin
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.worker.tick()
        await desk.worker.settle()
        assert desk.rogue.dots == 0
        channel.lock.execute("ROLLBACK")
        channel.lock.close()
        await channel.aclose()
        desk.office.channels["smtp"] = SmtpChannel([desk.rogue.relay()])  # type: ignore[index]
        await desk.pass_time(seconds=61)
        await desk.pass_time(minutes=3)
        assert (await desk.only()).state is State.ACCEPTED
        assert len(desk.rogue.ledger) == 1


async def test_the_worker_goes_on_after_a_lock(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path, busy_seconds=0.2) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        lock = sqlite3.connect(tmp_path / "dispatcher.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFault, match="locked"):
            await desk.office.store.write(_nothing)
        assert await desk.worker.tick() == 0
        lock.execute("ROLLBACK")
        lock.close()
        await desk.work()
        assert await desk.states() == [State.ACCEPTED]


async def test_writers_of_two_processes_take_turns_on_postgresql(databases: Databases, tmp_path: Path) -> None:
    database = databases.fresh("postgresql", tmp_path)
    async with open_desk(database, tmp_path) as desk:
        await _turns(desk, database)


def _waiting(other: psycopg.Connection[tuple[int]]) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return other.execute(query).fetchone() == (1,)


async def _turns(desk: Desk, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [WRITERS_LOCK])
        writing = asyncio.create_task(desk.office.store.write(_nothing))
        while not _waiting(other):
            await asyncio.sleep(0.01)
        assert not writing.done()
        other.execute("SELECT pg_advisory_unlock(%s)", [WRITERS_LOCK])
        await writing
