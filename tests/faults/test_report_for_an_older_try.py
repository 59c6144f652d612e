"""Fault: news of an older try comes while a newer one is under way. Bad news is only kept; good news is proof."""

from __future__ import annotations

from desk.desk import Desk, person

from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Policy, Stage, State, Verdict
from dispatcher.usecases import dispatch
from dispatcher.usecases.hear import Heard, take


async def _second_try(desk: Desk) -> str:
    """A fax that was busy at first, and whose second try was accepted by the gateway."""
    await desk.launch([person("one", fax="+442079460021")], Policy.FAX)
    await desk.work()
    await desk.pass_time(minutes=2)
    assert (await desk.only()).state is State.DEFERRED
    await desk.pass_time(minutes=6)
    fax = await desk.only()
    assert (fax.state, fax.fence) == (State.ACCEPTED, 2)
    return fax.id


async def test_old_bad_news_changes_nothing(desk: Desk) -> None:
    fax_id = await _second_try(desk)
    for verdict, cause in ((Verdict.DEFERRED, Cause.FAX_BUSY), (Verdict.REFUSED, Cause.FAX_VOICE)):
        report = Report(f"{fax_id}.1", f"late-{verdict}", Outcome(verdict, cause))
        assert await take(desk.office, report, "channel:simulator") is Heard.IGNORED
    assert (await desk.get(fax_id)).state is State.ACCEPTED
    story = await desk.story(fax_id)
    assert [one["applied"] for one in story.evidence][-2:] == [False, False]
    assert [entry.event.action for entry in story.audit].count("report.ignored") == 2


async def test_old_good_news_is_proof(desk: Desk) -> None:
    fax_id = await _second_try(desk)
    report = Report(f"{fax_id}.1", "late-delivered", Outcome(Verdict.DELIVERED, pages=1))
    assert await take(desk.office, report, "channel:simulator") is Heard.APPLIED
    assert (await desk.get(fax_id)).state is State.DELIVERED


async def test_proof_of_the_first_try_stops_the_waiting_second(desk: Desk) -> None:
    await desk.launch([person("one", fax="+442079460021")], Policy.FAX)
    await desk.work()
    await desk.pass_time(minutes=2)
    fax = await desk.only()
    assert fax.state is State.DEFERRED
    report = Report(f"{fax.id}.1", "after-all", Outcome(Verdict.DELIVERED, pages=1))
    await take(desk.office, report, "channel:simulator")
    await desk.pass_time(days=1)
    assert (await desk.get(fax.id)).state is State.DELIVERED
    assert len(desk.gateway.taken()) == 1


async def test_proof_of_the_first_try_calls_off_the_open_second(desk: Desk) -> None:
    await desk.launch([person("one", fax="+442079460021")], Policy.FAX)
    await desk.work()
    await desk.pass_time(minutes=2)
    desk.clock.turn(minutes=6)
    [second] = await dispatch.claim(desk.office, desk.worker.name, 5)
    report = Report(f"{second.delivery.id}.1", "after-all", Outcome(Verdict.DELIVERED, pages=1))
    assert await take(desk.office, report, "channel:simulator") is Heard.APPLIED
    await dispatch.attempt(desk.office, desk.worker.name, second)
    assert len(desk.gateway.taken()) == 1
    proven = await desk.only()
    assert (proven.state, proven.tries) == (State.DELIVERED, 1)
    assert [one.stage for one in (await desk.story(proven.id)).attempts] == [Stage.CLOSED, Stage.CLOSED]
