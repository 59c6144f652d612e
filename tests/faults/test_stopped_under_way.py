"""Fault: the word to stop comes while letters are under way, by several workers. No dot is released after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import STALL, WAIT, Rogue

from dispatcher.domain.errors import Conflict, UserError
from dispatcher.domain.model import Actor, Contact
from dispatcher.domain.words import Cause, Policy, State
from dispatcher.store.engine import Store
from dispatcher.usecases import audit_log, dispatch, halt, launch, operate
from dispatcher.worker import Worker


def missions(count: int) -> list[Contact]:
    return [person(f"mission-{number}", email=f"mission@state-{number}.example") for number in range(count)]


async def test_after_a_stop_nothing_is_claimed_and_what_waits_says_why(desk: Desk) -> None:
    await desk.launch(missions(3), Policy.EMAIL)
    await halt.stop(desk.office, "a wrong letterhead", ADA)
    await desk.work()
    assert desk.rogue.ledger == []
    [first, *_] = await desk.deliveries()
    assert (first.state, first.fence) == (State.QUEUED, 0)  # no claim, no try
    waiting = (await desk.story(first.id)).waiting
    assert waiting is not None
    assert (waiting.cause, waiting.until) == (Cause.GATE_HALTED, None)
    assert "a wrong letterhead" in waiting.words
    assert "a wrong letterhead" in await halt.banner(desk.office)
    await halt.resume(desk.office, "the letterhead is right", ADA)
    await desk.work()
    assert len(desk.rogue.ledger) == 3
    assert await halt.banner(desk.office) == ""


async def test_a_letter_that_was_claimed_before_the_stop_goes_back_without_a_try(desk: Desk) -> None:
    await desk.launch(missions(1), Policy.EMAIL)
    [claimed] = await dispatch.claim(desk.office, ADA, 5)
    await halt.stop(desk.office, "wait", ADA)
    await dispatch.attempt(desk.office, ADA, claimed)
    one = await desk.only()
    assert (one.state, one.cause, one.tries) == (State.QUEUED, Cause.GATE_HALTED, 0)
    assert desk.rogue.ledger == []


@pytest.fixture
async def patient(database: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk whose mail server lets everybody wait at RCPT until its door is opened."""
    async with Rogue({"rcpt": WAIT}) as server:
        relay = server.relay(timeout_reply=60, timeout_connect=60, timeout_dot=60, connections=6)
        async with open_desk(database, tmp_path, relays=[relay]) as made:
            yield replace(made, rogue=server)


@pytest.mark.parametrize("what", ["everything", "the campaign"])
async def test_no_dot_is_released_after_a_stop_by_any_worker_with_letters_under_way(patient: Desk, what: str) -> None:
    """Two workers, each with its own connection to the database, stand in the middle of their letters."""
    await patient.launch(missions(6), Policy.EMAIL)
    other_store = Store(patient.database)
    other = Worker(replace(patient.office, store=other_store), room=3, name=Actor("worker", "two"))
    mine = Worker(patient.office, room=3, name=Actor("worker", "one"))
    await asyncio.gather(mine.tick(), other.tick())
    while patient.rogue.standing < 6:
        await asyncio.sleep(0)
    if what == "everything":
        assert (await halt.stop(patient.office, "stop", ADA)).leaving == 0
    else:
        await launch.pause(patient.office, "air-strikes", "stop", ADA)
    patient.rogue.door.set()
    await asyncio.gather(mine.settle(), other.settle())
    await other_store.aclose()
    assert patient.rogue.dots == 0
    why = Cause.GATE_HALTED if what == "everything" else Cause.WORKER_LOST
    assert {(one.state, one.tries, one.cause) for one in await patient.deliveries()} == {(State.QUEUED, 0, why)}


async def test_a_stop_tells_how_many_had_their_leave_before_it(desk: Desk) -> None:
    await desk.launch(missions(1), Policy.EMAIL)
    desk.rogue.script = {"dot": STALL}
    await desk.worker.tick()
    while desk.rogue.dots == 0:
        await asyncio.sleep(0)
    assert (await halt.stop(desk.office, "stop", ADA)).leaving == 1
    assert (await halt.status(desk.office)).leaving == 1
    await desk.worker.settle()


async def test_a_stop_and_a_resume_are_in_the_log_with_who_and_why(desk: Desk) -> None:
    await halt.stop(desk.office, "the summit was called off", ADA)
    with pytest.raises(Conflict, match="already"):
        await halt.stop(desk.office, "again", ADA)
    await halt.resume(desk.office, "it takes place", ADA)
    with pytest.raises(Conflict, match="not stopped"):
        await halt.resume(desk.office, "again", ADA)
    with pytest.raises(UserError):
        await halt.stop(desk.office, " ", ADA)
    told = [(one.event.action, one.event.actor, one.event.reason) for one in await audit_log.tail_audit(desk.office, 9)]
    assert told == [
        ("sending.stop", "operator:ada", "the summit was called off"),
        ("sending.resume", "operator:ada", "it takes place"),
    ]


async def test_reports_and_follow_ups_go_on_while_sending_is_stopped(desk: Desk) -> None:
    await desk.launch([person("one", fax="+442079460000")], Policy.FAX)
    await desk.work()
    await halt.stop(desk.office, "stop", ADA)
    await desk.pass_time(minutes=5)
    assert await desk.states() == [State.DELIVERED]
    noted = await operate.note_answer(desk.office, (await desk.only()).id, "they wrote", ADA)
    assert noted.contact_id == "one"
