"""Fault: reports that are forged, replayed, out of order or cut short come in. No letter and no address moves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from desk.desk import ADA, Desk, open_desk, person
from returns import messages
from returns.forgers import FORGERS, Forgery, forged, replayed
from returns.messages import Letter, letter_of
from sqlalchemy import select

from dispatcher.domain.model import Delivery, Step
from dispatcher.domain.words import Policy, State
from dispatcher.store.schema import answer, suppression
from dispatcher.usecases import operate, receive

STEPS = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 2))
SIDE_BY_SIDE = 50


async def _sent(desk: Desk, names: Iterable[str]) -> dict[str, Letter]:
    people = [person(name, email=f"{name}@{name}.example") for name in names]
    await desk.launch(people, Policy.EMAIL, steps=STEPS)
    await desk.work()
    return {row.contact_id: _latest(desk, row) for row in await desk.deliveries(step=0)}


def _latest(desk: Desk, row: Delivery) -> Letter:
    taken = [one for one in desk.rogue.ledger if one.recipient == row.address][-1]
    return letter_of(row, taken.sender, taken.options.partition("ENVID=")[2].partition(" ")[0])


async def _come(desk: Desk, some: Iterable[bytes]) -> None:
    """Side by side, as they come from many."""
    waiting = list(some)
    for start in range(0, len(waiting), SIDE_BY_SIDE):
        part = waiting[start : start + SIDE_BY_SIDE]
        await asyncio.gather(*(receive.take_in(desk.office, raw, "pipe") for raw in part))


async def _seen(desk: Desk) -> list[Any]:
    """Every delivery as it stands, with the answers and the suppression list."""

    async def query(connection: Any) -> list[Any]:
        tables = [(await connection.execute(select(one))).all() for one in (answer, suppression)]
        return [[tuple(row) for row in rows] for rows in tables]

    return [await desk.deliveries(), *await desk.office.store.read(query)]


async def _scene(desk: Desk) -> tuple[dict[str, Letter], tuple[bytes, ...]]:
    """Letters in the states that a report may meet, and the genuine reports that brought them there."""
    letters = await _sent(desk, ("taken", "proven", "failed", "again", "theirs"))
    proof, bounce = messages.receipt(letters["proven"]), messages.report(letters["failed"])
    full = messages.report(letters["again"], status="5.7.1", words="550 5.7.1 blocked")
    await _come(desk, (proof, bounce, full))
    [row] = [one for one in await desk.deliveries(step=0) if one.contact_id == "again"]
    await operate.retry(desk.office, row.id, "they let us in now", ADA)
    await desk.work()
    states = {one.contact_id: one.state for one in await desk.deliveries(step=0)}
    assert states == {
        **dict.fromkeys(("taken", "again", "theirs"), State.ACCEPTED),
        "proven": State.DELIVERED,
        "failed": State.FAILED,
    }
    late = (
        messages.report(letters["proven"]),
        messages.delayed(letters["failed"]),
        messages.delayed(letters["proven"]),
    )
    far = desk.clock.now() + timedelta(days=3)
    return letters, (proof, bounce, full, *late, messages.delayed(letters["again"], far))


async def _nothing_moves(desk: Desk, forgeries: int, replays: int) -> None:
    letters, heard = await _scene(desk)
    before = await _seen(desk)
    dice = Random(20151001)
    by = Forgery(dice, desk.clock.now(), (letters["theirs"],))
    targets = tuple(letters[name] for name in ("taken", "proven", "failed", "again"))
    await _come(desk, [forger(by, letters["taken"]) for forger in FORGERS for _ in range(3)])
    assert await _seen(desk) == before
    await _come(desk, forged(by, targets, forgeries))
    assert await _seen(desk) == before
    await _come(desk, replayed(dice, heard, replays))
    assert await _seen(desk) == before


async def test_nothing_moves(tmp_path: Path, databases: Any) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        await _nothing_moves(desk, len(FORGERS), 12)


@pytest.mark.long
async def test_nothing_moves_by_ten_thousand(tmp_path: Path, databases: Any) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        await _nothing_moves(desk, 8000, 2000)


async def test_a_report_that_cites_a_letter_of_two_tries_moves_it_not(tmp_path: Path, databases: Any) -> None:
    """A Message-ID is the same at every try: a bounce of the first that came late must not undo the second."""
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        letters, _ = await _scene(desk)
        before = await _seen(desk)
        twice = letters["again"]
        await _come(desk, [messages.report(Letter(twice.message_id, twice.address))])
        assert await _seen(desk) == before


async def test_a_report_about_a_neighbour_that_cites_a_letter_moves_it_not(tmp_path: Path, databases: Any) -> None:
    """It came to no return path of ours: then it has to name the very address that the letter went to."""
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        taken = (await _sent(desk, ("taken",)))["taken"]
        before = await _seen(desk)
        await _come(desk, [messages.report(Letter(taken.message_id, taken.address), about="someone@taken.example")])
        assert await _seen(desk) == before
        await _come(desk, [messages.report(Letter(taken.message_id, taken.address))])
        assert [one.state for one in await desk.deliveries(step=0)] == [State.FAILED]


async def test_the_genuine_report_among_them_counts(tmp_path: Path, databases: Any) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        letters = await _sent(desk, ("taken", "theirs"))
        by = Forgery(Random(2), desk.clock.now(), (letters["theirs"],))
        await _come(desk, [*forged(by, (letters["taken"],), 9), messages.report(letters["taken"])])
        states = {one.contact_id: one.state for one in await desk.deliveries(step=0)}
        assert states == {"taken": State.FAILED, "theirs": State.ACCEPTED}
