"""A rehearsal: the real engine over a database of its own. What it foretells then happens, and it touches nothing."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from desk.databases import Databases
from desk.desk import ADA, MEGAN, Desk, open_desk, person

from dispatcher.app import Playhouse, open_playhouse
from dispatcher.cli.forecast import forecast_json
from dispatcher.cli.rehearse import working
from dispatcher.domain.errors import UserError
from dispatcher.domain.estimate import Tariff
from dispatcher.domain.model import Address, Copy, Hours, Step
from dispatcher.domain.words import Cause, Kind, Policy, Role, State
from dispatcher.rehearsal.faults import MIXES, Mix, Share
from dispatcher.rehearsal.guard import LeavesLoopback
from dispatcher.store import contacts
from dispatcher.usecases import launch, review
from dispatcher.usecases.forecast import Frame, forecast
from dispatcher.usecases.forecast_files import require_folder, write_forecast
from dispatcher.usecases.foresight import Limits, warnings_of
from dispatcher.usecases.plan import Plan
from dispatcher.usecases.rehearse import Run, Script, draw, furnish, may_answer, open_play, play, read_script

OFFICE_HOURS = Hours(time(9), time(17))
TWO_STEPS = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", after=10))
ZONES = ("Europe/Zurich", "America/New_York", "Asia/Tokyo", "Asia/Amman")
PEOPLE = tuple(
    person(f"mission-{number}", email=f"m{number}@missions.example", fax=f"+4420794600{number:02}", zone=zone)
    for number, zone in enumerate(ZONES, start=1)
)
TARIFF = Tariff(prefix="+44", gateway="", currency="CHF", per_page=Decimal("0.5"))


@pytest.fixture
async def desk(databases: Databases, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as made:
        yield made


@dataclass(slots=True)
class Opened:
    """A rehearsal that may begin."""

    house: Playhouse
    plan: Plan
    script: Script

    async def run(self, mix: Mix = MIXES["none"], seed: int = 1) -> Run:
        async with self.house.stage(mix, seed, may_answer(self.plan), working) as stage:
            return await play(stage, self.plan)

    def frame(self) -> Frame:
        return Frame(self.plan, "Europe/Zurich", (TARIFF,))


@asynccontextmanager
async def opened(desk: Desk, start: datetime | None = None) -> AsyncIterator[Opened]:
    script = await read_script(desk.office, "air-strikes", desk.folder, desk.folder)
    async with open_playhouse(desk.office, start or script.hour) as house:
        async with house.opening() as office:
            await furnish(office, script)
            plan = await draw(office, script, lambda done, of: None)
            await open_play(office, plan)
        yield Opened(house, plan, script)


def states(run: Run, kind: Kind, step: int = 0) -> set[tuple[State, Cause, int]]:
    return {
        (one.delivery.state, one.delivery.cause, len(one.tries))
        for one in run.played
        if one.delivery.kind is kind and one.delivery.step == step
    }


# -- what it foretells is what then happens ----------------------------------------------------------------------------


async def really(desk: Desk, plan: Plan, until: datetime) -> dict[str, datetime]:
    """Launch it at its hour, turn the clock by hand to whatever is due next; when each delivery was first tried."""
    hour = next(iter(plan.instants.values()))
    desk.clock.turn(seconds=(hour - desk.clock.now()).total_seconds())
    prepared, _ = await review.read_plan(desk.office, "air-strikes")
    await launch.approve(desk.office, "air-strikes", prepared, MEGAN)
    await launch.launch(desk.office, "air-strikes", ADA)
    found: dict[str, datetime] = {}
    while desk.clock.now() <= until:
        await desk.callbacks()
        await desk.work()
        for one in await desk.deliveries():
            if one.fence and one.id not in found:
                found[one.id] = (await desk.story(one.id)).attempts[0].opened_at
        coming = [await review.next_instant(desk.office), desk.gateway.next_event()]
        due = min((one for one in coming if one is not None), default=until + timedelta(days=1))
        desk.clock.turn(seconds=max((due - desk.clock.now()).total_seconds(), 1))
    return found


async def test_what_is_foretold_of_every_letter_is_what_the_launch_then_does(desk: Desk) -> None:
    await desk.prepare(PEOPLE[1:], Policy.BOTH, steps=TWO_STEPS, hours=OFFICE_HOURS, expires_after=20)
    async with opened(desk) as ready:
        run = await ready.run()
    foretold = {one.delivery.id: one.left_at for one in run.played}
    assert {one.delivery.step for one in run.played} == {0, 1}
    happened = await really(desk, ready.plan, run.ended)
    first = [one.id for one in ready.plan.stops]
    assert {name: happened[name] for name in first} == {name: foretold[name] for name in first}
    # A follow-up counts from the arrival, which the gateway's own speed shifts by seconds; the clock goes by minutes.
    assert happened.keys() == foretold.keys()
    for name, at in foretold.items():
        assert at is not None
        assert abs(happened[name] - at) < timedelta(minutes=3)


async def test_the_recipients_own_hours_and_days_hold_through_a_week_in_which_clocks_change(desk: Desk) -> None:
    """New York goes back to winter on 1 November 2015, a week after Geneva."""
    people = PEOPLE[:2]
    at = datetime(2015, 10, 15, 14, 0)
    await desk.prepare(people, Policy.EMAIL, steps=TWO_STEPS, hours=OFFICE_HOURS, at=at)
    async with opened(desk) as ready:
        run = await ready.run()
    there = {
        (one.delivery.contact_id, one.delivery.step): f"{one.left_at.astimezone(ZoneInfo(one.delivery.zone)):%d %H:%M}"
        for one in run.played
        if one.left_at
    }
    # presumed after five days, at the same hour of UTC; ten working days on, by the recipient's own clock
    assert there["mission-1", 0] == "15 14:00"
    assert there["mission-2", 0] == "15 09:00"
    assert there["mission-1", 1] == "03 14:00"
    assert there["mission-2", 1] == "03 09:00"
    utc = {(one.delivery.contact_id, one.delivery.step): f"{one.left_at:%H}" for one in run.played}
    assert [utc["mission-1", step] for step in (0, 1)] == ["12", "13"]
    assert [utc["mission-2", step] for step in (0, 1)] == ["13", "14"]


async def test_a_campaign_that_repeats_is_rehearsed_at_all_of_its_times(desk: Desk) -> None:
    thursdays = tuple(datetime(2015, 10, day, 12, 0) for day in (22, 29))
    at = datetime(2015, 10, 15, 12, 0)
    await desk.prepare(PEOPLE[:1], Policy.EMAIL, at=at, repeats=thursdays)
    async with opened(desk) as ready:
        run = await ready.run()
    times = [
        one.left_at.astimezone(ZoneInfo("Europe/Zurich")).replace(tzinfo=None) for one in run.played if one.left_at
    ]
    assert sorted(times) == [at, *thursdays]


async def test_it_begins_when_it_is_told_to(desk: Desk) -> None:
    await desk.prepare(PEOPLE[:1], Policy.EMAIL, hours=OFFICE_HOURS)
    friday_evening = datetime(2015, 10, 9, 18, 0, tzinfo=UTC)
    async with opened(desk, start=friday_evening) as ready:
        run = await ready.run()
    assert run.played[0].left_at == datetime(2015, 10, 12, 7, 0, tzinfo=UTC)


# -- the office is not touched ---------------------------------------------------------------------------------------


def everything(folder: Path) -> dict[str, str]:
    """Every file of the office, by its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def test_nothing_of_the_office_changes_and_nothing_leaves_loopback(desk: Desk) -> None:
    await desk.prepare(PEOPLE[:2], Policy.BOTH, steps=TWO_STEPS)
    before, spool = everything(desk.folder), len(desk.rogue.ledger)
    async with opened(desk) as ready:
        await ready.run(MIXES["bad"])
        rooms = ready.house.folder
        assert not rooms.is_relative_to(desk.folder)
        with socket.socket() as outside, pytest.raises(LeavesLoopback):
            outside.connect(("192.0.2.1", 25))
    assert everything(desk.folder) == before
    assert (len(desk.rogue.ledger), desk.gateway.taken()) == (spool, [])
    assert not rooms.exists()
    assert await desk.deliveries() == []


