"""Fault: a contact is corrected while its letter waits, fails, or is about to leave. It never goes where nobody is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import DROP, Rogue, accept_then

from dispatcher.channels.base import CommitPoint, Parcel, Permit
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Policy, State, Verdict
from dispatcher.usecases import operate
from dispatcher.usecases.contacts import Repair, repair
from dispatcher.usecases.hear import take

OLD, NEW = "old@ardesia.example", "new@ardesia.example"
TOMORROW = datetime(2015, 10, 2, 9, 0)


async def _correct(desk: Desk, email: str) -> None:
    await repair(desk.office, "one", Repair({}, email), "their registry told us", ADA)


class CorrectedLate(SmtpChannel):
    """The correction comes when the letter is at the relay, just before the dot."""

    desk: Any = None

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        async def late(sent: bytes) -> Permit:
            if parcel.address == OLD:
                await _correct(self.desk, NEW)
            return await commit(sent)

        return await super().send(parcel, late)


async def test_a_correction_before_the_dot_stops_the_letter_to_the_old_address(database: str, tmp_path: Path) -> None:
    async with Rogue({}) as relay:
        channel = CorrectedLate([relay.relay()])
        async with open_desk(database, tmp_path, channels={"smtp": channel}) as desk:
            channel.desk = desk
            await desk.launch([person("one", email=OLD)], Policy.EMAIL)
            await desk.work()
            await desk.pass_time(hours=1)
            assert relay.ledger == []
            held = await desk.only()
            assert (held.state, held.cause) == (State.HELD, Cause.GATE_CONTACT)


async def test_the_gate_lets_nothing_go_to_an_address_that_was_left(desk: Desk) -> None:
    """Taken off while the letter was in doubt, and found not to have been sent."""
    await desk.launch([person("one", email=OLD, fax="+442079460000")], Policy.EMAIL, at=TOMORROW)
    waiting = await desk.only()
    await _correct(desk, NEW)
    assert (await desk.get(waiting.id)).state is State.CANCELLED
    await desk.pass_time(days=1)
    assert [taken.recipient for taken in desk.rogue.ledger] == [NEW]


async def test_a_letter_that_may_have_arrived_there_is_not_brought_back_unseen(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": [accept_then(DROP)]}) as desk:
        await desk.launch([person("one", email=OLD)], Policy.EMAIL)
        await desk.work()
        desk.clock.turn(hours=1)
        doubtful = await desk.only()
        await operate.settle_doubt(desk.office, doubtful.id, operate.Decision.RESEND, "nobody can tell", ADA)
        await _correct(desk, NEW)
        await _correct(desk, OLD)
        await desk.pass_time(days=1)
        assert len(desk.rogue.ledger) == 1


async def test_proof_from_the_old_address_stops_the_letter_to_the_new_one(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    await desk.work()
    first = await desk.only()
    attempt = (await desk.story(first.id)).attempts[-1]
    bounce = Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX, "550 5.1.1 no such user")
    await take(desk.office, Report(attempt.id, "bounce", bounce), "channel:smtp")
    await _correct(desk, NEW)
    await take(desk.office, Report(attempt.id, "proof", Outcome(Verdict.DELIVERED, Cause.NONE, "250")), "channel:smtp")
    await desk.pass_time(hours=1)
    assert [taken.recipient for taken in desk.rogue.ledger] == [OLD]
