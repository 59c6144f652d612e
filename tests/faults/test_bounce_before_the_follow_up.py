"""Fault: a letter that was presumed to have arrived comes back. Its follow-up, "as we wrote", does not leave."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from desk.desk import open_desk, person

from dispatcher.domain.model import Hours, Step
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Policy, State, Verdict
from dispatcher.usecases import hear

STEPS = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 2))


async def test_a_follow_up_does_not_leave_when_the_first_letter_came_back(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        people = [person("one", email="mission@ardesia.example")]
        await desk.launch(people, Policy.EMAIL, steps=STEPS, hours=Hours(time(9), time(18)))
        await desk.work()
        await desk.pass_time(days=5, seconds=1)  # presumed, on a Tuesday at 10:00
        await desk.pass_time(days=2, hours=10)  # at 20:00 the follow-up is queued for the morning
        assert (await desk.only(step=1)).state is State.QUEUED
        [attempt] = (await desk.story((await desk.only(step=0)).id)).attempts
        bounce = Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX, "550 5.1.1 nobody here")
        await hear.take(desk.office, Report(attempt.id, "late", bounce), "channel:smtp")
        await desk.pass_time(hours=15)
        assert [(row.step, row.state) for row in await desk.deliveries()] == [
            (0, State.FAILED),
            (1, State.CANCELLED),
        ]
        assert len(desk.rogue.ledger) == 1
