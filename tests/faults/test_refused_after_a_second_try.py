"""Fault: a letter in doubt is sent again knowingly, and the second try is refused. The first may have arrived: it is
not said to have failed, and nobody retries it together with others.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import STALL, accept_then, say

from dispatcher.domain.errors import Conflict
from dispatcher.domain.model import Actor, Address
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Kind, Policy, State, Verdict
from dispatcher.store import contacts
from dispatcher.usecases import dispatch, halt, hear, operate


async def _sent_again(desk: Desk) -> str:
    """A letter in doubt that the relay took, and that a person has sent again knowingly."""
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    await desk.work()
    seen = await desk.only()
    assert seen.state is State.IN_DOUBT
    desk.clock.turn(minutes=12)
    await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, "nobody can tell", ADA)
    return seen.id


async def test_a_second_try_that_is_refused_leaves_the_first_in_doubt(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": [accept_then(STALL), say("550 5.1.1 no")]}) as desk:
        await _sent_again(desk)
        await desk.work()
        seen = await desk.only()
        assert len(desk.rogue.ledger) == 1
        assert seen.state is State.IN_DOUBT
        assert [one.verdict for one in (await desk.story(seen.id)).attempts] == [Verdict.UNKNOWN, Verdict.REFUSED]


async def test_a_second_try_that_bounces_leaves_the_first_in_doubt(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": [accept_then(STALL)]}) as desk:
        name = await _sent_again(desk)
        await desk.work()
        second = (await desk.story(name)).attempts[-1]
        bounce = Report(second.id, "bounce-1", Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX))
        assert await hear.take(desk.office, bounce, "channel:smtp") is hear.Heard.APPLIED
        assert (await desk.only()).state is State.IN_DOUBT


async def test_a_second_try_that_bounces_once_it_was_presumed_leaves_the_first_in_doubt(
    database: str, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path, script={"dot": [accept_then(STALL)]}) as desk:
        name = await _sent_again(desk)
        await desk.work()
        await desk.pass_time(days=8)
        assert (await desk.only()).state is State.PRESUMED
        second = (await desk.story(name)).attempts[-1]
        unsure = Report(second.id, "unsure-1", Outcome(Verdict.UNKNOWN, Cause.EMAIL_NO_ANSWER_AFTER_DATA))
        assert await hear.take(desk.office, unsure, "channel:smtp") is hear.Heard.IGNORED
        bounce = Report(second.id, "bounce-1", Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX))
        assert await hear.take(desk.office, bounce, "channel:smtp") is hear.Heard.APPLIED
        assert (await desk.only()).state is State.IN_DOUBT


async def test_a_second_try_that_was_turned_back_says_nothing_of_the_first(database: str, tmp_path: Path) -> None:
    """The first is still the one that may have arrived: its late acceptance counts, and nothing goes out again."""
    async with open_desk(database, tmp_path, script={"dot": [accept_then(STALL)]}) as desk:
        name = await _sent_again(desk)
        await _turned_back(desk)
        first, second = (await desk.story(name)).attempts
        assert (second.verdict, (await desk.only()).state) == (Verdict.UNSENT, State.QUEUED)
        taken = Report(first.id, "taken-1", Outcome(Verdict.ACCEPTED))
        assert await hear.take(desk.office, taken, "channel:smtp") is hear.Heard.APPLIED
        assert (await desk.only()).state is State.ACCEPTED
        await desk.work()
        assert len(desk.rogue.ledger) == 1


async def test_an_address_where_a_second_try_was_turned_back_is_not_free(database: str, tmp_path: Path) -> None:
    """What may have arrived there does not go there again under another name, unseen."""
    async with open_desk(database, tmp_path, script={"dot": [accept_then(STALL)]}) as desk:
        name = await _sent_again(desk)
        await _turned_back(desk)
        await desk.keep_contacts([person("one", email="other@ardesia.example")])
        moved = await operate.readdress(desk.office, name, "they moved", ADA)
        await desk.keep_contacts([person("one", email="mission@ardesia.example")])
        with pytest.raises(Conflict, match="went there"):
            await operate.readdress(desk.office, moved.id, "they moved back", ADA)


async def test_a_second_try_to_an_address_that_wants_nothing_more_leaves_the_first_in_doubt(
    database: str, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path, script={"dot": [accept_then(STALL)]}) as desk:
        name = await _sent_again(desk)
        where, now = Address(Kind.EMAIL, "mission@ardesia.example"), desk.clock.now()
        await desk.office.store.write(
            lambda connection: contacts.suppress(connection, where, "ada", "asked for it", now)
        )
        await desk.work()
        seen = await desk.get(name)
        assert (seen.state, seen.cause) == (State.IN_DOUBT, Cause.GATE_SUPPRESSED)
        await operate.settle_doubt(desk.office, name, operate.Decision.GIVE_UP, "let it be", ADA)
        assert len(desk.rogue.ledger) == 1


async def _turned_back(desk: Desk) -> None:
    """Claimed, and then everything is stopped: nothing of that try leaves."""
    worker = Actor("worker", "late")
    (one,) = await dispatch.claim(desk.office, worker, 1)
    await halt.stop(desk.office, "wait", ADA)
    await dispatch.attempt(desk.office, worker, one)
    await halt.resume(desk.office, "go on", ADA)