async def test_a_contact_that_is_gone_stops_it_as_it_would_stop_the_approval(desk: Desk) -> None:
    await desk.prepare(PEOPLE[:2], Policy.EMAIL)
    gone = {PEOPLE[0].id: contacts.Kept(PEOPLE[0], active=False, source="test")}
    await desk.office.store.write(lambda connection: contacts.set_all(connection, gone, desk.clock.now()))
    with pytest.raises(UserError, match="E_CONTACT_GONE"):
        async with opened(desk):
            pytest.fail("it was opened")


async def test_what_was_suppressed_since_is_stopped_in_the_rehearsal_too(desk: Desk) -> None:
    await desk.prepare(PEOPLE[:2], Policy.EMAIL)
    address = Address(Kind.EMAIL, PEOPLE[0].address(Kind.EMAIL) or "")
    await desk.office.store.write(
        lambda connection: contacts.suppress(connection, address, "ada", "asked us to", desk.clock.now())
    )
    async with opened(desk) as ready:
        run = await ready.run()
    assert {(one.delivery.contact_id, one.delivery.cause) for one in run.played} == {
        ("mission-1", Cause.GATE_SUPPRESSED),
        ("mission-2", Cause.NONE),
    }


# -- faults and answers ------------------------------------------------------------------------------------------------

