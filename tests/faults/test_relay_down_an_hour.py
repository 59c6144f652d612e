"""Fault: the relay is away for an hour. Nothing is lost, no try is spent, and all leaves when it is back."""

from __future__ import annotations

from pathlib import Path

from desk.desk import open_desk, person
from farend.rogue import Rogue

from dispatcher.domain.words import Policy, State


async def test_letters_wait_for_the_relay_and_leave_once(database: str, tmp_path: Path) -> None:
    async with Rogue() as first:
        port, relay = first.port, first.relay()
    async with open_desk(database, tmp_path, relays=[relay]) as desk:
        people = [person(f"mission-{number}", email=f"mission-{number}@ardesia.example") for number in range(12)]
        await desk.launch(people, Policy.EMAIL)
        await desk.work()
        for _ in range(12):
            await desk.pass_time(minutes=5)
        rows = await desk.deliveries()
        assert {row.state for row in rows} == {State.QUEUED}
        assert {row.tries for row in rows} == {0}
        async with Rogue(port=port) as back:
            for _ in range(5):
                await desk.pass_time(minutes=10)
            assert {row.state for row in await desk.deliveries()} == {State.ACCEPTED}
            assert len(back.ledger) == 12
