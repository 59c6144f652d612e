"""The people of a run: they pause and resume, hold and release, retry, and settle doubts by what they can find out."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from torture.letters import CAMPAIGN

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.model import Actor, Delivery
from dispatcher.domain.words import Signal, State
from dispatcher.store import deliveries
from dispatcher.usecases import launch, operate
from dispatcher.usecases.office import Office
from dispatcher.usecases.operate import Decision

from .world import World

ADA = Actor("operator", "ada")
#: Seconds between two acts.
PAUSE = 60.0


async def live(world: World, office: Office) -> None:
    """Acts now and then until the run ends."""
    while True:
        await asyncio.sleep(world.dice.expovariate(1 / PAUSE))
        act = world.dice.choices((_pause, _hold, _retry, _settle, _cancel), (1, 3, 3, 4, 1))[0]
        await quietly(act(world, office))


async def quietly(doing: Any) -> None:
    """A person who is refused, or told that the database is ill, tries again another time."""
    try:
        await doing
    except (DispatcherError, OSError):
        return


async def _pause(world: World, office: Office) -> None:
    await launch.pause(office, CAMPAIGN, "lunch", ADA)
    await asyncio.sleep(world.dice.uniform(10.0, 120.0))
    await resume(office)


async def resume(office: Office) -> None:
    """Until it is said: a campaign that nobody resumes is no fault of the program."""
    while True:
        try:
            await launch.resume(office, CAMPAIGN, "back", ADA)
            return
        except DispatcherError as fault:
            if fault.exit_code != 75:
                return
        await asyncio.sleep(5.0)


async def some(world: World, office: Office, *states: State) -> Delivery | None:
    found = await office.store.read(lambda connection: deliveries.in_states(connection, states))
    return world.dice.choice(found) if found else None


async def _hold(world: World, office: Office) -> None:
    one = await some(world, office, State.QUEUED, State.DEFERRED)
    if one is not None:
        await operate.apply_by_hand(office, one.id, Signal.HOLD, "wait", ADA)


async def release_all(office: Office) -> None:
    for one in await office.store.read(lambda connection: deliveries.in_states(connection, [State.HELD])):
        await operate.apply_by_hand(office, one.id, Signal.RELEASE, "go on", ADA)


async def _cancel(world: World, office: Office) -> None:
    one = await some(world, office, State.QUEUED, State.DEFERRED, State.HELD)
    if one is not None:
        await operate.apply_by_hand(office, one.id, Signal.CANCEL, "not wanted", ADA)


async def _retry(world: World, office: Office) -> None:
    one = await some(world, office, State.FAILED)
    if one is not None:
        await operate.retry(office, one.id, "mended", ADA)
    await release_all(office)


async def _settle(world: World, office: Office) -> None:
    """They ask the recipient, who tells the truth, or they cannot find out."""
    one = await some(world, office, State.IN_DOUBT)
    if one is None:
        return
    there = copies(world)[one.id] > 0
    known = Decision.ARRIVED if there else Decision.NOT_SENT
    decision = world.dice.choice((known, known, Decision.RESEND, Decision.GIVE_UP))
    await operate.settle_doubt(office, one.id, decision, "asked them", ADA)


def copies(world: World) -> Counter[str]:
    """How many copies of each letter are with somebody."""
    return Counter(one.delivery for one in (*world.mail.book, *world.gateway.book) if not one.returned)
