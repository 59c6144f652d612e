"""Fault: whoever takes a message in dies, or the database is away. The message is taken exactly once, and acts once."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person
from returns import messages
from returns.messages import Letter, letter_of

from dispatcher.domain.words import Filing, Policy, State
from dispatcher.store import incoming
from dispatcher.store.engine import StoreFault
from dispatcher.store.incoming import Item
from dispatcher.usecases import receive


async def _sent(desk: Desk) -> Letter:
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    await desk.work()
    return letter_of(await desk.only(), desk.rogue.ledger[0].sender)


async def _item(desk: Desk, digest: str) -> Item:
    return await desk.office.store.read(lambda connection: incoming.get(connection, digest))


async def _acted_once(desk: Desk, digest: str) -> None:
    row = await desk.only()
    assert row.state is State.FAILED
    story = await desk.story(row.id)
    assert len(story.evidence) == 1
    assert [entry.event.action for entry in story.audit].count("delivery.refuse") == 1
    assert (await _item(desk, digest)).filing is Filing.APPLIED


async def test_without_the_record_it_is_not_taken_and_may_come_again(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path, busy_seconds=0.2) as desk:
        raw = messages.report(await _sent(desk))
        lock = sqlite3.connect(tmp_path / "dispatcher.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFault, match="locked"):
            await receive.take_in(desk.office, raw, "pipe")
        lock.execute("ROLLBACK")
        lock.close()
        received = await receive.take_in(desk.office, raw, "pipe")
        assert received.new
        await _acted_once(desk, received.id)


async def test_a_process_that_dies_between_keeping_and_reading(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        raw = messages.report(await _sent(desk))
        received = await receive.receive(desk.office, raw, "pipe")  # and then it died
        assert not (await receive.take_in(desk.office, raw, "pipe")).new
        assert (await _item(desk, received.id)).filing is Filing.RECEIVED
        assert await desk.worker.take_in() == 1
        await _acted_once(desk, received.id)
        assert await desk.worker.take_in() == 0


async def test_the_database_that_is_away_while_it_is_filed(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path, busy_seconds=0.2) as desk:
        received = await receive.receive(desk.office, messages.report(await _sent(desk)), "pipe")
        lock = sqlite3.connect(tmp_path / "dispatcher.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFault, match="locked"):
            await receive.read(desk.office, received.id)
        lock.execute("ROLLBACK")
        lock.close()
        assert await desk.worker.take_in() == 1
        await _acted_once(desk, received.id)


async def test_several_who_read_it_at_once(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        received = await receive.receive(desk.office, messages.report(await _sent(desk)), "pipe")
        await asyncio.gather(*(receive.read(desk.office, received.id) for _ in range(5)))
        await _acted_once(desk, received.id)


async def test_several_who_bring_it_at_once(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        raw = messages.report(await _sent(desk))
        brought = await asyncio.gather(*(receive.take_in(desk.office, raw, "pipe") for _ in range(5)))
        assert sorted(one.new for one in brought) == [False] * 4 + [True]
        await _acted_once(desk, brought[0].id)


async def test_one_that_cannot_be_filed_stops_no_other(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        letter = await _sent(desk)
        lost = await receive.receive(desk.office, messages.answer(letter), "pipe")
        desk.office.archive.path(lost.id).write_bytes(b"something else")
        received = await receive.receive(desk.office, messages.report(letter), "pipe")
        assert await desk.worker.take_in() == 2
        assert (await _item(desk, lost.id)).filing is Filing.HELD
        await _acted_once(desk, received.id)
