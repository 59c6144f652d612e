"""Fault: an operator acts on what the screen showed a minute ago. The act is refused with what is so now."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from desk.desk import ADA, HOUR, MEGAN, open_desk, person
from farend.rogue import say

from dispatcher.domain.errors import Conflict, CountChanged
from dispatcher.domain.verbs import Verb
from dispatcher.domain.words import Cause, Policy, Signal, State
from dispatcher.usecases import audit_log, launch, operate
from dispatcher.usecases.by_hand import By
from dispatcher.usecases.review import Wanted
from dispatcher.usecases.together import preview, together

UNKNOWN = {"rcpt": [say("550 5.1.1 no such user")]}


async def test_a_second_retry_of_the_same_failure_is_refused(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script=UNKNOWN) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.work()
        failed = await desk.only()
        assert (failed.state, failed.cause) == (State.FAILED, Cause.EMAIL_NO_MAILBOX)
        await operate.retry(desk.office, failed.id, "the mailbox exists now", ADA)
        with pytest.raises(Conflict, match="is queued, not failed"):
            await operate.retry(desk.office, failed.id, "the mailbox exists now", MEGAN)
        await desk.work()
        assert len(desk.rogue.ledger) == 1


async def test_an_act_on_another_number_of_letters_than_was_shown_is_refused(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": say("552 5.2.2 mailbox full")}) as desk:
        people = [person(f"mission-{number}", email=f"mission-{number}@ardesia.example") for number in range(3)]
        await desk.launch(people, Policy.EMAIL)
        await desk.work()
        group = Wanted(cause=Cause.EMAIL_MAILBOX_FULL)
        before, log = await desk.deliveries(), len(await audit_log.tail_audit(desk.office, 1000))
        for verb in (Verb.RETRY, Verb.GIVE_UP, Verb.SNOOZE):
            assert len((await preview(desk.office, verb, group)).going) == 3
            by = By(ADA, "as shown", until=desk.clock.now() + HOUR)
            with pytest.raises(CountChanged, match="E_COUNT there are now 3 letters for this, not 2"):
                await together(desk.office, verb, group, 2, by)
        assert await desk.deliveries() == before
        assert len(await audit_log.tail_audit(desk.office, 1000)) == log


async def test_a_second_click_on_an_act_on_many_changes_nothing(database: str, tmp_path: Path) -> None:
    """Two people click at the same moment: one of them is told what is so by then."""
    async with open_desk(database, tmp_path, script={"rcpt": say("552 5.2.2 mailbox full")}) as desk:
        people = [person(f"mission-{number}", email=f"mission-{number}@ardesia.example") for number in range(3)]
        await desk.launch(people, Policy.EMAIL)
        await desk.work()
        group = Wanted(cause=Cause.EMAIL_MAILBOX_FULL)
        clicks = [together(desk.office, Verb.RETRY, group, 3, By(who, "")) for who in (ADA, MEGAN)]
        ends = await asyncio.gather(*clicks, return_exceptions=True)
        [done] = [one for one in ends if not isinstance(one, BaseException)]
        [refused] = [one for one in ends if isinstance(one, BaseException)]
        assert (len(done.done), type(refused)) == (3, CountChanged)
        log = [one.event for one in await audit_log.tail_audit(desk.office, 1000)]
        assert len([one for one in log if one.action == "delivery.retry"]) == 3
        assert len([one for one in log if one.action == "bulk.retry"]) == 1


async def test_approving_a_plan_that_was_prepared_again_is_refused(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        people = [person("one", email="mission@ardesia.example")]
        shown = await desk.prepare(people, Policy.EMAIL)
        await desk.prepare([*people, person("two", email="two@ardesia.example")], Policy.EMAIL)
        with pytest.raises(Conflict, match="E_CONTENT_CHANGED"):
            await launch.approve(desk.office, "air-strikes", shown.digest, MEGAN)


async def test_an_approval_ends_when_the_plan_changes(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        people = [person("one", email="mission@ardesia.example")]
        shown = await desk.prepare(people, Policy.EMAIL)
        await launch.approve(desk.office, "air-strikes", shown.digest, MEGAN)
        again = await desk.prepare([*people, person("two", email="two@ardesia.example")], Policy.EMAIL)
        assert again.voided == shown.digest
        with pytest.raises(Conflict, match="was changed after it was approved"):
            await launch.launch(desk.office, "air-strikes", ADA, late=True)


async def test_cancelling_a_letter_that_has_left_is_refused(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        shown = await desk.only()
        await desk.work()
        with pytest.raises(Conflict, match=r"E_TOO_LATE delivery .* has left already: it is accepted"):
            await operate.apply_by_hand(desk.office, shown.id, Signal.CANCEL, "changed our mind", ADA)
