"""Fault: the worker dies with the whole letter written but not its dot. Before the record: back to the queue.
After the record nobody can know that the dot was not written: in doubt, the price of never sending twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from desk.desk import Desk

from dispatcher.domain.words import Cause, Stage, State


async def test_before_the_record_the_letter_is_sent_again(
    desk: Desk, one_email: Callable[[Desk], Awaitable[str]], die: Callable[[Desk, str], Awaitable[int]]
) -> None:
    await one_email(desk)
    assert await die(desk, "before_mark") == 137
    assert desk.rogue.ledger == []
    await desk.pass_time(seconds=61)
    assert (await desk.only()).state is State.ACCEPTED
    assert len(desk.rogue.ledger) == 1


async def test_after_the_record_the_letter_is_in_doubt(
    desk: Desk, one_email: Callable[[Desk], Awaitable[str]], die: Callable[[Desk, str], Awaitable[int]]
) -> None:
    delivery_id = await one_email(desk)
    assert await die(desk, "after_mark") == 137
    [attempt] = (await desk.story(delivery_id)).attempts
    assert attempt.stage is Stage.TRANSMITTING
    await desk.pass_time(seconds=61)
    assert (await desk.only()).state is State.SENDING  # the ordinary lease does not end a transmission
    await desk.pass_time(seconds=600)
    doubtful = await desk.only()
    assert (doubtful.state, doubtful.cause) == (State.IN_DOUBT, Cause.WORKER_LOST_TRANSMITTING)
    await desk.pass_time(days=30)
    assert desk.rogue.ledger == []
