"""Fault: the relay takes the whole letter and says nothing. It may have gone: in doubt, and nothing sends it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk.desk import ADA, open_desk, person
from farend.rogue import STALL, accept_then

from dispatcher.cli.story import as_record, show_story
from dispatcher.domain.errors import Conflict, UserError
from dispatcher.domain.verbs import Verb
from dispatcher.domain.words import Cause, Policy, State, Verdict
from dispatcher.usecases import operate
from dispatcher.usecases.by_hand import By
from dispatcher.usecases.review import Wanted
from dispatcher.usecases.together import together
from dispatcher.usecases.tries import tries_of


async def test_silence_after_the_dot_is_a_doubt_that_nothing_resends(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": accept_then(STALL)}) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.work()
        doubtful = await desk.only()
        assert (doubtful.state, doubtful.cause) == (State.IN_DOUBT, Cause.EMAIL_NO_ANSWER_AFTER_DATA)
        [attempt] = (await desk.story(doubtful.id)).attempts
        assert attempt.verdict == Verdict.UNKNOWN
        for _ in range(10):
            await desk.pass_time(days=3)
        group = Wanted(cause=Cause.EMAIL_NO_ANSWER_AFTER_DATA)
        assert (await together(desk.office, Verb.RETRY, group, 0, By(ADA, ""))).done == ()
        await desk.work()
        assert len(desk.rogue.ledger) == 1
        assert (await desk.only()).state is State.IN_DOUBT


async def test_a_person_settles_the_doubt_with_a_reason_and_the_record_says_so(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_desk(database, tmp_path, script={"dot": [accept_then(STALL)]}) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.work()
        seen = await desk.only()
        with pytest.raises(Conflict, match="E_DOUBT_WAIT"):
            await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, "they say no", ADA)
        desk.clock.turn(minutes=12)
        with pytest.raises(UserError, match="E_DOUBT_REASON"):
            await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, " ", ADA)
        await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, "they say no", ADA)
        await desk.work()
        assert len(desk.rogue.ledger) == 2
        assert [one.knowingly for one in (await desk.story(seen.id)).attempts] == [False, True]
        story, coming = await desk.story(seen.id), await tries_of(desk.office, seen.id)
        show_story(story, coming, "UTC")
        shown = " ".join(capsys.readouterr().out.split())
        assert "may arrive twice sent again knowingly; operator:ada: they say no" in shown
        assert "try 2 by smtp knowingly again" in shown
        assert as_record(story, coming)["may_arrive_twice"] is True
        assert [one.event.action for one in story.audit if one.event.data.get("knowingly")] == [
            "delivery.retry",
            "delivery.claim",
        ]
        assert desk.rogue.ledger[0].message.count(seen.message_id.encode()) == 1
        assert seen.message_id.encode() in desk.rogue.ledger[1].message


async def test_a_person_who_knows_that_it_arrived_is_evidence_with_a_reason(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": accept_then(STALL)}) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.work()
        seen = await desk.only()
        await operate.settle_doubt(desk.office, seen.id, operate.Decision.ARRIVED, "they telephoned", ADA)
        assert (await desk.only()).state is State.DELIVERED
        last = (await desk.story(seen.id)).audit[-1].event
        assert (last.actor, last.action, last.reason) == ("operator:ada", "delivery.confirm", "they telephoned")
