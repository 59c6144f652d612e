"""Fault: one host's clock is wrong. Its worker takes nothing, judges nobody and says why, until the clock is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person

from dispatcher.domain.model import Actor
from dispatcher.domain.words import Policy, State
from dispatcher.usecases import crew, dispatch
from dispatcher.worker import Worker

LIMIT = timedelta(seconds=20)  # far more than this test takes, as the clock in it stands


def _worker(desk: Desk, name: str) -> Worker:
    """One that looks at the server's clock. That of the desk is now the machine's."""
    desk.office = replace(desk.office, policy=replace(desk.office.policy, clock_limit=LIMIT))
    return Worker(desk.office, name=Actor("worker", name))


@pytest.mark.parametrize(("seconds", "side"), [(28, "ahead of"), (-28, "behind")])
async def test_a_worker_whose_clock_is_off_takes_nothing_until_it_is_right(
    databases: Databases, tmp_path: Path, caplog: pytest.LogCaptureFixture, seconds: float, side: str
) -> None:
    async with open_desk(databases.fresh_postgresql(), tmp_path) as desk:
        desk.clock.turn_to(datetime.now(UTC))
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        worker = _worker(desk, "two")
        desk.clock.at = datetime.now(UTC) + timedelta(seconds=seconds)
        await worker.tick()
        assert (await desk.states(), desk.rogue.dots) == ([State.QUEUED], 0)
        [member] = await crew.roster(desk.office)
        assert member.state == "clock off"
        assert (member.row.skew > 20_000_000) is (seconds < 0)
        assert f" s {side} the database server's: nothing is sent from here" in caplog.text
        desk.clock.at = datetime.now(UTC)
        desk.clock.ticks += 1
        await worker.drain()
        assert await desk.states() == [State.ACCEPTED]


async def test_a_worker_whose_clock_is_ahead_ends_nobodys_lease(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh_postgresql(), tmp_path) as desk:
        desk.clock.turn_to(datetime.now(UTC))
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        [held] = await dispatch.claim(desk.office, Actor("worker", "slow"), 5)
        worker = _worker(desk, "fast")
        desk.clock.at = datetime.now(UTC) + timedelta(hours=1)
        await worker.tick()
        desk.clock.at = datetime.now(UTC)
        await dispatch.attempt(desk.office, Actor("worker", "slow"), held)
        assert await desk.states() == [State.ACCEPTED]
