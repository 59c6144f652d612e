"""Processes that render are forked from one that has loaded everything; none of them outlives the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from dispatcher.letters import Nursery
from dispatcher.letters.nursery import UNKNOWN

HERE = Path(__file__).parent


def oblige(pipe: Connection) -> None:
    """A child's work: does what it is told until the other end is closed, or as a child should not."""
    told = pipe.recv()
    if told == "numbers":
        pipe.send((os.getpid(), os.getppid(), threading.active_count(), "dispatcher.letters.printer" in sys.modules))
    if told == "stay":
        signal.pause()
    if told == "fail":
        raise ValueError("of the child's own")
    if told == "kill":
        os.kill(os.getpid(), signal.SIGPROF)
    if told == "interrupted":
        os.kill(os.getpid(), signal.SIGINT)
        pipe.send("goes on")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        opened = Nursery(oblige, grace=0.3)
        yield opened
        opened.close()


def told(nursery: Nursery, word: str) -> tuple[int, Connection]:
    number, pipe = nursery.born()
    pipe.send(word)
    return number, pipe


def test_children_are_forked_from_one_process_without_threads_that_has_loaded_everything(nursery: Nursery) -> None:
    found = []
    for _ in range(2):
        number, pipe = told(nursery, "numbers")
        with pipe:
            found.append(pipe.recv())
        assert found[-1][0] == number
        assert nursery.ended(number) == 0
    assert found[0][1] == found[1][1] != os.getpid()
    assert [one[2:] for one in found] == [(1, True), (1, True)]


@pytest.mark.parametrize(("word", "code"), [("kill", -signal.SIGPROF), ("fail", 1)])
def test_how_a_child_ended_is_told_and_the_next_is_born(word: str, code: int, nursery: Nursery) -> None:
    number, pipe = told(nursery, word)
    with pipe, pytest.raises(EOFError):
        pipe.recv()
    assert nursery.ended(number) == code
    number, pipe = told(nursery, "numbers")
    with pipe:
        assert pipe.recv()[0] == number


def test_an_interrupt_from_the_keyboard_ends_no_child(nursery: Nursery) -> None:
    _, pipe = told(nursery, "interrupted")
    with pipe:
        assert pipe.recv() == "goes on"


def test_a_child_that_does_not_end_is_ended(nursery: Nursery) -> None:
    number, pipe = told(nursery, "stay")
    pipe.close()
    assert nursery.ended(number) == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_nursery_that_was_killed_is_said_and_replaced(nursery: Nursery) -> None:
    orphan, pipe = told(nursery, "numbers")
    with pipe:
        parent = pipe.recv()[1]
        os.kill(parent, signal.SIGKILL)
    with pytest.raises(ConnectionError):
        nursery.born()
    assert nursery.ended(orphan) == UNKNOWN
    _, pipe = told(nursery, "numbers")
    with pipe:
        assert pipe.recv()[1] != parent
    assert nursery.ended(orphan) == UNKNOWN


_PROGRAM = """
import sys; sys.path[:0] = {path!r}
import os
from dispatcher.letters import open_nursery
opened = open_nursery()
number, pipe = opened.born()
print(number, flush=True)
os.kill(os.getpid(), 9)
"""


def test_nothing_keeps_a_reader_of_the_output_waiting_when_the_program_is_killed() -> None:
    program = _PROGRAM.format(path=[str(HERE.parents[2])])
    ran = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=60, check=False)
    assert ran.stdout.strip().isdigit()
