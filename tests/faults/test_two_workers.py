"""Fault: two workers look at the same queue, and one of them wakes up after its lease has ended. One send."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from desk.desk import Desk, person

from dispatcher.domain.model import Actor
from dispatcher.domain.words import Policy, State
from dispatcher.store.engine import Store
from dispatcher.usecases import dispatch
from dispatcher.usecases.dispatch import Claim
from dispatcher.worker import Worker


async def test_two_workers_send_each_letter_once(desk: Desk) -> None:
    people = [person(f"mission-{number}", email=f"mission-{number}@ardesia.example") for number in range(20)]
    await desk.launch(people, Policy.EMAIL)
    other_store = Store(desk.database)
    other = Worker(replace(desk.office, store=other_store), room=3, name=Actor("worker", "two"))
    mine = Worker(desk.office, room=3, name=Actor("worker", "one"))
    await asyncio.gather(mine.drain(), other.drain())
    await other_store.aclose()
    assert await desk.states() == [State.ACCEPTED] * 20
    recipients = [taken.recipient for taken in desk.rogue.ledger]
    assert sorted(recipients) == sorted(set(recipients))
    assert len(recipients) == 20


async def test_a_worker_that_overslept_its_lease_sends_nothing(desk: Desk) -> None:
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    [overslept] = await dispatch.claim(desk.office, Actor("worker", "sleepy"), 5)
    desk.clock.turn(seconds=61)
    await desk.work()
    assert len(desk.rogue.ledger) == 1
    await dispatch.attempt(desk.office, Actor("worker", "sleepy"), overslept)
    assert len(desk.rogue.ledger) == 1
    assert (await desk.only()).state is State.ACCEPTED


async def test_a_worker_whose_lease_ended_unseen_sends_nothing_either(desk: Desk) -> None:
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    [overslept] = await dispatch.claim(desk.office, Actor("worker", "sleepy"), 5)
    desk.clock.turn(seconds=61)  # nobody has swept it up yet, but somebody may at any moment
    await dispatch.attempt(desk.office, Actor("worker", "sleepy"), overslept)
    assert desk.rogue.ledger == []


async def test_a_living_worker_keeps_its_leases(desk: Desk) -> None:
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    held: list[Claim] = await dispatch.claim(desk.office, Actor("worker", "slow"), 5)
    for _ in range(5):
        desk.clock.turn(seconds=50)
        await dispatch.keep_leases(desk.office, held)
    await desk.work()
    assert desk.rogue.ledger == []  # still the slow worker's
    await dispatch.attempt(desk.office, Actor("worker", "slow"), held[0])
    assert len(desk.rogue.ledger) == 1
