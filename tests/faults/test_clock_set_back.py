"""Fault: somebody sets the machine's clock. Sending pauses until it was steady; nothing leaves early, late or twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from desk.desk import Desk, person

from dispatcher.domain.words import Policy, State
from dispatcher.usecases import audit_log
from dispatcher.worker import ring_what_was_set_back


async def test_a_clock_set_back_pauses_sending_and_is_on_record(desk: Desk) -> None:
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    await desk.worker.heartbeat()
    assert await desk.worker.tick() == 1
    await desk.worker.settle()
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL, campaign_id="second")
    desk.clock.step(hours=-1)
    await desk.work()
    assert await desk.states(campaign_id="second") == [State.QUEUED]
    await desk.work()
    entries = [entry for entry in await audit_log.tail_audit(desk.office, 50) if entry.event.action == "clock.step"]
    assert [entry.event.data for entry in entries] == [{"seconds": -3600}]
    await desk.pass_time(minutes=11)
    await desk.pass_time(hours=1)
    assert await desk.states(campaign_id="second") == [State.ACCEPTED]
    assert len(desk.rogue.ledger) == 2


async def test_a_clock_set_ahead_releases_no_letter_early(desk: Desk) -> None:
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL, at=datetime(2015, 10, 1, 20, 0))
    await desk.work()
    desk.clock.step(hours=12)
    await desk.work()
    assert desk.rogue.ledger == []
    desk.clock.step(hours=-12)
    await desk.pass_time(minutes=11)
    assert desk.rogue.ledger == []
    await desk.pass_time(hours=10)
    assert len(desk.rogue.ledger) == 1


async def test_the_workers_alarm_clock_rings_on_when_the_wall_clock_is_set_back() -> None:
    rung = asyncio.Event()

    async def ring() -> None:
        rung.set()

    clock = AsyncIOScheduler(timezone=UTC)
    before = datetime.now(UTC) + timedelta(hours=1)  # what the wall said when the next time was worked out
    clock.add_job(ring, "interval", seconds=600, next_run_time=before + timedelta(minutes=10))
    clock.start()
    try:
        ring_what_was_set_back(clock, before)
        await asyncio.sleep(0)
        assert not rung.is_set(), "nothing was set back, and its time has not come"
        ring_what_was_set_back(clock, datetime.now(UTC))
        await asyncio.wait_for(rung.wait(), 5)
    finally:
        clock.shutdown(wait=False)
