"""Fault: a worker of this machine is gone with letters in hand. They are looked after at once, by stage."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from desk.desk import Desk, person

from dispatcher.domain.model import Actor
from dispatcher.domain.seat import Seat, here
from dispatcher.domain.words import Policy, State
from dispatcher.store import attempts
from dispatcher.usecases import crew, dispatch

GHOST = Actor("worker", "ghost")


def _seat_of_the_dead() -> Seat:
    """Of a process that has ended, on this machine."""
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL) as process:
        return replace(here(), pid=process.pid, born=here().born)


async def _one_email(desk: Desk) -> str:
    """Launches one letter by email; the delivery's id."""
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    return (await desk.only()).id


async def test_what_had_not_begun_to_leave_goes_back_to_the_queue_at_once(
    desk: Desk,
) -> None:
    await _one_email(desk)
    await crew.enter(desk.office, "ghost", _seat_of_the_dead(), given=True)
    await dispatch.claim(desk.office, GHOST, 5)
    await desk.work()  # the clock stands: no lease has ended
    assert (await desk.only()).state is State.ACCEPTED
    assert len(desk.rogue.ledger) == 1


async def test_what_was_at_the_commit_point_is_in_doubt_at_once(
    desk: Desk,
) -> None:
    delivery_id = await _one_email(desk)
    await crew.enter(desk.office, "ghost", _seat_of_the_dead(), given=True)
    [held] = await dispatch.claim(desk.office, GHOST, 5)
    now, until = desk.clock.now(), desk.clock.now() + desk.office.policy.transmitting_lease
    await desk.office.store.write(lambda one: attempts.mark_transmitting(one, held.attempt, "0" * 64, now, until))
    await desk.work()
    assert (await desk.get(delivery_id)).state is State.IN_DOUBT
    assert desk.rogue.ledger == []


@pytest.mark.parametrize("place", [{"host": "elsewhere"}, {"space": "pid:[1]"}, {"boot": "another"}])
async def test_one_of_another_host_or_container_keeps_its_lease(desk: Desk, place: dict[str, str]) -> None:
    await _one_email(desk)
    await crew.enter(desk.office, "ghost", replace(_seat_of_the_dead(), **place), given=True)
    await dispatch.claim(desk.office, GHOST, 5)
    await desk.work()
    assert (await desk.only()).state is State.SENDING
    desk.clock.turn(seconds=61)
    await desk.work()
    assert (await desk.only()).state is State.ACCEPTED
