"""Fault: an operator acts on what the screen showed a minute ago. The act is refused with what is so now."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk.desk import ADA, MEGAN, open_desk, person
from farend.rogue import say

from dispatcher.domain.errors import Conflict, CountChanged, UserError
from dispatcher.domain.words import Cause, Policy, Signal, State
from dispatcher.usecases import launch, operate

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


async def test_a_bulk_retry_of_another_number_than_was_shown_is_refused(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": say("550 5.1.1 no such user")}) as desk:
        people = [person(f"mission-{number}", email=f"mission-{number}@ardesia.example") for number in range(3)]
        await desk.launch(people, Policy.EMAIL)
        await desk.work()
        with pytest.raises(CountChanged, match="now 3 failures"):
            await operate.retry_all(desk.office, Cause.EMAIL_NO_MAILBOX, "", ADA, expect=2)
        with pytest.raises(UserError, match="cannot be retried together"):
            await operate.retry_all(desk.office, Cause.EMAIL_NO_MAILBOX, "", ADA, expect=3)
        with pytest.raises(UserError, match="cannot be retried together"):
            await operate.retry_all(desk.office, Cause.EMAIL_NO_MAILBOX, "", ADA, first=1)
        assert await desk.states() == [State.FAILED] * 3


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
        with pytest.raises(Conflict, match="'cancel' cannot follow 'accepted'"):
            await operate.apply_by_hand(desk.office, shown.id, Signal.CANCEL, "changed our mind", ADA)
