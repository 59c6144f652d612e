"""What a new sending takes the place of: each row of the table in ARCHITECTURE.md, forced."""

from __future__ import annotations

from datetime import time, timedelta
from itertools import count

import pytest
from desk.desk import ADA, Desk, person
from farend.rogue import accept_then, say

from dispatcher.domain.model import Address, Delivery, Hours, Step
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Kind, Policy, State, Verdict
from dispatcher.usecases import hear, operate
from dispatcher.usecases.hear import Heard
from dispatcher.usecases.operate import Decision

OLD, NEW, FAX = "old@ardesia.example", "new@ardesia.example", "+442079460000"
BOUNCE = Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX, "550 5.1.1 nobody here")
DELAY = Outcome(Verdict.DEFERRED, Cause.EMAIL_GREYLISTED, "delayed")
PROOF = Outcome(Verdict.DELIVERED, detail="250 delivered")
_NEWS = count()
TWO = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 2))


async def report(desk: Desk, row: Delivery, outcome: Outcome, number: int = 0) -> Heard:
    """The far end tells something about a try of this delivery, by the number of the try."""
    attempt = (await desk.story(row.id)).attempts[number]
    event = f"news-{next(_NEWS)}"
    return await hear.take(desk.office, Report(attempt.id, event, outcome), "channel:smtp")


async def moved(desk: Desk, row: Delivery) -> Delivery:
    """The contact's address is corrected, and the failed letter goes to the new one."""
    fax = tuple(one for one in desk.book.contacts[0].addresses if one.kind is Kind.FAX)
    there = person("one", email=NEW, fax=fax[0].value if fax else "")
    await desk.keep_contacts([there])
    return await operate.readdress(desk.office, row.id, "they moved", ADA)


async def bounced(desk: Desk) -> Delivery:
    """An accepted email came back."""
    row = await desk.only(step=0, kind=Kind.EMAIL)
    assert await report(desk, row, BOUNCE) is Heard.APPLIED
    return await desk.get(row.id)


# -- its earlier tries


@pytest.mark.parametrize("bad", [BOUNCE, DELAY], ids=["bounce", "delay"])
async def test_bad_news_of_an_earlier_try_does_not_touch_a_letter_that_was_sent_again(desk: Desk, bad: Outcome) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    await desk.work()
    row = await bounced(desk)
    await operate.retry(desk.office, row.id, "it was full, they say", ADA)
    assert await report(desk, row, bad) is Heard.IGNORED  # while it waits
    await desk.work()
    assert await report(desk, row, bad) is Heard.IGNORED  # when the new try was accepted
    assert (await desk.get(row.id)).state is State.ACCEPTED
    assert await report(desk, row, BOUNCE, 1) is Heard.APPLIED  # the new try's own bounce counts


@pytest.mark.parametrize("bad", [BOUNCE, DELAY], ids=["bounce", "delay"])
async def test_bad_news_of_the_doubtful_try_does_not_touch_a_known_second_one(desk: Desk, bad: Outcome) -> None:
    desk.rogue.script = {"dot": [accept_then(say("250 ok", "250 what"))]}
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    await desk.work()
    row = await desk.only()
    assert row.state is State.IN_DOUBT
    desk.clock.turn(minutes=20)
    await operate.settle_doubt(desk.office, row.id, Decision.RESEND, "nobody can tell", ADA)
    await desk.work()
    assert await report(desk, row, bad) is Heard.IGNORED
    assert (await desk.get(row.id)).state is State.ACCEPTED


@pytest.mark.parametrize("bad", [BOUNCE, DELAY], ids=["bounce", "delay"])
async def test_an_old_address_tells_nothing_more_once_the_letter_goes_elsewhere(desk: Desk, bad: Outcome) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    await desk.work()
    old = await bounced(desk)
    new = await moved(desk, old)
    await desk.work()
    assert await report(desk, old, bad) is Heard.IGNORED
    assert [(await desk.get(one.id)).state for one in (old, new)] == [State.CANCELLED, State.ACCEPTED]
    for _ in range(8):
        await desk.pass_time(days=1)
    assert [one.recipient for one in desk.rogue.ledger] == [OLD, NEW]


async def test_a_letter_that_waits_for_its_next_try_makes_none_once_it_goes_elsewhere(desk: Desk) -> None:
    """Its remaining tries are gone with it."""
    desk.rogue.script = {"rcpt": [say("450 4.7.1 later")] * 50}
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    await desk.work()
    row = await desk.only()
    assert row.state is State.DEFERRED
    while (row := await desk.get(row.id)).state is State.DEFERRED:
        await desk.pass_time(hours=9)
    desk.rogue.script = {}
    asked = len(desk.rogue.commands)
    await moved(desk, row)
    for _ in range(8):
        await desk.pass_time(days=1)
    assert not [one for one in desk.rogue.commands[asked:] if OLD in one]


# -- its follow-ups


