"""Fault: the machine is cloned, or its files are copied. The copy sends nothing; the original goes on"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, MEGAN, Desk, open_desk, person

from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.errors import Conflict
from dispatcher.domain.model import Actor
from dispatcher.domain.rollback import Quarantined, Sign
from dispatcher.domain.words import Policy, Signal, State
from dispatcher.usecases import adopt, guard, operate
from dispatcher.usecases.adopt import Word
from dispatcher.worker import Worker

PEOPLE = [person("one", email="one@ardesia.example"), person("two", email="two@ardesia.example")]
MOVED = Word(reason="new machine; the old one is off", moved=True, actor=MEGAN)


@asynccontextmanager
async def on(machine: str, database: str, folder: Path, *, shared: bool = False) -> AsyncIterator[Desk]:
    """A desk on a machine of that name."""
    async with open_desk(database, folder) as desk:
        desk.office = replace(desk.office, guard=Checkpoint(folder / "guard", machine, shared))
        desk.worker = Worker(desk.office, name=Actor("worker", machine))
        yield desk


async def _signs(desk: Desk) -> list[Sign]:
    return [one.sign for one in (await guard.look(desk.office)).now]


async def test_a_clone_on_another_machine_sends_nothing(database: str, tmp_path: Path) -> None:
    async with on("first", database, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
    async with on("clone", database, tmp_path) as desk:
        assert await _signs(desk) == [Sign.MACHINE]
        await desk.work()
        await desk.pass_time(days=3)
        assert await desk.states() == [State.QUEUED, State.QUEUED]
        assert desk.rogue.dots == 0


async def test_a_clone_that_is_adopted_holds_what_the_original_may_send(database: str, tmp_path: Path) -> None:
    async with on("first", database, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
    async with on("clone", database, tmp_path) as desk:
        await adopt.adopt(desk.office, Word("we rehearse on a copy", actor=MEGAN))
        await desk.work()
        assert await desk.states() == [State.HELD, State.HELD]
        assert desk.rogue.dots == 0
        first = (await desk.deliveries())[0]
        await operate.apply_by_hand(desk.office, first.id, Signal.RELEASE, "the original is off", ADA)
        await desk.work()
        assert len(desk.rogue.ledger) == 1


async def test_a_move_on_purpose_loses_no_letter_and_holds_none(database: str, tmp_path: Path) -> None:
    async with on("first", database, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
    async with on("second", database, tmp_path) as desk:
        done = await adopt.adopt(desk.office, MOVED)
        assert done.letters == ()
        await desk.work()
        assert await desk.states() == [State.ACCEPTED, State.ACCEPTED]
        assert len(desk.rogue.ledger) == 2
    async with on("first", database, tmp_path) as desk:  # the old one, switched on again, is the copy now
        assert await _signs(desk) == [Sign.MACHINE]


async def test_a_copied_folder_is_found_by_its_place(databases: Databases, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    url = databases.fresh("sqlite", first)
    async with open_desk(url, first) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
    shutil.copytree(first, second)
    async with open_desk(url.replace("/first/", "/second/"), second) as desk:
        assert await _signs(desk) == [Sign.PLACE]
        await desk.work()
        assert desk.rogue.dots == 0
    async with open_desk(url, first) as desk:
        await desk.work()
        assert len(desk.rogue.ledger) == 2


async def test_a_database_that_comes_without_its_checkpoint_is_found(databases: Databases, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    url = databases.fresh("sqlite", first)
    async with on("first", url, first) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
    second.mkdir()
    shutil.copy(first / "dispatcher.db", second)
    async with on("second", url.replace("/first/", "/second/"), second) as desk:
        assert await _signs(desk) == [Sign.GONE, Sign.MACHINE, Sign.PLACE]
        with pytest.raises(Conflict, match="no mere move"):
            await adopt.adopt(desk.office, MOVED)
        await desk.work()
        assert desk.rogue.dots == 0


async def test_a_checkpoint_that_cannot_be_read_stops_sending(databases: Databases, tmp_path: Path) -> None:
    url = databases.fresh("sqlite", tmp_path)
    async with open_desk(url, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
    (tmp_path / "guard" / "checkpoint.json").write_text("{")
    async with open_desk(url, tmp_path) as desk:
        assert await _signs(desk) == [Sign.UNREADABLE]
        await desk.work()
        assert desk.rogue.dots == 0


# -- and no alarm where nothing is wrong -------------------------------------------------------------------------------


async def test_starts_stops_and_a_second_process_are_no_fault(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        await guard.enter(desk.office)
        await desk.launch(PEOPLE, Policy.EMAIL)
    async with open_desk(database, tmp_path) as one, open_desk(database, tmp_path) as other:
        await one.worker.tick()
        await other.worker.tick()
        await one.work()
        await other.work()
        assert len(one.rogue.ledger) + len(other.rogue.ledger) == 2
    async with open_desk(database, tmp_path) as desk:
        await guard.enter(desk.office)
        assert (await guard.look(desk.office)).clear


async def test_a_crash_between_the_record_and_the_note_is_no_fault(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
        noted = (tmp_path / "guard" / "checkpoint.json").read_bytes()
        await desk.worker.tick()
        await desk.worker.settle()
    (tmp_path / "guard" / "checkpoint.json").write_bytes(noted)  # as if each kill had come before the note
    async with open_desk(database, tmp_path) as desk:
        await guard.enter(desk.office)


async def test_a_first_start_that_was_broken_off_is_brought_to_its_end(database: str, tmp_path: Path) -> None:
    path = tmp_path / "guard" / "checkpoint.json"
    async with open_desk(database, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
        note = json.loads(path.read_bytes())
    path.write_text(json.dumps({**note, "epoch": 0, "seq": 0, "hash": ""}))  # the row was made, the note not finished
    async with open_desk(database, tmp_path) as desk:
        await guard.enter(desk.office)
        assert json.loads(path.read_bytes())["epoch"] == 1


async def test_hosts_that_share_a_server_come_and_go_with_a_note_of_their_own(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.fresh_postgresql()
    async with on("a", url, tmp_path / "a", shared=True) as a, on("b", url, tmp_path / "b", shared=True) as b:
        b.office = replace(b.office, archive=a.office.archive)
        b.worker = Worker(b.office, name=Actor("worker", "b"))
        await a.launch(PEOPLE, Policy.EMAIL)
        await b.worker.tick()
        await b.worker.settle()
        await a.work()
        assert len(a.rogue.ledger) + len(b.rogue.ledger) == 2
    async with on("a", url, tmp_path / "a", shared=True) as a, on("c", url, tmp_path / "c", shared=True) as c:
        await guard.enter(a.office)
        await guard.enter(c.office)


async def test_an_adoption_on_one_host_counts_on_the_others(databases: Databases, tmp_path: Path) -> None:
    url = databases.fresh_postgresql()
    async with on("a", url, tmp_path / "a", shared=True) as a, on("b", url, tmp_path / "b", shared=True) as b:
        await a.launch(PEOPLE, Policy.EMAIL)
        await guard.enter(b.office)
        a.office.guard.path.write_text("{")  # type: ignore[union-attr]
        with pytest.raises(Quarantined):
            await guard.enter(a.office)
        for desk in (a, b):
            with pytest.raises(Quarantined):
                await guard.stand(desk.office)
        await adopt.adopt(a.office, Word("a rehearsal of it", actor=MEGAN))
        await guard.stand(a.office)
        await guard.stand(b.office)
        await b.worker.tick()
        assert b.rogue.dots == 0  # what waits is held