#: A fault of every letter → the kind, the state and cause in which each ends, and the tries that were made.
ENDS: dict[str, tuple[Kind, State, Cause, int]] = {
    "greylisted": (Kind.EMAIL, State.PRESUMED, Cause.NONE, 2),
    "mailbox_full": (Kind.EMAIL, State.PRESUMED, Cause.NONE, 3),
    "no_mailbox": (Kind.EMAIL, State.FAILED, Cause.EMAIL_NO_MAILBOX, 1),
    "blocked": (Kind.EMAIL, State.FAILED, Cause.EMAIL_BLOCKED, 1),
    "bounced": (Kind.EMAIL, State.FAILED, Cause.EMAIL_NO_MAILBOX, 1),
    "no_answer_after_data": (Kind.EMAIL, State.IN_DOUBT, Cause.EMAIL_NO_ANSWER_AFTER_DATA, 1),
    "busy": (Kind.FAX, State.DELIVERED, Cause.NONE, 3),
    "no_answer": (Kind.FAX, State.DELIVERED, Cause.NONE, 2),
    "person_answers": (Kind.FAX, State.FAILED, Cause.FAX_VOICE, 1),
    "wrong_number": (Kind.FAX, State.FAILED, Cause.FAX_BAD_NUMBER, 1),
    "line_lost": (Kind.FAX, State.DELIVERED, Cause.NONE, 2),
    "lost_after_last_page": (Kind.FAX, State.IN_DOUBT, Cause.FAX_LOST_AFTER_LAST_PAGE, 1),
    "gateway_silent": (Kind.FAX, State.IN_DOUBT, Cause.FAX_NO_PROOF, 1),
    "answer_lost": (Kind.FAX, State.DELIVERED, Cause.NONE, 1),
}


async def test_a_fault_of_every_letter_ends_exactly_as_its_table_says(desk: Desk) -> None:
    await desk.prepare(PEOPLE[:1], Policy.BOTH)
    async with opened(desk) as ready:
        for name, (kind, state, cause, tries) in ENDS.items():
            run = await ready.run(Mix(name, {name: Share(1)}))
            assert (name, states(run, kind)) == (name, {(state, cause, tries)})


async def test_an_outage_of_an_hour_delays_every_letter_of_the_day_and_loses_none(desk: Desk) -> None:
    await desk.prepare(PEOPLE[:1], Policy.BOTH)
    async with opened(desk) as ready:
        run = await ready.run(Mix("down", outages={"relay_down": Share(1), "gateway_down": Share(1)}))
    hour = ready.script.hour
    for one in run.played:
        assert one.left_at is not None
        assert timedelta(hours=1) <= one.left_at - hour <= timedelta(hours=1, minutes=20)
        assert len(one.tries) == 1


async def test_those_who_answer_get_no_follow_up_and_all_others_do(desk: Desk) -> None:
    await desk.prepare(PEOPLE, Policy.EMAIL, steps=TWO_STEPS)
    async with opened(desk) as ready:
        everybody = await ready.run(Mix("all", answers=1.0, answer_days=(1, 2)))
        nobody = await ready.run(MIXES["none"])
        some = await ready.run(Mix("some", answers=0.5, answer_days=(1, 2)), seed=4)
    assert {one.delivery.step for one in everybody.played} == {0}
    assert everybody.answered == 4
    assert sum(one.delivery.step for one in nobody.played) == 4
    assert 0 < some.answered < 4
    assert sum(one.delivery.step for one in some.played) == 4 - some.answered


# -- what is made of it ------------------------------------------------------------------------------------------------


def told(ready: Opened, runs: Sequence[Run]) -> dict[str, Any]:
    frame = ready.frame()
    warnings = warnings_of(frame, runs, Limits(1, {"CHF": 1.0}))
    found = forecast(frame, runs, start=ready.house.start, seed=1, mix="bad", warnings=warnings)
    return forecast_json(found, frame.zone)


