"""Fault: the relay refuses while the letter is still being written. The refusal is read and honoured; no dot is sent"""

from __future__ import annotations

from pathlib import Path

from desk.desk import open_desk, person
from farend.rogue import at, say

from dispatcher.domain.words import Cause, Policy, State


async def test_an_early_refusal_is_a_failure_with_its_cause_and_no_dot(database: str, tmp_path: Path) -> None:
    refusal = at(b"Content-Type", say("552 5.3.4 message too big", then="stall"))
    async with open_desk(database, tmp_path, script={"body": refusal}) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.work()
        failed = await desk.only()
        assert (failed.state, failed.cause) == (State.FAILED, Cause.EMAIL_TOO_BIG)
        assert "5.3.4 message too big" in failed.detail
        assert desk.rogue.dots == 0
        assert desk.rogue.ledger == []
