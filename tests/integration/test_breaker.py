"""Routes that refuse us: closed, looked at without a letter, tried with one, opened; each relay by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import DROP, Act, Rogue, say

from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.domain.audit import AuditEntry
from dispatcher.domain.errors import NotFound, UserError
from dispatcher.domain.model import Contact
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Policy, RouteState, State, Verdict
from dispatcher.usecases import audit_log, breaker, doctor, review

BUSY = say("421 4.3.2 too many of you", then="drop")


def missions(count: int) -> list[Contact]:
    return [person(f"mission-{number}", email=f"mission-{number}@ardesia.example") for number in range(count)]


@asynccontextmanager
async def two_relays(database: str, folder: Path, first: Rogue) -> AsyncIterator[tuple[Desk, Rogue, Rogue]]:
    async with first, Rogue() as second:
        relays = [first.relay("first"), second.relay("second")]
        async with open_desk(database, folder, relays=relays) as desk:
            yield desk, first, second


async def state(desk: Desk, name: str) -> RouteState:
    known = (await review.paused_routes(desk.office)).get(name)
    return known.state if known else RouteState.OPEN


async def told(desk: Desk, name: str) -> list[str]:
    entries: Sequence[AuditEntry] = await audit_log.tail_audit(desk.office, 100, f"route:{name}")
    return [entry.event.action for entry in entries]


async def test_a_closed_relay_is_knocked_at_without_a_letter_then_tried_with_one(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"connect": [BUSY] * 30}) as desk:
        await desk.launch(missions(20), Policy.EMAIL)
        await desk.work()
        assert await state(desk, "rogue") is RouteState.CLOSED
        knocks = desk.rogue.connections
        assert knocks <= 20  # what was under way; nothing after it closed
        desk.rogue.script = {}
        one_by_one = desk.another_worker()
        desk.clock.turn(minutes=2, seconds=1)
        assert await breaker.look_at_closed(desk.office) == 1
        assert desk.rogue.commands[-2:] == ["EHLO client.example", "QUIT"]
        assert (desk.rogue.ledger, await state(desk, "rogue")) == ([], RouteState.TRIAL)
        assert await one_by_one.tick() == 1  # a single letter, of twenty
        await one_by_one.settle()
        assert (len(desk.rogue.ledger), await state(desk, "rogue")) == (1, RouteState.OPEN)
        await desk.work()
        assert len(desk.rogue.ledger) == 20
        assert {row.tries for row in await desk.deliveries()} == {1}
        assert await told(desk, "rogue") == ["route.closed", "route.trial", "route.open"]


async def test_a_trial_that_fails_closes_the_relay_for_longer(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"ehlo": [say("451 4.3.0 no")] * 30}) as desk:
        await desk.launch(missions(16), Policy.EMAIL)
        await desk.work()
        desk.clock.turn(minutes=2, seconds=1)
        desk.rogue.script, desk.rogue._turns = {"ehlo": [None, say("451 4.3.0 no")]}, {}
        await desk.work()
        closed = (await review.paused_routes(desk.office))["rogue"]
        assert (closed.state, closed.until) == (RouteState.CLOSED, desk.clock.now() + timedelta(minutes=4))
        assert {row.tries for row in await desk.deliveries()} == {0}


async def test_a_few_faults_between_answers_close_nothing(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"connect": [BUSY, BUSY, None, BUSY, BUSY]}) as desk:
        desk.worker.room = 1
        await desk.launch(missions(6), Policy.EMAIL)
        for _ in range(4):
            await desk.pass_time(minutes=2)
        assert await desk.states() == [State.ACCEPTED] * 6
        assert await told(desk, "rogue") == []


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ({"connect": DROP}, Cause.SMTP_CONNECT),
        ({"connect": BUSY}, Cause.SMTP_BUSY),
        ({"ehlo": say("450 4.7.1 slow down")}, Cause.SMTP_BUSY),
        ({"mail": say("550 5.7.1 not from you")}, Cause.SMTP_REFUSED),
        ({"mail": say("530 5.7.0 log in first")}, Cause.SMTP_AUTH),
    ],
    ids=["refused", "421", "4yz at EHLO", "policy at MAIL", "530"],
)
async def test_the_second_relay_takes_what_the_first_refuses_and_the_first_is_left_alone(
    database: str, tmp_path: Path, script: dict[str, Act], cause: Cause
) -> None:
    async with two_relays(database, tmp_path, Rogue(script)) as (desk, first, second):
        await desk.launch(missions(8), Policy.EMAIL)
        desk.worker.room = 1
        await desk.work()
        for _ in range(3):
            await desk.pass_time(minutes=2)
        assert len(second.ledger) == 8
        assert first.ledger == []
        assert {row.state for row in await desk.deliveries()} == {State.ACCEPTED}
        known = (await breaker.list_routes(desk.office))[0].route
        assert known is not None
        assert known.cause == cause


async def test_a_closed_relay_gets_no_connection_while_another_one_is_open(database: str, tmp_path: Path) -> None:
    async with two_relays(database, tmp_path, Rogue()) as (desk, first, second):
        await breaker.pause(desk.office, "first", "maintenance", ADA)
        await desk.launch(missions(5), Policy.EMAIL)
        await desk.work()
        assert (first.connections, len(second.ledger)) == (0, 5)
        assert await breaker.open_again(desk.office, "first", "done", ADA)
        await desk.launch(missions(3), Policy.EMAIL, campaign_id="second")
        await desk.work()
        assert (len(first.ledger), len(second.ledger)) == (3, 5)
        assert await told(desk, "first") == ["route.pause", "route.open"]


async def test_one_of_many_letters_tries_a_relay_that_is_on_trial_while_others_are_open(
    database: str, tmp_path: Path
) -> None:
    async with two_relays(database, tmp_path, Rogue({"connect": [BUSY] * 3})) as (desk, first, second):
        smtp = desk.office.channels["smtp"]
        await desk.launch(missions(12), Policy.EMAIL)
        for number in range(3):  # three faults, one each: the channel itself leaves a resting relay alone
            outcome = Outcome(
                Verdict.ACCEPTED, route="second", passed=(("first", Cause.SMTP_BUSY.value, f"421 {number}"),)
            )
            await desk.office.store.write(
                lambda connection, outcome=outcome: breaker.note_routes(connection, desk.office, outcome, ADA)
            )
        assert await state(desk, "first") is RouteState.CLOSED
        first.script = {}
        desk.clock.turn(minutes=3)
        assert (await smtp.probe("first")).verdict is Verdict.ACCEPTED
        assert await breaker.look_at_closed(desk.office) == 1
        await desk.worker.tick()
        await desk.worker.settle()
        assert (len(first.ledger), len(second.ledger)) == (1, 11)
        assert await state(desk, "first") is RouteState.OPEN


async def test_a_pause_holds_every_letter_until_a_person_lifts_it(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await breaker.pause(desk.office, "nobody", "why", ADA)
    with pytest.raises(UserError):
        await breaker.pause(desk.office, "rogue", " ", ADA)
    await breaker.pause(desk.office, "rogue", "the office moves", ADA)
    await desk.launch(missions(4), Policy.EMAIL)
    for _ in range(6):
        await desk.pass_time(hours=4)
    assert (desk.rogue.connections, await desk.states()) == (0, [State.QUEUED] * 4)
    outcome, known = await breaker.look(desk.office, "rogue", ADA)
    assert outcome.verdict is Verdict.ACCEPTED
    assert known is not None
    assert known.state is RouteState.PAUSED  # a look opens nothing that a person closed
    await breaker.open_again(desk.office, "rogue", "moved", ADA)
    await desk.work()
    assert len(desk.rogue.ledger) == 4


async def test_two_workers_look_at_a_closed_route_once(desk: Desk) -> None:
    desk.rogue.script = {"connect": [BUSY] * 30}
    await desk.launch(missions(5), Policy.EMAIL)
    await desk.work()
    desk.clock.turn(minutes=3)
    before = desk.rogue.connections
    assert await breaker.look_at_closed(desk.office) + await breaker.look_at_closed(desk.office) == 1
    assert desk.rogue.connections == before + 1


async def test_a_gateway_without_credit_closes_is_asked_and_takes_one_fax_on_trial(desk: Desk) -> None:
    await desk.launch([person("one", fax="+442079460042")], Policy.FAX)  # 42: the account is empty
    await desk.work()
    assert await state(desk, "simulator") is RouteState.CLOSED
    await desk.pass_time(minutes=3)
    closed = (await review.paused_routes(desk.office))["simulator"]
    assert (closed.cause, closed.looks) == (Cause.FAX_NO_CREDIT, 1)  # it lets us in, but the fax on trial did not go
    assert (await desk.only()).tries == 0
    assert desk.gateway.taken() == []


async def test_a_gateway_that_is_away_is_unfit_by_a_look(desk: Desk) -> None:
    away = SimulatorChannel("http://127.0.0.1:9", b"a key to rehearse with", "", timeout=0.5, now=desk.clock.now)
    desk.office = replace(desk.office, channels={**desk.office.channels, "simulator": away})
    outcome, known = await breaker.look(desk.office, "simulator", ADA)
    assert (outcome.verdict, outcome.cause, known) == (Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE, None)
    await away.aclose()


async def test_doctor_tells_of_closed_and_paused_routes(desk: Desk) -> None:
    await breaker.pause(desk.office, "rogue", "the office moves", ADA)
    check = doctor._route((await review.paused_routes(desk.office))["rogue"])
    assert "the office moves" in check.found
    assert "routes resume rogue" in check.fix
