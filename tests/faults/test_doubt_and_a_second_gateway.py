"""Fault: nobody knows whether the first gateway faxed it, and it is closed. The second one never gets that letter."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk.desk import ADA, person
from desk.gateways import two_gateways

from dispatcher.domain.words import Policy, State
from dispatcher.usecases import breaker, operate
from dispatcher.usecases.operate import Decision


@pytest.mark.parametrize("decision", [Decision.RESEND, Decision.NOT_SENT])
async def test_a_doubt_about_the_first_that_a_person_settled_still_waits_for_the_first(
    database: str, tmp_path: Path, decision: Decision
) -> None:
    """Only the gateway that may have it can know it again: another one would surely send it twice."""
    async with two_gateways(database, tmp_path) as desk:
        await desk.launch([person("one", fax="+442079460032")], Policy.FAX)  # 32: lost after the last page
        await desk.work()
        await desk.pass_time(hours=1)
        row = await desk.only()
        assert row.state is State.IN_DOUBT
        await breaker.pause(desk.office, "simulator", "maintenance", ADA)
        await operate.settle_doubt(desk.office, row.id, decision, "they say so", ADA)
        for _ in range(4):
            await desk.pass_time(hours=1)
        assert (await desk.get(row.id)).state is State.QUEUED
        assert desk.rogue.ledger == []
        await breaker.open_again(desk.office, "simulator", "done", ADA)
        await desk.pass_time(minutes=5)
        assert [one.channel for one in (await desk.story(row.id)).attempts] == ["simulator", "simulator"]
