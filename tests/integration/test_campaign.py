"""A campaign's whole life on both databases: policies, copies, follow-ups, hours, pause, stop, expiry, retries."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from desk.desk import ADA, MEGAN, Desk, open_desk, person
from farend.rogue import DROP, STALL, Rogue, accept_then, say

from dispatcher.domain.errors import CampaignError, Conflict
from dispatcher.domain.model import Address, Copy, Hours, Step
from dispatcher.domain.verbs import Verb
from dispatcher.domain.words import Cause, Kind, Policy, Role, Signal, State
from dispatcher.usecases import contacts, dispatch, launch, operate, review
from dispatcher.usecases.by_hand import By
from dispatcher.usecases.review import Wanted
from dispatcher.usecases.sweep import sweep
from dispatcher.usecases.together import together

EMAIL, FAX = "mission@ardesia.example", "+442079460000"
TWO_STEPS = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 10))
OFFICE = Hours(time(8), time(18))


async def test_nothing_leaves_before_its_hour(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL, at=datetime(2015, 10, 1, 12, 0))
    await desk.work()
    assert await desk.states() == [State.QUEUED]
    await desk.pass_time(hours=1, minutes=59)
    assert desk.rogue.ledger == []
    await desk.pass_time(minutes=1)
    assert await desk.states() == [State.ACCEPTED]


async def test_a_letter_leaves_in_the_recipients_office_hours(desk: Desk) -> None:
    """Launched at 10 in Geneva, when New York sleeps."""
    await desk.launch([person("one", email=EMAIL, zone="America/New_York")], Policy.EMAIL, hours=OFFICE)
    waiting = await desk.only()
    assert waiting.due == datetime(2015, 10, 1, 12, 0, tzinfo=UTC)
    await desk.work()
    assert desk.rogue.ledger == []
    await desk.pass_time(hours=4)
    assert len(desk.rogue.ledger) == 1


async def test_the_gate_looks_at_the_hours_once_more(desk: Desk) -> None:
    """Due in office hours, but reached only when they are over (the worker was away): it waits for the next day."""
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL, hours=OFFICE)
    desk.clock.turn(hours=9)  # 19 in Geneva
    await desk.work()
    waiting = await desk.only()
    assert (waiting.state, waiting.cause, waiting.tries) == (State.QUEUED, Cause.GATE_WINDOW, 0)
    assert waiting.due == datetime(2015, 10, 2, 6, 0, tzinfo=UTC)
    assert desk.rogue.ledger == []


async def test_preparing_twice_gives_the_same_plan_and_launching_twice_queues_nothing_twice(desk: Desk) -> None:
    people = [person("one", email=EMAIL, fax=FAX)]
    first = await desk.prepare(people)
    assert (await desk.prepare(people)).digest == first.digest
    await launch.approve(desk.office, "air-strikes", first.digest, MEGAN)
    assert await launch.launch(desk.office, "air-strikes", ADA, late=True) == 2
    assert await launch.launch(desk.office, "air-strikes", ADA, late=True) == 0
    with pytest.raises(Conflict, match="was launched on"):
        await desk.prepare(people)


async def test_an_unapproved_and_a_late_campaign_are_not_launched(desk: Desk) -> None:
    prepared = await desk.prepare([person("one", email=EMAIL)], Policy.EMAIL, at=datetime(2015, 10, 1, 7, 0))
    with pytest.raises(Conflict, match="is not approved"):
        await launch.launch(desk.office, "air-strikes", ADA)
    await launch.approve(desk.office, "air-strikes", prepared.digest, MEGAN)
    with pytest.raises(Conflict, match="E_TIME_PAST"):
        await launch.launch(desk.office, "air-strikes", ADA)
    assert await desk.states() == []
    assert await launch.launch(desk.office, "air-strikes", ADA, late=True) == 1


async def test_a_letter_that_cannot_be_made_stops_the_preparing_with_every_problem(desk: Desk) -> None:
    steps = (Step(0, "air-strikes"), Step(1, "no-such-letter", 10))
    with pytest.raises(CampaignError, match="no-such-letter"):
        await desk.prepare([person("one", email=EMAIL)], Policy.EMAIL, steps=steps)
    assert await review.list_campaigns(desk.office) == []


async def test_a_copy_goes_to_its_own_recipient_as_the_same_letter(desk: Desk) -> None:
    people = [person("president", fax=FAX), person("envoy", email=EMAIL)]
    await desk.launch(people, Policy.FAX, copies=(Copy("envoy", "president", Policy.EMAIL),))
    await desk.work()
    [copy] = await desk.deliveries(contact_id="envoy")
    [original] = await desk.deliveries(contact_id="president")
    assert (copy.role, copy.letter, copy.addressee_id) == (Role.CC, original.letter, "president")
    assert [taken.recipient for taken in desk.rogue.ledger] == [EMAIL]


async def test_a_fax_stands_in_for_an_email_without_proof(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL, fax=FAX)], Policy.FAX_IF_NO_PROOF)
    await desk.work()
    fax = await desk.only(kind=Kind.FAX)
    assert fax.due == datetime(2015, 10, 6, 7, 0, tzinfo=UTC)  # three working days after Thursday
    await desk.pass_time(days=4)
    assert desk.gateway.taken() == []
    await desk.pass_time(days=1)
    assert len(desk.gateway.taken()) == 1


async def test_a_proven_email_needs_no_fax(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL, fax=FAX)], Policy.FAX_IF_NO_PROOF)
    await desk.work()
    email = await desk.only(kind=Kind.EMAIL)
    await operate.note_answer(desk.office, email.id, "they telephoned", ADA)
    await desk.pass_time(days=5)
    fax = await desk.only(kind=Kind.FAX)
    assert (fax.state, fax.cause) == (State.CANCELLED, Cause.GATE_PROVEN)
    assert desk.gateway.taken() == []


async def test_a_failed_email_sends_its_fax_at_once(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": say("550 5.1.1 no such user")}) as desk:
        await desk.launch([person("one", email=EMAIL, fax=FAX)], Policy.FAX_IF_NO_PROOF)
        await desk.work()
        assert (await desk.only(kind=Kind.EMAIL)).state is State.FAILED
        assert len(desk.gateway.taken()) == 1


async def test_a_doubtful_email_holds_its_fax_back(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": accept_then(DROP)}) as desk:
        await desk.launch([person("one", email=EMAIL, fax=FAX)], Policy.FAX_IF_NO_PROOF)
        await desk.work()
        await desk.pass_time(days=5)
        fax = await desk.only(kind=Kind.FAX)
        assert (fax.state, fax.cause) == (State.QUEUED, Cause.GATE_DOUBT)
        assert desk.gateway.taken() == []


async def test_a_follow_up_queues_itself_and_leaves_over_the_same_address(desk: Desk) -> None:
    await desk.launch([person("one", fax=FAX)], Policy.FAX, steps=TWO_STEPS)
    await desk.work()
    await desk.pass_time(minutes=5)
    assert await desk.states(step=0) == [State.DELIVERED]
    await desk.pass_time(days=13, hours=23)
    assert await desk.deliveries(step=1) == []
    await desk.pass_time(hours=1)
    follow_up = await desk.only(step=1)
    assert (follow_up.state, follow_up.address, follow_up.tries) == (State.ACCEPTED, FAX, 1)
    await desk.pass_time(minutes=5)
    assert (await desk.only(step=1)).state is State.DELIVERED
    assert len(desk.gateway.taken()) == 2


async def test_an_answer_before_the_follow_up_is_due_means_that_there_is_none(desk: Desk) -> None:
    await desk.launch([person("one", fax=FAX)], Policy.FAX, steps=TWO_STEPS)
    await desk.work()
    await desk.pass_time(minutes=5)
    first = await desk.only(step=0)
    noted = await operate.note_answer(desk.office, first.id, "the minister wrote", ADA)
    assert noted.stopped == ()
    await desk.pass_time(days=30)
    assert await desk.deliveries(step=1) == []
    actions = [entry.event.action for entry in (await desk.story(first.id)).audit]
    assert "answer.note" in actions
    assert not any("minister" in entry.event.reason for entry in (await desk.story(first.id)).audit)
    assert actions[-1] == "follow_up.skip"


async def test_an_answer_at_the_last_moment_stops_the_queued_follow_up(desk: Desk) -> None:
    await desk.launch([person("one", fax=FAX)], Policy.FAX, steps=TWO_STEPS)
    await desk.work()
    await desk.pass_time(minutes=5)
    desk.clock.turn(days=14)
    await sweep(desk.office)
    assert await desk.states(step=1) == [State.QUEUED]
    first = await desk.only(step=0)
    noted = await operate.note_answer(desk.office, first.id, "the minister wrote", ADA)
    follow_up = await desk.only(step=1)
    assert noted.stopped == (follow_up.id,)
    assert (follow_up.state, follow_up.cause) == (State.CANCELLED, Cause.GATE_ANSWERED)
    await desk.work()
    assert len(desk.gateway.taken()) == 1

    await sweep(desk.office)


async def test_a_follow_up_waits_while_a_sister_is_in_doubt(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": accept_then(DROP)}) as desk:
        await desk.launch([person("one", email=EMAIL, fax=FAX)], steps=TWO_STEPS)
        await desk.work()
        await desk.pass_time(minutes=15)
        doubtful = await desk.only(kind=Kind.EMAIL)
        assert doubtful.state is State.IN_DOUBT
        await desk.pass_time(days=20)
        assert await desk.deliveries(step=1) == []
        await operate.settle_doubt(desk.office, doubtful.id, operate.Decision.GIVE_UP, "nobody knows", ADA)
        await desk.pass_time(hours=13)
        assert await desk.states(step=1) == [State.ACCEPTED]


async def test_a_paused_campaign_sends_nothing_until_it_is_resumed(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
    await launch.pause(desk.office, "air-strikes", "wait for the minister", MEGAN)
    with pytest.raises(Conflict, match="is paused already"):
        await launch.pause(desk.office, "air-strikes", "again", MEGAN)
    await desk.pass_time(days=1)
    assert desk.rogue.ledger == []
    await launch.resume(desk.office, "air-strikes", "go on", MEGAN)
    await desk.work()
    assert len(desk.rogue.ledger) == 1


async def test_a_stopped_campaign_cancels_what_has_not_left(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL, fax=FAX)], steps=TWO_STEPS)
    await desk.worker.tick()
    await desk.worker.settle()
    again = person("two", email="two@ardesia.example")
    await desk.launch([again], Policy.EMAIL, campaign_id="second", at=datetime(2015, 10, 2, 9, 0))
    assert await launch.stop(desk.office, "second", "not needed", MEGAN) == 1
    assert await desk.states(campaign_id="second") == [State.CANCELLED]
    await launch.stop(desk.office, "air-strikes", "not needed", MEGAN)
    await desk.pass_time(days=40)
    assert await desk.deliveries(campaign_id="air-strikes", step=1) == []
    assert State.PRESUMED in await desk.states(campaign_id="air-strikes")
    with pytest.raises(Conflict, match="was stopped"):
        await launch.launch(desk.office, "second", ADA, late=True)


async def test_a_letter_that_did_not_leave_in_time_fails_aloud(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL, expires_after=2)
    await launch.pause(desk.office, "air-strikes", "wait", MEGAN)
    await desk.pass_time(days=10)
    await launch.resume(desk.office, "air-strikes", "go on", MEGAN)
    await desk.work()
    failed = await desk.only()
    assert (failed.state, failed.cause) == (State.FAILED, Cause.LETTER_EXPIRED)
    assert desk.rogue.ledger == []
    await operate.retry(desk.office, failed.id, "it is still wanted", ADA)
    await desk.work()
    assert len(desk.rogue.ledger) == 1


async def test_nothing_goes_to_a_suppressed_address(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
    assert await contacts.suppress(desk.office, Address(Kind.EMAIL, EMAIL), "they asked us", ADA)
    assert not await contacts.suppress(desk.office, Address(Kind.EMAIL, EMAIL), "again", ADA)
    await desk.work()
    stopped = await desk.only()
    assert (stopped.state, stopped.cause) == (State.CANCELLED, Cause.GATE_SUPPRESSED)
    assert desk.rogue.ledger == []


async def test_a_held_letter_waits_for_its_release(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
    row = await desk.only()
    await operate.apply_by_hand(desk.office, row.id, Signal.HOLD, "ask the director", ADA)
    await desk.pass_time(days=3)
    assert desk.rogue.ledger == []
    await operate.apply_by_hand(desk.office, row.id, Signal.RELEASE, "she agrees", ADA)
    await desk.work()
    assert len(desk.rogue.ledger) == 1


async def test_a_fax_that_is_always_busy_is_tried_by_its_rhythm_and_then_fails(desk: Desk) -> None:
    await desk.launch([person("one", fax="+442079460022")], Policy.FAX)
    for _ in range(60):
        await desk.pass_time(minutes=10)
    failed = await desk.only()
    assert (failed.state, failed.cause, failed.tries) == (State.FAILED, Cause.FAX_BUSY, 6)
    assert len(desk.gateway.taken()) == 6
    again = await together(desk.office, Verb.RETRY, Wanted("air-strikes", cause=Cause.FAX_BUSY), 1, By(ADA, ""))
    assert [one.id for one in again.done] == [failed.id]
    await desk.work()
    assert len(desk.gateway.taken()) == 7


async def test_one_call_a_number_at_a_time(desk: Desk) -> None:
    """Two campaigns write to one mission; the second call waits until the first has been handed over."""
    await desk.launch([person("one", fax=FAX)], Policy.FAX)
    await desk.launch([person("one", fax=FAX)], Policy.FAX, campaign_id="second")
    [call] = await dispatch.claim(desk.office, desk.worker.name, 5)
    assert await dispatch.claim(desk.office, desk.worker.name, 5) == []
    await dispatch.attempt(desk.office, desk.worker.name, call)
    assert len(await dispatch.claim(desk.office, desk.worker.name, 5)) == 1


async def test_campaigns_share_the_worker_fairly(desk: Desk) -> None:
    crowd = [person(f"crowd-{number}", email=f"crowd-{number}@ardesia.example") for number in range(12)]
    await desk.launch(crowd, Policy.EMAIL, campaign_id="large")
    await desk.launch([person("few", email="few@ardesia.example")], Policy.EMAIL, campaign_id="small")

    claims = await dispatch.claim(desk.office, desk.worker.name, 4)
    assert {one.delivery.campaign_id for one in claims} == {"large", "small"}


async def test_a_silent_gateway_is_asked_and_then_nobody_knows(desk: Desk) -> None:
    await desk.launch([person("one", fax="+442079460051")], Policy.FAX)
    await desk.work()
    for _ in range(26):
        await desk.pass_time(hours=1)
    doubtful = await desk.only()
    assert (doubtful.state, doubtful.cause) == (State.IN_DOUBT, Cause.FAX_NO_PROOF)
    for _ in range(10):
        await desk.pass_time(days=1)
    doubtful = await desk.only()
    assert (doubtful.state, doubtful.due) == (State.IN_DOUBT, None)
    assert len(desk.gateway.taken()) == 1


async def test_a_doubt_resolves_itself_when_the_gateway_can_be_asked(desk: Desk) -> None:
    """The gateway took the fax and its answer never came; asked by our own reference, it knows."""
    await desk.launch([person("one", fax="+442079460055")], Policy.FAX)
    await desk.work()
    assert (await desk.only()).state is State.IN_DOUBT
    await desk.pass_time(minutes=11)
    assert (await desk.only()).state is State.DELIVERED
    assert len(desk.gateway.taken()) == 1


async def test_a_campaign_launched_late_gives_its_letters_their_full_time(desk: Desk) -> None:
    desk.clock.turn(days=60)
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL, expires_after=2)
    await desk.work()
    assert await desk.states() == [State.ACCEPTED]


async def test_a_slow_letter_keeps_its_lease_while_its_worker_lives(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.worker.WAIT_SECONDS", 0.02)
    async with (
        Rogue({"rcpt": STALL}) as slow,
        open_desk(database, tmp_path, relays=[slow.relay(timeout_reply=1.0)]) as desk,
    ):
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
        draining = asyncio.create_task(desk.worker.drain())
        while not slow.commands:
            await asyncio.sleep(0.01)
        first = (await desk.only()).due
        desk.clock.turn(seconds=50)
        while (await desk.only()).due == first:
            await asyncio.sleep(0.01)
        kept = await desk.only()
        assert (kept.state, kept.due) == (State.SENDING, desk.clock.now() + desk.office.policy.lease)
        await draining


async def test_a_failed_letter_goes_to_the_corrected_address_as_a_delivery_of_its_own(
    database: str, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": [say("550 5.1.1 no such user")]}) as desk:
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
        await desk.work()
        failed = await desk.only()
        with pytest.raises(Conflict, match="correct it in the contacts' file"):
            await operate.readdress(desk.office, failed.id, "they moved", ADA)
        await desk.keep_contacts([person("one", email="new@ardesia.example")])
        new = await operate.readdress(desk.office, failed.id, "they moved", ADA)
        await desk.work()
        assert (await desk.get(failed.id)).state is State.CANCELLED
        sent = await desk.get(new.id)
        assert (sent.state, sent.address, sent.letter) == (State.ACCEPTED, "new@ardesia.example", failed.letter)
        assert [taken.recipient for taken in desk.rogue.ledger] == ["new@ardesia.example"]
        [entry] = [one for one in (await desk.story(new.id)).audit if one.event.action == "delivery.readdress"]
        assert (entry.event.data["replaces"], entry.event.reason) == (failed.id, "they moved")
        with pytest.raises(Conflict, match="is cancelled, not failed"):
            await operate.readdress(desk.office, failed.id, "again", ADA)
