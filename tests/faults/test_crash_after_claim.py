"""Fault: the worker dies after it has claimed a letter. Nothing has left: back to the queue, no try spent, sent once"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from desk.desk import Desk

from dispatcher.domain.words import Cause, Stage, State, Verdict


async def test_a_claim_of_a_dead_worker_goes_back_to_the_queue(
    desk: Desk, one_email: Callable[[Desk], Awaitable[str]], die: Callable[[Desk, str], Awaitable[int]]
) -> None:
    delivery_id = await one_email(desk)
    assert await die(desk, "after_claim") == 137
    assert (await desk.only()).state is State.SENDING
    await desk.work()
    assert (await desk.only()).state is State.SENDING  # its lease has not ended: it may still live
    await desk.pass_time(seconds=61)
    sent = await desk.only()
    assert (sent.state, sent.tries) == (State.ACCEPTED, 1)
    assert len(desk.rogue.ledger) == 1
    lost, made = (await desk.story(delivery_id)).attempts
    assert (lost.stage, lost.verdict, lost.cause) == (Stage.CLOSED, Verdict.UNSENT, Cause.WORKER_LOST)
    assert made.verdict == Verdict.ACCEPTED
