"""What becomes of a process that renders is not blamed on a letter; none is waited for without end, none is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatcher.app import Press
from dispatcher.domain.errors import Conflict, TemplateError
from dispatcher.letters import Hand, Nursery, Order, open_nursery
from dispatcher.letters.hand import serve
from dispatcher.letters.nursery import bound
from dispatcher.resources import resource

TEMPLATES = str(resource("templates"))
#: Seconds in which something that has been told to end has surely ended.
SOON = 30.0


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    opened = open_nursery()
    yield opened
    opened.close()


@pytest.fixture
def hand(nursery: Nursery, order: Order) -> Iterator[Hand]:
    """One that has made a letter, and is idle."""
    made = Hand(nursery, TEMPLATES)
    assert made.render(order).pages == 1
    yield made
    with contextlib.suppress(ProcessLookupError):
        os.kill(made._number, signal.SIGCONT)
    made.close()


def lives(number: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, 0)
        return True
    return False


def become(number: int, state: str) -> None:
    """Waits until the kernel says so: T stopped, Z ended."""
    until = time.monotonic() + SOON
    while f") {state} " not in Path(f"/proc/{number}/stat").read_text("ascii"):
        assert time.monotonic() < until
        os.sched_yield()


def stop(number: int) -> None:
    os.kill(number, signal.SIGSTOP)
    become(number, "T")


@contextlib.contextmanager
def rendering(hand: Hand, order: Order) -> Iterator[list[object]]:
    """A thread that waits for a letter of a process that was stopped; what came of it is in the list at the end."""
    came: list[object] = []

    def run() -> None:
        try:
            came.append(hand.render(order))
        except Exception as error:  # noqa: BLE001  # what was raised is what the test looks at
            came.append(error)

    thread = threading.Thread(target=run)
    stop(hand._number)
    thread.start()
    while not hand._turn.locked():
        os.sched_yield()
    yield came
    thread.join(SOON)
    assert not thread.is_alive()


def test_the_death_of_an_idle_process_is_no_fault_of_the_next_letter(hand: Hand, order: Order) -> None:
    before = hand._number
    os.kill(before, signal.SIGKILL)
    become(before, "Z")
    assert hand.render(order).pages == 1
    assert hand._number != before


def test_a_process_that_was_stopped_is_waited_for_no_longer_than_patience_lasts(hand: Hand, order: Order) -> None:
    before = hand._number
    assert hand._pipe is not None
    with socket.socket(fileno=os.dup(hand._pipe.fileno())) as line:
        bound(line, 0.2)  # of this process alone: the next has as long as ever
    stop(before)
    assert hand.render(order).pages == 1
    assert not lives(before)


def test_a_letter_that_no_process_answers_is_named_with_what_can_be_done(nursery: Nursery, order: Order) -> None:
    hand = Hand(nursery, TEMPLATES, patience=0.001)
    try:
        with pytest.raises(TemplateError, match="gave no answer within 0 seconds") as caught:
            hand.render(order)
        [problem] = caught.value.problems
        assert (problem.code, problem.way_out[:13]) == ("E_TPL_LIMIT", "Try it again.")
    finally:
        hand.close()


def test_closing_ends_a_process_in_the_middle_of_a_letter_and_no_other_is_started(hand: Hand, order: Order) -> None:
    before = hand._number
    with rendering(hand, order) as came:
        hand.close()
    [error] = came
    assert isinstance(error, Conflict)
    assert not lives(before)
    with pytest.raises(Conflict, match="no letter is made any more"):
        hand.render(order)
    assert hand._pipe is None


def test_closing_waits_for_no_process_that_was_stopped(hand: Hand) -> None:
    stop(hand._number)
    began = time.monotonic()
    hand.close()
    assert time.monotonic() - began < hand.nursery._grace
    assert not lives(hand._number)


def test_a_nursery_that_was_stopped_is_replaced(order: Order) -> None:
    nursery = Nursery(serve, grace=0.3, patience=0.5)
    hand = Hand(nursery, TEMPLATES)
    try:
        nursery._started()
        assert nursery._process is not None
        before = nursery._process.pid
        stop(before)
        nursery._patience = SOON
        assert hand.render(order).pages == 1
        assert nursery._process.pid != before
    finally:
        hand.close()
        nursery.close()


async def test_a_press_that_is_closed_ends_every_letter_that_waits_and_starts_nothing(order: Order) -> None:
    press = Press(Path(TEMPLATES), hands=1)
    assert (await press.render(order)).pages == 1
    number = press._all[0]._number
    stop(number)
    waiting = [asyncio.create_task(press.render(order)) for _ in range(3)]
    await until(press._all[0]._turn.locked)
    press.close()
    came = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in came] == [Conflict] * 3
    with pytest.raises(Conflict):
        await press.render(order)
    assert not lives(number)
    assert press._nursery._process is None


async def test_a_press_that_never_made_a_letter_makes_none_once_it_is_closed(order: Order) -> None:
    press = Press(Path(TEMPLATES), hands=1)
    press.close()
    with pytest.raises(Conflict):
        await press.render(order)
    assert press._nursery._process is None


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not holds():
            await asyncio.sleep(0)