async def follow_up_waits(desk: Desk) -> Delivery:
    """The first letter is presumed to have arrived, and its follow-up is queued for the next morning."""
    hours = Hours(time(9), time(18))
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, steps=TWO, hours=hours)
    await desk.work()
    await desk.pass_time(days=5, seconds=1)
    first = await desk.only(step=0)
    assert (first.state, first.due is not None) == (State.PRESUMED, True)
    assert first.due is not None
    # Turned to a minute in which the office is closed, so that the follow-up is queued and does not leave.
    desk.clock.turn(seconds=(first.due - desk.clock.now()).total_seconds() + 10 * 3600)
    await desk.work()
    waiting = await desk.only(step=1)
    assert waiting.state is State.QUEUED
    return waiting


async def mornings(desk: Desk) -> None:
    """Of more than two weeks, from a night on."""
    desk.clock.turn(hours=15)
    for _ in range(18):
        await desk.pass_time(days=1)


async def test_a_late_bounce_stops_the_follow_up_and_a_new_sending_brings_another(desk: Desk) -> None:
    waiting = await follow_up_waits(desk)
    first = await bounced(desk)
    stopped = await desk.get(waiting.id)
    assert (first.state, stopped.state, stopped.cause) == (State.FAILED, State.CANCELLED, Cause.LETTER_SUPERSEDED)
    await operate.retry(desk.office, first.id, "their server was mended", ADA)
    await mornings(desk)
    steps = [(row.step, row.state) for row in await desk.deliveries()]
    assert sorted(steps) == [(0, State.PRESUMED), (1, State.CANCELLED), (1, State.PRESUMED)]
    assert len(desk.rogue.ledger) == 3  # the first letter twice, a single follow-up


async def test_the_follow_up_of_a_letter_that_went_elsewhere_goes_there(desk: Desk) -> None:
    await follow_up_waits(desk)
    await moved(desk, await bounced(desk))
    await mornings(desk)
    assert [one.recipient for one in desk.rogue.ledger] == [OLD, NEW, NEW]


# -- the fax that waits for its proof


async def fax_waits(desk: Desk) -> tuple[Delivery, Delivery]:
    """An email that bounced in the night, and the fax that was to stand in for it in the morning."""
    await desk.launch(
        [person("one", email=OLD, fax=FAX)], Policy.FAX_IF_NO_PROOF, hours=Hours(time(9), time(18)), proof_after=3
    )
    await desk.work()
    desk.clock.turn(hours=12)
    email = await bounced(desk)
    fax = await desk.only(kind=Kind.FAX)
    assert (email.state, fax.state, fax.due) == (State.FAILED, State.QUEUED, desk.clock.now())
    return email, fax


@pytest.mark.parametrize("how", ["again", "elsewhere"])
async def test_the_fax_waits_for_the_proof_of_the_new_try(desk: Desk, how: str) -> None:
    email, fax = await fax_waits(desk)
    if how == "again":
        await operate.retry(desk.office, email.id, "their server was mended", ADA)
    else:
        email = await moved(desk, email)
    waiting = await desk.get(fax.id)
    assert waiting.due is not None
    assert waiting.due > desk.clock.now() + timedelta(days=3)
    assert waiting.fallback_for == email.id
    await desk.pass_time(days=1)
    assert await report(desk, email, PROOF, 1 if how == "again" else 0) is Heard.APPLIED
    for _ in range(8):
        await desk.pass_time(days=1)
    assert (await desk.get(fax.id)).cause is Cause.GATE_PROVEN
    assert desk.gateway.taken() == []


async def test_the_fax_goes_at_once_when_the_new_try_fails_too(desk: Desk) -> None:
    email, fax = await fax_waits(desk)
    await operate.retry(desk.office, email.id, "their server was mended", ADA)
    await desk.pass_time(hours=12)
    assert await report(desk, email, BOUNCE, 1) is Heard.APPLIED
    assert (await desk.get(fax.id)).due == desk.clock.now()
    await desk.work()
    assert len(desk.gateway.taken()) == 1


async def test_late_proof_from_the_old_address_stops_the_new_letter_and_the_fax_that_waits_for_it(desk: Desk) -> None:
    email, fax = await fax_waits(desk)
    new = await moved(desk, email)  # at night: it has not left
    assert await report(desk, email, PROOF) is Heard.IGNORED
    assert [(await desk.get(one.id)).state for one in (new, fax)] == [State.CANCELLED] * 2
    for _ in range(8):
        await desk.pass_time(days=1)
    assert [one.recipient for one in desk.rogue.ledger] == [OLD]
    assert desk.gateway.taken() == []


async def test_only_a_letter_to_its_contacts_present_address_leaves(desk: Desk) -> None:
    """The gate stands behind all of it."""
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    await desk.keep_contacts([person("one", email=NEW)])
    await desk.work()
    row = await desk.only()
    assert (row.state, row.cause) == (State.HELD, Cause.GATE_CONTACT)
    assert Address(Kind.EMAIL, OLD) == Address(row.kind, row.address)
