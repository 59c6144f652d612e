"""Fault: at a number that should be a fax machine, a person answers. Nobody rings there again until somebody looked."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, Desk, open_desk, person

from dispatcher.domain.words import Cause, Policy, State
from dispatcher.usecases import operate

VOICE = "+442079460024"


@pytest.fixture
def sqlite(databases: Databases, tmp_path: Path) -> str:
    return databases.fresh("sqlite", tmp_path)


async def days(desk: Desk, count: int) -> None:
    for _ in range(3 * count):
        await desk.pass_time(hours=8)


async def test_no_second_call_before_somebody_looked_whoever_writes_there(sqlite: str, tmp_path: Path) -> None:
    async with open_desk(sqlite, tmp_path) as desk:
        mission = person("one", fax=VOICE)
        await desk.launch([mission], Policy.FAX, campaign_id="first")
        await desk.work()
        await days(desk, 1)
        [failed] = await desk.deliveries()
        assert (failed.state, failed.cause, failed.tries) == (State.FAILED, Cause.FAX_VOICE, 1)
        await desk.launch([mission], Policy.FAX, campaign_id="second")
        await days(desk, 3)
        assert len(desk.gateway.taken()) == 1
        [waits] = [one for one in await desk.deliveries() if one.id != failed.id]
        assert (waits.state, waits.cause, waits.tries) == (State.QUEUED, Cause.GATE_VOICE, 0)
        assert failed.id in waits.detail
        await operate.give_up(desk.office, failed.id, "they said that they have no fax", ADA)
        await desk.pass_time(hours=2)
        assert len(desk.gateway.taken()) == 2


async def test_who_looked_may_have_it_called_again_and_then_it_stops_again(sqlite: str, tmp_path: Path) -> None:
    async with open_desk(sqlite, tmp_path) as desk:
        await desk.launch([person("one", fax=VOICE)], Policy.FAX)
        await desk.work()
        await days(desk, 1)
        row = await desk.only()
        await operate.retry(desk.office, row.id, "they switched their machine on", ADA)
        await days(desk, 3)
        assert len(desk.gateway.taken()) == 2
        assert (await desk.get(row.id)).cause is Cause.FAX_VOICE
