"""Fault: the relay breaks off in the middle of the letter. Without the dot nothing was sent: tried again, no doubt."""

from __future__ import annotations

from pathlib import Path

from desk.desk import open_desk, person
from farend.rogue import RESET, at

from dispatcher.domain.words import Policy, State


async def test_a_drop_before_the_dot_is_tried_again_and_arrives_once(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"body": [at(b"Content-Type", RESET)]}) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.work()
        waiting = await desk.only()
        assert waiting.state is State.DEFERRED
        assert desk.rogue.ledger == []
        assert desk.rogue.dots == 0
        await desk.pass_time(minutes=20)
        assert (await desk.only()).state is State.ACCEPTED
        assert len(desk.rogue.ledger) == 1
