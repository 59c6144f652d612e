"""Fault: the gateway sends one event three times. It is taken once; nothing else moves and no evidence is doubled."""

from __future__ import annotations

from desk.desk import Desk, person

from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Policy, State, Verdict
from dispatcher.usecases.hear import Heard, take


async def test_a_report_is_taken_once(desk: Desk) -> None:
    await desk.launch([person("one", fax="+442079460000")], Policy.FAX)
    await desk.work()
    fax = await desk.only()
    report = Report(f"{fax.id}.1", "event-7", Outcome(Verdict.DELIVERED, pages=1))
    heard = [await take(desk.office, report, "channel:simulator") for _ in range(3)]
    assert heard == [Heard.APPLIED, Heard.REPEATED, Heard.REPEATED]
    story = await desk.story(fax.id)
    assert len(story.evidence) == 1
    assert [entry.event.action for entry in story.audit].count("delivery.confirm") == 1


async def test_a_gateway_that_calls_twice_moves_the_letter_once(desk: Desk) -> None:
    await desk.launch([person("one", fax="+442079460061")], Policy.FAX)
    await desk.work()
    desk.clock.turn(minutes=5)
    assert await desk.callbacks() == 2
    fax = await desk.only()
    assert fax.state is State.DELIVERED
    assert [entry.event.action for entry in (await desk.story(fax.id)).audit].count("delivery.confirm") == 1