async def test_the_same_seed_foretells_the_same_to_the_last_byte_and_another_does_not(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.prepare(PEOPLE[:2], Policy.BOTH, steps=TWO_STEPS, hours=OFFICE_HOURS)
    outputs = []
    async with opened(desk) as ready:
        for number, seed in enumerate((5, 5, 6)):
            frame, run = ready.frame(), await ready.run(MIXES["bad"], seed)
            found = forecast(frame, [run], start=ready.house.start, seed=seed, mix="bad", warnings=())
            folder = tmp_path / f"out-{number}"
            require_folder(folder, force=False)
            write_forecast(found, folder, frame.zone, lambda cause: (cause.value, ""))
            outputs.append((json.dumps(forecast_json(found, frame.zone)), everything(folder)))
    assert outputs[0] == outputs[1]
    assert outputs[0] != outputs[2]


async def test_calendar_cost_tries_and_copies_add_up_to_what_was_played(desk: Desk) -> None:
    copied = person("the-ministry", email="ministry@home.example")
    copies = (Copy("the-ministry", "mission-1", Policy.EMAIL),)
    await desk.prepare([*PEOPLE[:2], copied], Policy.BOTH, steps=TWO_STEPS, copies=copies, hours=OFFICE_HOURS)
    async with opened(desk) as ready:
        run = await ready.run(Mix("busy", {"busy": Share(1)}))
        shown = told(ready, [run])
    letters = sum(row["letters"]["median"] for row in shown["calendar"])
    further = sum(row["further_tries"]["median"] for row in shown["calendar"])
    faxes = [one for one in run.played if one.delivery.kind is Kind.FAX]
    assert (letters, further) == (len(run.played), 2 * len(faxes)) == (10, 8)
    assert shown["cost"]["calls"]["median"] == len(faxes)
    pages = sum(call.pages for call in run.calls)
    assert shown["cost"]["money"][0]["amount"]["median"] == pages * 0.5
    assert {one["cause"]: one["number"]["median"] for one in shown["tries"] if one["channel"] == "fax"} == {
        "": 4,
        "fax.busy": 8,
    }
    assert [(one["contact"], one["letter_to"], one["steps"]) for one in shown["copies"]] == [
        ("the-ministry", "mission-1", [0, 1])
    ]
    codes = {one["code"] for one in shown["warnings"]}
    assert {"W_MANY", "W_SPENDING"} <= codes


async def test_letters_that_expire_and_follow_ups_behind_a_doubt_are_warned_of(desk: Desk) -> None:
    await desk.prepare(PEOPLE[:2], Policy.EMAIL, steps=TWO_STEPS, expires_after=1)
    async with opened(desk) as ready:
        late = await ready.run(Mix("full", {"mailbox_full": Share(1, figure=9)}))
        doubtful = await ready.run(Mix("doubt", {"no_answer_after_data": Share(1)}))
        expired, doubts = told(ready, [late]), told(ready, [doubtful])
    assert {one["code"] for one in expired["warnings"]} == {"W_EXPIRES", "W_MANY"}
    assert expired["expired"] == {"median": 2, "low": 2, "high": 2}
    assert {one.delivery.role for one in late.played} == {Role.TO}
    assert "W_DOUBT" in [one["code"] for one in doubts["warnings"]]
    assert [(one["state"], one["contacts"]) for one in doubts["tasks"]] == [("in_doubt", ["mission-1", "mission-2"])]


async def test_a_letter_that_reaches_a_closed_office_is_warned_of(desk: Desk) -> None:
    await desk.prepare(PEOPLE[:1], Policy.EMAIL, at=datetime(2015, 10, 3, 9, 0))
    async with opened(desk) as ready:
        shown = told(ready, [await ready.run()])
    assert [(one["code"], "Saturday" in one["cause"]) for one in shown["warnings"]] == [("W_CLOSED", True)]


async def test_several_runs_give_ranges(desk: Desk) -> None:
    await desk.prepare(PEOPLE[:2], Policy.FAX)
    async with opened(desk) as ready:
        runs = [await ready.run(MIXES["bad"], seed) for seed in range(1, 6)]
        shown = told(ready, runs)
    tries = sorted(sum(len(one.tries) for one in run.played) for run in runs)
    assert tries[0] < tries[-1]
    total = shown["cost"]["calls"]
    calls = sorted(len(run.calls) for run in runs)
    assert total == {"median": calls[2], "low": calls[0], "high": calls[4]}
