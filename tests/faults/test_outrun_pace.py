"""Fault: more letters are due than a road may carry. Rates hold over all workers, cost no try, hold up nobody else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, Desk, open_desk, person
from desk.statements import statements
from farend.rogue import Rogue
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.limits import Limits, Pace
from dispatcher.domain.model import Actor, Contact
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Kind, Policy, State, Verdict
from dispatcher.store.engine import Store
from dispatcher.store.schema import delivery
from dispatcher.usecases import dispatch, launch, review
from dispatcher.usecases.doubts import Decision, settle_doubt
from dispatcher.usecases.hear import Heard, take
from dispatcher.usecases.limits import uses
from dispatcher.worker import Worker

MANY = 10_000


def at(domain: str, count: int) -> list[Contact]:
    return [person(f"{domain[:1]}-{number}", email=f"m{number}@{domain}") for number in range(count)]


def limited(desk: Desk, limits: Limits) -> Desk:
    office = replace(desk.office, limits=limits)
    return replace(desk, office=office, worker=Worker(office, name=Actor("worker", "one")))


@pytest.fixture
async def counter(tmp_path: Path, databases: Databases) -> AsyncIterator[Desk]:
    """A desk over SQLite alone, for what does not depend on the database."""
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as made:
        yield made


async def test_one_letter_at_a_time_goes_to_a_domain_and_others_do_not_wait_for_it(desk: Desk) -> None:
    desk = limited(desk, Limits(domain=Pace(at_once=1)))
    await desk.launch([*at("gov.example", 3), *at("else.example", 1)], Policy.EMAIL)
    claimed = await dispatch.claim(desk.office, ADA, 10)
    assert Counter(one.delivery.address.partition("@")[2] for one in claimed) == {"else.example": 1, "gov.example": 1}
    assert await dispatch.claim(desk.office, Actor("worker", "on another host"), 10) == []
    waiting = [one for one in await desk.deliveries() if one.state is State.QUEUED]
    assert {(one.fence, one.tries) for one in waiting} == {(0, 0)}  # no claim, no try
    why = (await desk.story(waiting[0].id)).waiting
    assert why is not None
    assert (why.cause, why.words) == (Cause.GATE_RATE, "to gov.example: 1 at once")


async def test_a_gap_lies_between_two_letters_to_a_domain_whoever_sends_them(desk: Desk) -> None:
    desk = limited(desk, Limits(domain=Pace(gap=timedelta(seconds=30))))
    await desk.launch(at("gov.example", 3), Policy.EMAIL)
    other = desk.another_worker()
    other.office = desk.office
    sent = []
    for _ in range(4):
        await desk.work()
        await other.drain()
        sent.append(len(desk.rogue.ledger))
        desk.clock.turn(seconds=15)
    assert sent == [1, 1, 2, 2]


@pytest.mark.parametrize(("pace", "span"), [(Pace(per_minute=5), 60), (Pace(per_hour=5), 3600)])
async def test_in_any_such_span_no_more_leave(counter: Desk, pace: Pace, span: int) -> None:
    desk = limited(counter, Limits(domain=pace))
    await desk.launch(at("gov.example", 12), Policy.EMAIL)
    counts = []
    for _ in range(9):  # a third of the span each
        await desk.work()
        counts.append(len(desk.rogue.ledger))
        desk.clock.turn(seconds=span / 3)
    assert counts == [5, 5, 5, 10, 10, 10, 12, 12, 12]


async def test_rates_hold_for_many_workers_that_look_at_the_same_moment(desk: Desk) -> None:
    desk = limited(desk, Limits(domain=Pace(per_minute=3), routes={"rogue": Pace(per_minute=7)}))
    await desk.launch([*at("a.example", 6), *at("b.example", 6), *at("c.example", 6)], Policy.EMAIL)
    stores = [Store(desk.database) for _ in range(3)]
    workers = [Worker(replace(desk.office, store=one), name=Actor("worker", str(id(one)))) for one in stores]
    await asyncio.gather(*(one.drain() for one in workers))
    domains = Counter(taken.recipient.partition("@")[2] for taken in desk.rogue.ledger)
    assert (len(desk.rogue.ledger), max(domains.values())) == (7, 3)
    for one in stores:
        await one.aclose()


async def test_a_try_that_is_turned_back_uses_nothing_up(counter: Desk) -> None:
    desk = limited(counter, Limits(domain=Pace(per_hour=1)))
    await desk.launch(at("gov.example", 1), Policy.EMAIL)
    [claimed] = await dispatch.claim(desk.office, ADA, 5)
    await launch.pause(desk.office, "air-strikes", "wait", ADA)
    await dispatch.attempt(desk.office, ADA, claimed)
    await launch.resume(desk.office, "air-strikes", "go on", ADA)
    await desk.work()
    assert len(desk.rogue.ledger) == 1


async def test_another_limit_counts_from_the_moment_that_it_is_set(counter: Desk) -> None:
    slow = limited(counter, Limits(domain=Pace(per_hour=1)))
    await slow.launch(at("gov.example", 3), Policy.EMAIL)
    await slow.work()
    await limited(counter, Limits(domain=Pace(per_hour=2))).work()
    assert len(counter.rogue.ledger) == 2


async def test_a_relay_that_is_used_up_leaves_the_rest_to_the_next_one(counter: Desk) -> None:
    async with Rogue() as second:
        relays = [counter.rogue.relay("main"), second.relay("spare")]
        channel = SmtpChannel(relays)
        paces = {"main": Pace(per_minute=2), "spare": Pace(per_minute=3)}
        office = replace(
            counter.office, limits=Limits(routes=paces), channels={**counter.office.channels, "smtp": channel}
        )
        desk = replace(counter, office=office, worker=Worker(office))
        await desk.launch(at("gov.example", 9), Policy.EMAIL)
        await desk.work()
        assert (len(desk.rogue.ledger), len(second.ledger)) == (2, 3)
        waiting = next(one for one in await desk.deliveries() if one.state is State.QUEUED)
        why = (await desk.story(waiting.id)).waiting
        assert why is not None
        assert (why.cause, why.until) == (Cause.GATE_RATE, desk.clock.now() + timedelta(minutes=1))
        told = {one.what: one for one in await uses(office)}
        assert told["by main"].used == "0 under way, 2 in the last minute"
        assert told["by spare"].limit == "3 a minute"
        assert await review.next_instant(office) == desk.clock.now() + timedelta(minutes=1)
        await desk.pass_time(minutes=1, seconds=1)
        assert (len(desk.rogue.ledger), len(second.ledger)) == (4, 5)
        await channel.aclose()


# -- a long queue ------------------------------------------------------------------------------------------------------


async def lengthen(desk: Desk, domain: str, count: int) -> None:
    """So many more rows of one domain, at the head of the queue."""
    [seed] = await desk.deliveries(contact_id=f"{domain[:1]}-0")

    async def unit(connection: AsyncConnection) -> None:
        row = {name: getattr(seed, name) for name in type(seed).__slots__} | {"lane": domain}
        early = seed.due
        assert early is not None
        due = early - timedelta(hours=1)
        rows = [
            row | {"id": f"{number:020}", "address": f"n{number}@{domain}", "due": due, "not_before": due}
            for number in range(count)
        ]
        await connection.execute(insert(delivery), rows)

    await desk.office.store.write(unit)


async def test_ten_thousand_rows_of_one_domain_at_the_head_hold_up_no_other(desk: Desk) -> None:
    await _crowd(limited(desk, Limits(domain=Pace(at_once=1))))


async def test_nor_do_they_while_their_domain_rests(counter: Desk) -> None:
    await _crowd(limited(counter, Limits(domain=Pace(gap=timedelta(seconds=2)))))


async def _crowd(desk: Desk) -> None:
    await desk.launch([*at("huge.example", 1), *at("other.example", 1), *at("third.example", 1)], Policy.EMAIL)
    await lengthen(desk, "huge.example", MANY)
    with statements() as said:
        claimed = await dispatch.claim(desk.office, ADA, 20)
    lanes = Counter(one.delivery.address.partition("@")[2] for one in claimed)
    assert lanes == {"huge.example": 1, "other.example": 1, "third.example": 1}
    assert len(said) < 100  # however long the queue is


async def test_a_limited_campaign_takes_no_share_from_another_one(counter: Desk) -> None:
    desk = limited(counter, Limits(domain=Pace(at_once=1)))
    await desk.launch(at("huge.example", 1), Policy.EMAIL, campaign_id="slow")
    await lengthen(desk, "huge.example", 200)
    others = [person(f"o-{number}", email=f"m@state-{number}.example") for number in range(12)]
    await desk.launch(others, Policy.EMAIL, campaign_id="quick")
    claimed = await dispatch.claim(desk.office, ADA, 8)
    assert Counter(one.delivery.campaign_id for one in claimed) == {"slow": 1, "quick": 7}


async def test_two_campaigns_share_a_relays_rate_evenly(counter: Desk) -> None:
    desk = limited(counter, Limits(routes={"rogue": Pace(per_minute=6)}))
    for campaign_id in ("first", "second"):
        people = [person(f"{campaign_id}-{n}", email=f"{campaign_id}@state-{n}.example") for n in range(8)]
        await desk.launch(people, Policy.EMAIL, campaign_id=campaign_id)
    await desk.work()
    assert Counter(one.recipient.partition("@")[0] for one in desk.rogue.ledger) == {"first": 3, "second": 3}


# -- one call to a number ----------------------------------------------------------------------------------------------


async def two_faxes_to_one_number(desk: Desk) -> None:
    """Of two campaigns, to the one number that a mission has."""
    mission = person("one", fax="+442079460000")
    await desk.launch([mission], Policy.FAX, campaign_id="first")
    await desk.launch([mission], Policy.FAX, campaign_id="second")


async def test_a_fax_that_the_gateway_took_keeps_its_number_until_it_is_told_of(desk: Desk) -> None:
    desk = limited(desk, Limits(call=timedelta(minutes=20)))
    await two_faxes_to_one_number(desk)
    await desk.work()
    assert sorted(await desk.states()) == [State.ACCEPTED, State.QUEUED]
    [waits] = [one for one in await desk.deliveries() if one.state is State.QUEUED]
    why = (await desk.story(waits.id)).waiting
    assert why is not None
    assert (why.cause, why.until) == (Cause.GATE_CALLING, desk.clock.now() + timedelta(minutes=20))
    assert waits.fence == 0
    await desk.pass_time(minutes=5)  # the gateway tells that the first one arrived
    assert sorted(await desk.states()) == [State.ACCEPTED, State.DELIVERED]


@pytest.mark.parametrize("decision", [Decision.GIVE_UP, Decision.ARRIVED])
async def test_a_doubt_that_a_person_settled_does_not_end_its_call(desk: Desk, decision: Decision) -> None:
    """Whoever gives a fax up ends no call; the number is free when the gateway has told of its end, or had the time."""
    desk = limited(desk, Limits(call=timedelta(minutes=20)))
    mission = person("one", fax="+442079460055")  # taken, the answer never comes, and no callback either
    await desk.launch([mission], Policy.FAX, campaign_id="first")
    await desk.launch([mission], Policy.FAX, campaign_id="second")
    await desk.work()
    [doubt] = [one for one in await desk.deliveries() if one.state is State.IN_DOUBT]
    await settle_doubt(desk.office, doubt.id, decision, "their secretary says so", ADA)
    told = decision is Decision.ARRIVED
    assert len(await dispatch.claim(desk.office, ADA, 5)) == told
    [waits] = [one for one in await desk.deliveries() if one.id != doubt.id]
    why = (await desk.story(waits.id)).waiting
    assert why is None or (why.cause, why.until) == (Cause.GATE_CALLING, desk.clock.now() + timedelta(minutes=20))
    assert (why is None) == told
    desk.clock.turn(minutes=21)
    assert len(await dispatch.claim(desk.office, ADA, 5)) == (not told)


async def test_a_gateway_that_says_late_that_it_is_at_work_keeps_a_number_from_then_on(counter: Desk) -> None:
    desk = limited(counter, Limits(call=timedelta(minutes=20)))
    mission = person("one", fax="+442079460055")
    await desk.launch([mission], Policy.FAX, campaign_id="first")
    await desk.launch([mission], Policy.FAX, campaign_id="second")
    await desk.work()
    [doubt] = [one for one in await desk.deliveries() if one.state is State.IN_DOUBT]
    desk.clock.turn(minutes=15)
    report = Report(f"{doubt.id}.1", "it dials", Outcome(Verdict.ACCEPTED))
    assert await take(desk.office, report, f"channel:{doubt.channel}") is Heard.APPLIED
    desk.clock.turn(minutes=19)
    assert await dispatch.claim(desk.office, ADA, 5) == []
    desk.clock.turn(minutes=2)
    assert len(await dispatch.claim(desk.office, ADA, 5)) == 1


async def test_a_gateway_that_says_nothing_keeps_a_number_for_a_bounded_time(counter: Desk) -> None:
    desk = limited(counter, Limits(call=timedelta(minutes=20)))
    await two_faxes_to_one_number(desk)
    await desk.work()
    desk.clock.turn(minutes=19)
    assert await dispatch.claim(desk.office, ADA, 5) == []
    desk.clock.turn(minutes=2)
    [claimed] = await dispatch.claim(desk.office, ADA, 5)
    assert claimed.delivery.kind is Kind.FAX


async def test_a_line_takes_so_many_calls_at_once_and_counts_those_that_go_on(counter: Desk) -> None:
    desk = limited(counter, Limits(call=timedelta(minutes=20), routes={"simulator": Pace(at_once=2)}))
    people = [person(f"m-{number}", fax=f"+4420794600{number:02}") for number in range(5)]
    await desk.launch(people, Policy.FAX)
    await desk.work()
    assert Counter(await desk.states()) == {State.ACCEPTED: 2, State.QUEUED: 3}
    await desk.pass_time(minutes=5)
    assert Counter(await desk.states()) == {State.DELIVERED: 2, State.ACCEPTED: 2, State.QUEUED: 1}
