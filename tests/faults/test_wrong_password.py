"""Fault: the relay refuses our sign-in. Not the letters' fault: the route pauses, no try is spent, all go later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from desk.desk import Desk, open_desk, person
from farend.rogue import Rogue

from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.words import Cause, Policy, State
from dispatcher.usecases import review

RIGHT = {"letters": "right"}


async def _repair(desk: Desk, rogue: Rogue) -> None:
    channels = dict(desk.office.channels)
    await channels["smtp"].aclose()
    channels["smtp"] = SmtpChannel([rogue.relay(user="letters", password="right")])
    desk.office = replace(desk.office, channels=channels)
    desk.worker.office = desk.office


async def test_a_wrong_password_pauses_the_route_and_spends_no_try(database: str, tmp_path: Path) -> None:
    async with Rogue(users=RIGHT) as rogue:
        wrong = [rogue.relay(user="letters", password="wrong")]
        async with open_desk(database, tmp_path, relays=wrong) as desk:
            people = [person(f"mission-{number}", email=f"mission-{number}@ardesia.example") for number in range(30)]
            await desk.launch(people, Policy.EMAIL)
            await desk.work()
            rows = await desk.deliveries()
            assert {row.state for row in rows} == {State.QUEUED}
            assert {row.tries for row in rows} == {0}
            route = (await review.paused_routes(desk.office))["rogue"]
            assert route.cause == Cause.SMTP_AUTH
            tried = sum(command.upper().startswith("AUTH") for command in rogue.commands)
            for _ in range(12):
                await desk.pass_time(minutes=5)
            again = sum(command.upper().startswith("AUTH") for command in rogue.commands) - tried
            assert 1 <= again <= 6  # one trial letter at a time, ever more rarely; not thirty
            await _repair(desk, rogue)
            await desk.pass_time(minutes=16)
            await desk.pass_time(minutes=5)
            assert {row.state for row in await desk.deliveries()} == {State.ACCEPTED}
            assert len(rogue.ledger) == 30
            assert await review.paused_routes(desk.office) == {}
            await desk.office.channels["smtp"].aclose()
