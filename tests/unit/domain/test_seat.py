"""Which process is surely gone: where it is not sure, it is not judged."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.domain.seat import Seat, began, born, here, is_gone

HEARD = datetime(2015, 10, 1, 8, 0, tzinfo=UTC)
LONG_AGO = HEARD - timedelta(days=3)
MINE = Seat("host", "machine", "boot-1", "pid:[4026531836]", 100, 5000)
OTHER = replace(MINE, pid=200, born=4000)


def _judged(other: Seat, birth: int | None, started: datetime = LONG_AGO, mine: Seat = MINE) -> bool:
    return is_gone(other, mine, HEARD, started, lambda _pid: birth)


def test_one_whose_number_nobody_has_is_gone() -> None:
    assert _judged(OTHER, None)


def test_one_whose_number_another_process_has_is_gone() -> None:
    assert _judged(OTHER, 4999)


@pytest.mark.parametrize("birth", [4000, 0])
def test_one_that_is_there_or_that_cannot_be_looked_at_is_not_judged(birth: int) -> None:
    assert not _judged(OTHER, birth)


@pytest.mark.parametrize(
    "other",
    [
        replace(OTHER, host="elsewhere"),
        replace(OTHER, space="pid:[4026532001]"),
        replace(OTHER, boot=""),
        replace(OTHER, born=0),
        replace(OTHER, host="elsewhere", boot="boot-0"),
    ],
)
def test_one_of_another_host_or_container_is_not_judged(other: Seat) -> None:
    assert not _judged(other, None)


def test_one_from_before_the_machine_was_restarted_is_gone() -> None:
    assert _judged(replace(OTHER, boot="boot-0"), 4000, started=HEARD + timedelta(minutes=2))


@pytest.mark.parametrize(
    "other",
    [
        replace(OTHER, boot="boot-0", machine="another"),
        replace(OTHER, boot="boot-0", machine=""),
        replace(OTHER, boot="boot-0", space="pid:[4026532001]"),
    ],
)
def test_a_namesake_of_this_machine_is_not_judged_by_its_restart(other: Seat) -> None:
    assert not _judged(other, None, started=HEARD + timedelta(minutes=2))


def test_one_that_was_heard_of_after_this_machine_started_is_on_another_one() -> None:
    assert not _judged(replace(OTHER, boot="boot-0"), None, started=HEARD - timedelta(minutes=2))


def test_a_process_is_known_by_its_number_and_its_birth() -> None:
    mine = here("machine")
    assert mine.pid == os.getpid()
    assert mine.born == born(os.getpid())
    assert not is_gone(mine, replace(mine, pid=1), HEARD, HEARD)
    assert began() > timedelta()


def test_a_process_that_has_ended_is_gone_even_before_its_parent_asks() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert born(process.pid) is None  # a zombie
    assert born(process.pid) is None
