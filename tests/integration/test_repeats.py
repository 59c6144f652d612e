"""A campaign that repeats: each time is sent once, at its local hour, with its own date; what was missed waits for a
person. The clock is turned by hand, on both databases."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from desk.desk import ADA, MEGAN, Desk, person

from dispatcher.cli.plan import show_plan
from dispatcher.domain.errors import Conflict, CountChanged, NotFound
from dispatcher.domain.model import Hours, Step
from dispatcher.domain.words import Cause, Policy, Signal, State
from dispatcher.usecases import launch, operate, review
from dispatcher.usecases.occurrences import cancel_late, occurrences, release_late

EMAIL, FAX = "mission@ardesia.example", "+442079460000"
ONE = person("one", email=EMAIL)
#: Three Thursdays at 12 in Geneva; the clocks change between the second and the third of October's weeks.
FIRST = datetime(2015, 10, 15, 12, 0)
THURSDAYS = (datetime(2015, 10, 22, 12, 0), datetime(2015, 10, 29, 12, 0))
KEYS = [f"{one.isoformat(timespec='minutes')} Europe/Zurich" for one in (FIRST, *THURSDAYS)]


async def started(desk: Desk, policy: Policy = Policy.EMAIL, **more: object) -> str:
    people = [replace(ONE, addresses=person("one", email=EMAIL, fax=FAX).addresses)]
    return await desk.launch(people, policy, at=FIRST, repeats=THURSDAYS, **more)


def as_utc(local: datetime) -> datetime:
    return local.replace(tzinfo=ZoneInfo("Europe/Zurich")).astimezone(UTC)


async def turn_to(desk: Desk, local: datetime) -> None:
    """Turn the clock to that time in Geneva, and work."""
    desk.clock.turn(seconds=(as_utc(local) - desk.clock.now()).total_seconds())
    await desk.work()


async def test_every_time_sends_once_at_its_local_hour_with_its_own_date(desk: Desk) -> None:
    await started(desk)
    for number, day in enumerate((FIRST, *THURSDAYS)):
        await turn_to(desk, day - timedelta(minutes=1))
        assert len(desk.rogue.ledger) == number
        await turn_to(desk, day)
        await turn_to(desk, day + timedelta(minutes=1))
        assert len(desk.rogue.ledger) == number + 1
    assert len({one.message_id for one in await desk.deliveries()}) == 3
    _, plan = await review.read_plan(desk.office, "air-strikes")
    assert len({one.digest for one in plan.letters}) == 3
    for letter, day in zip(plan.letters, ("15", "22", "29"), strict=True):
        text = (await desk.office.archive.get(letter.objects["text"])).decode()
        assert f"{day} October 2015" in text


async def test_what_is_approved_says_every_time(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    prepared = await desk.prepare([ONE], Policy.EMAIL, at=FIRST, repeats=THURSDAYS)
    assert list(prepared.plan.instants) == KEYS
    assert [one.occurrence for one in prepared.plan.stops] == KEYS
    assert [one.due for one in prepared.plan.stops] == [
        "2015-10-15T10:00:00+00:00",
        "2015-10-22T10:00:00+00:00",
        "2015-10-29T11:00:00+00:00",  # winter
    ]
    fewer = await desk.prepare([ONE], Policy.EMAIL, at=FIRST, repeats=THURSDAYS[:1])
    assert fewer.digest != prepared.digest
    show_plan(prepared.digest, prepared.plan, (), "Europe/Zurich", json=False)
    told = capsys.readouterr().out
    assert "3 times in all" in told
    assert all(key in told for key in KEYS)
    show_plan(prepared.digest, prepared.plan, (), "Europe/Zurich", json=True)
    assert [one[0] for one in json.loads(capsys.readouterr().out)["campaign"]["occurrences"]] == KEYS


async def test_two_workers_and_a_second_launch_send_nothing_twice(desk: Desk) -> None:
    campaign = await started(desk)
    assert await launch.launch(desk.office, campaign, ADA, late=True) == 0
    other = desk.another_worker()
    for day in (FIRST, *THURSDAYS):
        desk.clock.turn(seconds=(as_utc(day) - desk.clock.now()).total_seconds())
        await asyncio.gather(desk.worker.drain(), other.drain())
    assert len(desk.rogue.ledger) == 3


async def test_what_was_missed_waits_for_a_person_and_never_leaves_in_a_burst(desk: Desk) -> None:
    """The machine was off from before the first time until after the second; the third comes as if nothing had been."""
    campaign = await started(desk)
    await turn_to(desk, THURSDAYS[0] + timedelta(days=2))
    assert desk.rogue.ledger == []
    for one in await desk.deliveries(states=(State.HELD,)):
        assert (one.cause, one.tries) == (Cause.GATE_LATE, 0)
    assert [one.late for one in await occurrences(desk.office, campaign)] == [1, 1, 0]
    await turn_to(desk, THURSDAYS[1])
    assert len(desk.rogue.ledger) == 1
    with pytest.raises(CountChanged, match="there are now 1 late letters"):
        await release_late(desk.office, campaign, KEYS[0], 2, "send it", MEGAN)
    assert len(await release_late(desk.office, campaign, KEYS[0], 1, "send it", MEGAN)) == 1
    assert len(await cancel_late(desk.office, campaign, KEYS[1], 1, "too late", MEGAN)) == 1
    await desk.work()
    assert len(desk.rogue.ledger) == 2
    told = await occurrences(desk.office, campaign)
    assert [dict(one.counts) for one in told] == [{State.ACCEPTED: 1}, {State.CANCELLED: 1}, {State.ACCEPTED: 1}]
    assert [one.late for one in told] == [0, 0, 0]


async def test_one_that_was_missed_can_be_released_by_itself(desk: Desk) -> None:
    await started(desk)
    await turn_to(desk, FIRST + timedelta(days=2))
    [held] = await desk.deliveries(states=(State.HELD,))
    await operate.apply_by_hand(desk.office, held.id, Signal.RELEASE, "send it", MEGAN)
    await desk.work()
    assert len(desk.rogue.ledger) == 1


async def test_a_late_launch_sends_the_first_time_and_holds_the_second_that_was_missed_too(desk: Desk) -> None:
    """Ten days after the first time somebody launches it all the same, and says so."""
    prepared = await desk.prepare([ONE], Policy.EMAIL, at=FIRST, repeats=THURSDAYS)
    await launch.approve(desk.office, "air-strikes", prepared.digest, MEGAN)
    await turn_to(desk, FIRST + timedelta(days=10))
    with pytest.raises(Conflict, match="E_TIME_PAST"):
        await launch.launch(desk.office, "air-strikes", ADA)
    await launch.launch(desk.office, "air-strikes", ADA, late=True)
    await desk.work()
    told = await occurrences(desk.office, "air-strikes")
    assert [dict(one.counts) for one in told] == [{State.ACCEPTED: 1}, {State.HELD: 1}, {State.QUEUED: 1}]
    assert len(desk.rogue.ledger) == 1


async def test_a_few_hours_late_is_not_late(desk: Desk) -> None:
    await started(desk)
    await turn_to(desk, FIRST + timedelta(hours=20))
    assert len(desk.rogue.ledger) == 1


async def test_a_campaign_that_happens_once_is_not_held_for_being_late(desk: Desk) -> None:
    await desk.launch([ONE], Policy.EMAIL, at=FIRST)
    await turn_to(desk, FIRST + timedelta(days=3))
    assert len(desk.rogue.ledger) == 1
    [told] = await occurrences(desk.office, "air-strikes")
    assert (told.local_key, dict(told.counts)) == (KEYS[0], {State.ACCEPTED: 1})


async def test_stopping_ends_all_times_and_pausing_holds_them_up(desk: Desk) -> None:
    campaign = await started(desk)
    await launch.pause(desk.office, campaign, "wait", MEGAN)
    await turn_to(desk, FIRST)
    assert desk.rogue.ledger == []
    await launch.resume(desk.office, campaign, "go on", MEGAN)
    await desk.work()
    assert len(desk.rogue.ledger) == 1
    assert await launch.stop(desk.office, campaign, "enough", MEGAN) == 2
    await turn_to(desk, THURSDAYS[1])
    assert len(desk.rogue.ledger) == 1
    with pytest.raises(Conflict, match="was stopped"):
        await release_late(desk.office, campaign, KEYS[0], 0, "send it", MEGAN)


async def test_each_time_has_its_own_follow_up_and_an_answer_counts_for_what_left_before_it(desk: Desk) -> None:
    """Two working days after the proof; the first time is answered, the second is not."""
    steps = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 2))
    await started(desk, Policy.FAX, steps=steps)
    await turn_to(desk, FIRST)
    await desk.pass_time(minutes=10)
    [first] = await desk.deliveries(states=(State.DELIVERED,))
    await operate.note_answer(desk.office, first.id, "they will come", MEGAN)
    await desk.pass_time(days=5)
    assert await desk.deliveries(step=1) == []
    await turn_to(desk, THURSDAYS[0])
    await desk.pass_time(minutes=10)
    await desk.pass_time(days=5)
    [following] = await desk.deliveries(step=1)
    assert following.occurrence == KEYS[1]
    letter = (await desk.story(following.id)).letter
    assert (letter.occurrence, letter.step) == (KEYS[1], 1)


async def test_a_fall_back_waits_for_the_email_of_its_own_time(desk: Desk) -> None:
    campaign = await started(desk, Policy.FAX_IF_NO_PROOF)
    rows = {one.id: one for one in await desk.deliveries(campaign_id=campaign)}
    faxes = [one for one in rows.values() if one.fallback_for]
    assert len(faxes) == 3
    assert all(rows[one.fallback_for].occurrence == one.occurrence for one in faxes)


async def test_each_time_waits_for_the_recipients_working_day(desk: Desk) -> None:
    """29 October is the mission's national day."""
    mission = replace(ONE, national_days=("10-29",))
    hours = Hours(time(8), time(18))
    plan = (await desk.prepare([mission], Policy.EMAIL, at=FIRST, repeats=THURSDAYS, hours=hours)).plan
    assert [datetime.fromisoformat(one.due).date() for one in plan.stops] == [
        date(2015, 10, 15),
        date(2015, 10, 22),
        date(2015, 10, 30),
    ]


async def test_an_unknown_time_is_told_with_those_that_there_are(desk: Desk) -> None:
    campaign = await started(desk)
    with pytest.raises(NotFound, match="2015-10-22T12:00"):
        await release_late(desk.office, campaign, "2015-10-16T12:00 Europe/Zurich", 0, "x", MEGAN)
