"""Fault: the relay takes nothing from us, whoever it is for. No letter fails for it; all leave when it has changed."""

from __future__ import annotations

from pathlib import Path

from desk.desk import open_desk, person
from farend.rogue import say

from dispatcher.domain.words import Policy, State


async def test_a_policy_against_us_fails_no_letter(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"mail": say("550 5.7.1 you are blocked")}) as desk:
        people = [person(f"mission-{number}", email=f"mission-{number}@ardesia.example") for number in range(10)]
        await desk.launch(people, Policy.EMAIL)
        for _ in range(6):
            await desk.pass_time(minutes=10)
        rows = await desk.deliveries()
        assert ({row.state for row in rows}, {row.tries for row in rows}) == ({State.QUEUED}, {0})
        named = sum(command.startswith("MAIL") for command in desk.rogue.commands)
        assert named <= 10 + 6  # those under way at first, then one on trial at a time
        desk.rogue.script = {}
        for _ in range(3):
            await desk.pass_time(minutes=16)
        assert {row.state for row in await desk.deliveries()} == {State.ACCEPTED}
        assert len(desk.rogue.ledger) == 10
