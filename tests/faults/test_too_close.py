"""Fault: two campaigns write to one office on one day, or one writes to more than it may. The later letter waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from desk.databases import Databases
from desk.desk import ADA, MEGAN, Desk, open_desk, person

from dispatcher.domain.errors import CampaignError
from dispatcher.domain.limits import Limits, OwnLimits
from dispatcher.domain.model import Copy, Hours, Step
from dispatcher.domain.words import Cause, Kind, Policy, State
from dispatcher.intake.campaign import read_campaign
from dispatcher.intake.contacts import ContactBook
from dispatcher.usecases import launch, review
from dispatcher.usecases.plan import why_moved
from dispatcher.worker import Worker

ONE = person("one", email="mission@ardesia.example", fax="+442079460000")
DAY = Limits(courtesy=timedelta(hours=24))


def limited(desk: Desk, limits: Limits) -> Desk:
    office = replace(desk.office, limits=limits)
    return replace(desk, office=office, worker=Worker(office))


@pytest.fixture
async def counter(tmp_path: Path, databases: Databases) -> AsyncIterator[Desk]:
    """A desk over SQLite alone, for what does not depend on the database."""
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as made:
        yield made


async def test_a_second_campaigns_letter_waits_and_says_for_what_and_until_when(desk: Desk) -> None:
    desk = limited(desk, DAY)
    await desk.launch([ONE], Policy.EMAIL, campaign_id="first")
    await desk.work()
    desk.clock.turn(hours=3)
    await desk.launch([ONE], Policy.EMAIL, campaign_id="second")
    await desk.work()
    later = await desk.only(campaign_id="second")
    assert (later.state, later.cause, later.fence, later.tries) == (State.QUEUED, Cause.GATE_COURTESY, 0, 0)
    assert later.due == desk.clock.now() + timedelta(hours=21)
    assert "letter 1 of 'first' went to them at 01 October 08:00 UTC; 24 hours" in later.detail
    story = await desk.story(later.id)
    assert story.waiting is not None
    assert (story.waiting.cause, story.waiting.until) == (Cause.GATE_COURTESY, later.due)
    assert story.attempts == []
    assert "delivery.wait" in [one.event.action for one in story.audit]
    await desk.pass_time(hours=21, seconds=1)
    assert len(desk.rogue.ledger) == 2


async def test_two_letters_that_are_due_at_once_do_not_go_at_once(desk: Desk) -> None:
    desk = limited(desk, DAY)
    for campaign_id in ("first", "second"):
        await desk.launch([ONE], Policy.EMAIL, campaign_id=campaign_id)
    await desk.work()
    assert sorted(await desk.states()) == [State.ACCEPTED, State.QUEUED]


async def test_the_later_letter_waits_for_the_offices_hours_as_well(counter: Desk) -> None:
    desk = limited(counter, Limits(courtesy=timedelta(hours=36)))
    await desk.launch([ONE], Policy.EMAIL, campaign_id="first")
    await desk.work()
    await desk.launch([ONE], Policy.EMAIL, campaign_id="second", hours=Hours(time(9), time(17)))
    await desk.work()
    assert (await desk.only(campaign_id="second")).due == datetime(2015, 10, 5, 7, 0, tzinfo=UTC)  # Monday, 9 in Geneva


async def test_one_letter_by_both_ways_with_its_copies_is_one_letter(counter: Desk) -> None:
    desk = limited(counter, DAY)
    office = person("observer", email="observer@ardesia.example")
    two = person("two", email="mission@castrevia.example")
    copies = tuple(Copy("observer", name, Policy.EMAIL) for name in ("one", "two"))
    await desk.launch([ONE, two, office], Policy.EMAIL, copies=copies, policy_by_contact=(("one", Policy.BOTH),))
    await desk.work()
    assert Counter(await desk.states()) == {State.ACCEPTED: 5}


async def test_the_fall_back_fax_goes_although_another_letter_went_since(counter: Desk) -> None:
    desk = limited(counter, Limits(courtesy=timedelta(days=7)))
    await desk.launch([ONE], Policy.FAX_IF_NO_PROOF, proof_after=1)
    await desk.work()
    desk.clock.turn(hours=12)
    urgent = OwnLimits(courtesy_hours=0, reason="urgent")
    await desk.launch([ONE], Policy.EMAIL, campaign_id="second", limits=urgent)
    await desk.work()
    await desk.pass_time(hours=12, seconds=1)
    assert (await desk.only(kind=Kind.FAX)).state is State.ACCEPTED


async def test_a_follow_up_keeps_the_gap_too(counter: Desk) -> None:
    desk = limited(counter, Limits(courtesy=timedelta(days=60)))
    steps = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", after=10))
    await desk.launch([ONE], Policy.FAX, steps=steps)
    await desk.work()
    await desk.pass_time(minutes=5)
    await desk.pass_time(days=15)
    follow_up = await desk.only(step=1)
    assert (follow_up.state, follow_up.cause) == (State.QUEUED, Cause.GATE_COURTESY)


async def test_what_did_not_reach_them_is_no_letter(counter: Desk) -> None:
    desk = limited(counter, DAY)
    two = person("two", fax="+442079460022")
    await desk.launch([two], Policy.FAX, campaign_id="first")
    await desk.work()
    await desk.pass_time(minutes=2)
    assert (await desk.only()).cause is Cause.FAX_BUSY
    both = person("two", fax="+442079460022", email="mission@castrevia.example")
    await desk.launch([both], Policy.EMAIL, campaign_id="second")
    await desk.work()
    assert len(desk.rogue.ledger) == 1


async def test_a_campaign_may_come_closer_with_a_reason(counter: Desk) -> None:
    desk = limited(counter, DAY)
    await desk.launch([ONE], Policy.EMAIL, campaign_id="first")
    await desk.work()
    await desk.launch([ONE], Policy.EMAIL, campaign_id="second", limits=OwnLimits(courtesy_hours=0, reason="urgent"))
    await desk.work()
    assert len(desk.rogue.ledger) == 2
    _, plan = await review.read_plan(desk.office, "second")
    assert plan.campaign["limits"] == {"courtesy_hours": 0, "reason": "urgent"}  # signed with the plan


# -- a day, and a whole campaign ---------------------------------------------------------------------------------------


def missions(count: int) -> list[Any]:
    return [person(f"m-{n:02}", email=f"m@state-{n}.example", fax=f"+4420794601{n:02}") for n in range(count)]


async def test_so_many_letters_a_day_and_the_rest_on_the_next_working_days(counter: Desk) -> None:
    desk = limited(counter, Limits(per_day=2, zone="Europe/Zurich"))
    prepared = await desk.prepare(missions(5), Policy.EMAIL, hours=Hours(time(9), time(17)))
    days = [stop.due[:10] for stop in prepared.plan.stops]
    assert days == ["2015-10-01", "2015-10-01", "2015-10-02", "2015-10-02", "2015-10-05"]  # Thursday, Friday, Monday
    last = why_moved(prepared.plan, prepared.plan.stops[-1])
    assert last[0] == "2 letters leave a day, this one 2 working days later"


async def test_a_day_holds_when_everything_is_due_at_once_and_a_letters_fax_is_the_same_letter(desk: Desk) -> None:
    unlimited = limited(desk, Limits())
    await unlimited.launch(missions(4), Policy.BOTH)
    desk = limited(desk, Limits(per_day=2, zone="Europe/Zurich"))
    await desk.work()
    sent = [one for one in await desk.deliveries() if one.state is not State.QUEUED]
    assert len({one.letter for one in sent}) == 2
    assert len(sent) == 4  # both ways of both
    waits = next(one for one in await desk.deliveries() if one.state is State.QUEUED)
    why = (await desk.story(waits.id)).waiting
    assert why is not None
    assert (why.cause, why.until) == (Cause.GATE_DAY, datetime(2015, 10, 1, 22, 0, tzinfo=UTC))  # midnight in Zurich
    assert waits.fence == 0
    await desk.pass_time(hours=14)
    assert len({one.letter for one in await desk.deliveries() if one.state is not State.QUEUED}) == 4


async def test_a_campaign_can_say_fewer_a_day_and_others_do_not_wait_for_it(counter: Desk) -> None:
    desk = limited(counter, Limits(per_day=3))
    own = OwnLimits(per_day=1)
    await limited(counter, Limits()).launch(missions(3), Policy.EMAIL, campaign_id="slow", limits=own)
    await desk.launch(missions(3), Policy.EMAIL, campaign_id="quick")
    await desk.work()
    sent = [one.campaign_id for one in await desk.deliveries() if one.state is State.ACCEPTED]
    assert Counter(sent) == {"slow": 1, "quick": 3}


async def test_a_campaign_above_the_cap_is_refused_at_every_step_with_the_way_out(counter: Desk) -> None:
    few = limited(counter, Limits(campaign_letters=3))
    with pytest.raises(CampaignError) as refused:
        await few.prepare(missions(2), Policy.BOTH)
    [problem] = refused.value.problems
    assert (problem.code, problem.cause) == ("E_TOO_MANY", "it has 4 letters to addresses, and a campaign may have 3")
    assert 'campaign = "air-strikes", letters = 4' in problem.way_out
    allowed = limited(counter, Limits(campaign_letters=3, campaign_exceptions={"air-strikes": 4}))
    prepared = await allowed.prepare(missions(2), Policy.BOTH)
    with pytest.raises(CampaignError, match="E_TOO_MANY"):
        await launch.approve(few.office, "air-strikes", prepared.digest, MEGAN)
    await launch.approve(allowed.office, "air-strikes", prepared.digest, MEGAN)
    with pytest.raises(CampaignError, match="E_TOO_MANY"):
        await launch.launch(few.office, "air-strikes", ADA, late=True)
    assert await launch.launch(allowed.office, "air-strikes", ADA, late=True) == 4


BOOK = ContactBook((ONE,), (), {})
_CAMPAIGN = """
id = "air-strikes"
title = "Air strikes"
organisation = "cluster-munition-coalition"
[sender]
name = "Megan Burke"
title = "Director"
email = "letters@coalition.example"
place = "Geneva"
[when]
at = 2027-03-01T09:00:00
zone = "Europe/Zurich"
[select]
contacts = ["one"]
[channels]
default = "email"
[[steps]]
letter = "air-strikes"
"""


def test_a_campaign_file_says_its_own_limits_and_a_gap_needs_a_reason(tmp_path: Path) -> None:
    def read(limits: str) -> OwnLimits:
        text = _CAMPAIGN + limits
        file = tmp_path / "air-strikes.toml"
        file.write_text(text)
        return read_campaign(file, BOOK, ("air-strikes",), ("cluster-munition-coalition",)).campaign.limits

    assert read("") == OwnLimits()
    told = '[limits]\nper_day = 40\ncourtesy_hours = 2\nreason = "agreed with the missions"\n'
    assert read(told) == OwnLimits(40, 2, "agreed with the missions")
    for wrong, code in (
        ("[limits]\ncourtesy_hours = 0\n", "E_LIMITS_REASON"),
        ("[limits]\nper_day = 0\n", "E_VALUE"),
        ("[limits]\nper_week = 3\n", "E_KEY"),
    ):
        with pytest.raises(CampaignError) as refused:
            read(wrong)
        assert refused.value.problems[0].code.startswith(code)
