"""Fault: the machine was off when a letter was due, and comes back on a day when the recipient's office is closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

from desk.desk import Desk, person

from dispatcher.domain.model import Hours
from dispatcher.domain.words import Cause, Policy, State

OFFICE = Hours(time(8), time(18))


async def test_nothing_leaves_on_a_national_day_or_a_weekend(desk: Desk) -> None:
    """Due on a Thursday; the machine comes back at the mission's national day, then on Saturday, then on Monday."""
    mission = replace(person("one", email="mission@ardesia.example", fax="+442079460000"), national_days=("10-02",))
    await desk.launch([mission], Policy.BOTH, hours=OFFICE)
    for _ in range(2):
        desk.clock.turn(days=1)
        await desk.work()
        assert desk.rogue.ledger == []
        waiting = await desk.deliveries()
        assert {(one.state, one.cause, one.tries) for one in waiting} == {(State.QUEUED, Cause.GATE_WINDOW, 0)}
        assert {one.due for one in waiting} == {datetime(2015, 10, 5, 6, 0, tzinfo=UTC)}
    await desk.pass_time(days=2)
    assert len(desk.rogue.ledger) == 1


async def test_the_closed_days_are_found_by_the_row_alone(desk: Desk) -> None:
    """Whatever becomes of the contact afterwards: what was approved counts."""
    mission = replace(person("one", email="mission@ardesia.example"), national_days=("10-02",))
    await desk.launch([mission], Policy.EMAIL, hours=OFFICE)
    await desk.keep_contacts([replace(mission, national_days=("10-01",), seat="JO")])
    desk.clock.turn(days=1)
    await desk.work()
    assert (await desk.only()).detail == "national day of the Republic of Ardesia"
