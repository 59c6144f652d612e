"""Fault: the worker dies when the relay has the letter. Whatever it had read is lost with it: a doubt, never resent"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from desk.desk import Desk, open_desk, person
from farend.rogue import STALL, accept_then

from dispatcher.domain.words import Policy, State


async def test_a_reply_that_died_with_its_reader_leaves_a_doubt(
    desk: Desk, one_email: Callable[[Desk], Awaitable[str]], die: Callable[[Desk, str], Awaitable[int]]
) -> None:
    await one_email(desk)
    assert await die(desk, "after_reply") == 137
    assert len(desk.rogue.ledger) == 1
    await desk.pass_time(seconds=661)
    await desk.pass_time(days=30)
    assert (await desk.only()).state is State.IN_DOUBT
    assert len(desk.rogue.ledger) == 1


async def test_a_kill_between_the_dot_and_its_reply_leaves_a_doubt(
    database: str, tmp_path: Path, start_dying: Callable[[Desk, str], Awaitable[asyncio.subprocess.Process]]
) -> None:
    async with open_desk(database, tmp_path, script={"dot": accept_then(STALL)}) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        process = await start_dying(desk, "nowhere")
        while not desk.rogue.ledger:
            await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
        await desk.pass_time(seconds=661)
        assert (await desk.only()).state is State.IN_DOUBT
        await desk.pass_time(days=30)
        assert len(desk.rogue.ledger) == 1
