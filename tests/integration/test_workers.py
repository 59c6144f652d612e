"""Workers among each other: who is there, one name for one worker, pause and drain from the next claim on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from desk.desk import ADA, Desk, person

from dispatcher.domain.errors import Conflict, NotFound, UserError
from dispatcher.domain.model import Actor, Contact
from dispatcher.domain.seat import here
from dispatcher.domain.words import Asked, Policy, State
from dispatcher.store import audit
from dispatcher.usecases import crew, dispatch
from dispatcher.worker import Worker


def _people(count: int) -> list[Contact]:
    return [person(f"mission-{number}", email=f"mission-{number}@ardesia.example") for number in range(count)]


async def _states(desk: Desk, *, ended: bool = False) -> dict[str, str]:
    return {one.row.name: one.state for one in await crew.roster(desk.office, ended=ended)}


async def test_a_worker_is_there_from_its_first_tick_to_its_clean_end(desk: Desk) -> None:
    await desk.worker.tick()
    [one] = await crew.roster(desk.office)
    assert (one.row.name, one.state, one.row.seat.pid) == ("one", "works", here().pid)
    await desk.work()
    assert await _states(desk) == {}
    assert await _states(desk, ended=True) == {"one": "stopped"}
    desk.clock.turn(days=8)
    await desk.another_worker("two").tick()
    assert await _states(desk, ended=True) == {"two": "works"}


async def test_one_that_is_not_heard_of_is_shown_so(desk: Desk) -> None:
    await desk.worker.tick()
    desk.clock.turn(seconds=50)
    await desk.worker.heartbeat()
    desk.clock.turn(seconds=50)
    assert await _states(desk) == {"one": "works"}
    desk.clock.turn(seconds=11)
    assert await _states(desk) == {"one": "not heard of"}


async def test_a_paused_worker_claims_nothing_until_it_is_resumed(desk: Desk) -> None:
    await desk.launch(_people(2), Policy.EMAIL)
    await desk.worker.announce()
    await crew.ask(desk.office, "", Asked.PAUSE, "the relay is moved", ADA)
    assert await dispatch.claim(desk.office, desk.worker.name, 5) == []
    assert await desk.worker.tick() == 0
    assert await _states(desk) == {"one": "paused"}
    await crew.ask(desk.office, "one", Asked.RUN, "", ADA)
    await desk.work()
    assert await desk.states() == [State.ACCEPTED] * 2
    log = await desk.office.store.read(lambda connection: audit.tail(connection, 100))
    told = [(entry.event.action, entry.event.actor, entry.event.reason) for entry in log]
    assert ("worker.pause", "operator:ada", "the relay is moved") in told
    assert ("worker.run", "operator:ada", "") in told


async def test_a_drained_worker_finishes_what_it_has_and_ends_by_itself(desk: Desk) -> None:
    await desk.launch(_people(2), Policy.EMAIL)
    worker = Worker(desk.office, room=1, name=Actor("worker", "one"))
    await worker.tick()
    await crew.ask(desk.office, "one", Asked.DRAIN, "an upgrade", ADA)
    async with asyncio.timeout(20):
        await worker.run(0.05, asyncio.Event())
    assert sorted(await desk.states()) == [State.ACCEPTED, State.QUEUED]
    assert await _states(desk, ended=True) == {"one": "drained"}


async def test_a_person_is_told_what_was_wrong_with_the_question(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no worker 'nobody'"):
        await crew.ask(desk.office, "nobody", Asked.RUN, "", ADA)
    with pytest.raises(UserError, match="reason"):
        await crew.ask(desk.office, "", Asked.PAUSE, " ", ADA)


async def test_a_name_is_one_workers_alone_while_it_may_live(desk: Desk) -> None:
    elsewhere = replace(here(), host="elsewhere", pid=7)
    await crew.enter(desk.office, "main", elsewhere, given=True)
    with pytest.raises(Conflict, match=r"E_INSTANCE_RUNNING .*'main' .* process 7 on elsewhere"):
        await crew.enter(desk.office, "main", here(), given=True)
    twin = await crew.enter(desk.office, "main", here(), given=False)
    assert twin.name.startswith("main-")
    desk.clock.turn(seconds=61)
    assert (await crew.enter(desk.office, "main", here(), given=True)).name == "main"


async def test_a_pause_outlives_the_restart_of_a_named_worker(desk: Desk) -> None:
    gone = replace(here(), pid=2**22 + 1)
    await crew.enter(desk.office, "main", gone, given=True)
    await crew.ask(desk.office, "main", Asked.PAUSE, "wait for Megan", ADA)
    again = await crew.enter(desk.office, "main", here(), given=True)
    assert (again.asked, again.reason) == (Asked.PAUSE, "wait for Megan")


async def test_a_worker_whose_row_others_ended_announces_itself_anew(desk: Desk) -> None:
    await desk.worker.announce()
    [one] = await crew.roster(desk.office)
    await crew.leave(desk.office, one.row, "died")
    await desk.worker.heartbeat()
    await desk.worker.tick()
    assert await _states(desk) == {"one": "works"}
