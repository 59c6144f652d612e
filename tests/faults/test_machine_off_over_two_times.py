"""Fault: a campaign repeats, and the machine is off over two of its times. What was missed never leaves in a burst."""

from __future__ import annotations

from datetime import datetime

from desk.desk import Desk, person

from dispatcher.domain.words import Cause, Policy, State

#: Thursday, 1 October 2015, and the two days after it, at noon in Geneva; the desk's clock begins two hours before.
NOON = datetime(2015, 10, 1, 12, 0)
AGAIN = (datetime(2015, 10, 2, 12, 0), datetime(2015, 10, 6, 12, 0))


async def test_what_was_missed_waits_for_a_person(desk: Desk) -> None:
    people = [person("one", email="mission@ardesia.example")]
    await desk.launch(people, Policy.EMAIL, at=NOON, repeats=AGAIN)
    desk.clock.turn(days=3)
    await desk.work()
    await desk.work()
    assert desk.rogue.ledger == []
    held = await desk.deliveries(states=(State.HELD,))
    assert [(one.cause, one.tries) for one in held] == [(Cause.GATE_LATE, 0)] * 2
    await desk.pass_time(days=2, hours=2)  # the third time: as if nothing had been
    assert len(desk.rogue.ledger) == 1
