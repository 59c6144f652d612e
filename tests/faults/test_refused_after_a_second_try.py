"""Fault: a letter in doubt is sent again knowingly, and the second try is refused. The first may have arrived: it is
not said to have failed, and nobody retries it together with others.
"""

from __future__ import annotations

from pathlib import Path

from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import STALL, accept_then, say

from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Policy, State, Verdict
from dispatcher.usecases import hear, operate


async def _sent_again(desk: Desk) -> str:
    """A letter in doubt that the relay took, and that a person has sent again knowingly."""
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    await desk.work()
    seen = await desk.only()
    assert seen.state is State.IN_DOUBT
    desk.clock.turn(minutes=12)
    await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, "nobody can tell", ADA)
    return seen.id


async def test_a_second_try_that_is_refused_leaves_the_first_in_doubt(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": [accept_then(STALL), say("550 5.1.1 no")]}) as desk:
        await _sent_again(desk)
        await desk.work()
        seen = await desk.only()
        assert len(desk.rogue.ledger) == 1
        assert seen.state is State.IN_DOUBT
        assert [one.verdict for one in (await desk.story(seen.id)).attempts] == [Verdict.UNKNOWN, Verdict.REFUSED]


async def test_a_second_try_that_bounces_leaves_the_first_in_doubt(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": [accept_then(STALL)]}) as desk:
        name = await _sent_again(desk)
        await desk.work()
        second = (await desk.story(name)).attempts[-1]
        bounce = Report(second.id, "bounce-1", Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX))
        assert await hear.take(desk.office, bounce, "channel:smtp") is hear.Heard.APPLIED
        assert (await desk.only()).state is State.IN_DOUBT
