"""Test letters on a whole office: to the tester alone, marked, by the real way, in no campaign's numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, MEGAN, Desk, open_desk, person
from farend.rogue import DROP, Script, accept_then, say

from dispatcher.archive import digest_of
from dispatcher.domain.errors import NotFound, UserError
from dispatcher.domain.model import Address, Copy
from dispatcher.domain.words import Cause, Kind, Policy, Verdict
from dispatcher.usecases import audit_log, contacts, launch, review
from dispatcher.usecases.trial import send_tests, typical

ME = Address(Kind.EMAIL, "megan@coalition.example")
MY_FAX = Address(Kind.FAX, "+41225550199")
PEOPLE = [
    person("first", email="mission@first.example", fax="+442079460000"),
    person("second", email="mission@second.example"),
    person("copied", email="mission@copied.example"),
]
COPIES = (Copy("copied", "first", Policy.EMAIL),)


@pytest.fixture
async def prepared(databases: Databases, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as made:
        await made.prepare(PEOPLE, Policy.EMAIL, copies=COPIES)
        yield made


async def prepared_with(script: Script, databases: Databases, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path, script=script) as made:
        await made.prepare(PEOPLE, Policy.EMAIL)
        yield made


async def test_a_test_goes_to_the_tester_alone_marked_and_with_the_frozen_letter(prepared: Desk) -> None:
    [trial] = await send_tests(prepared.office, "air-strikes", [ME], ADA, contact_ids=["first"])
    [taken] = prepared.rogue.ledger
    assert (taken.recipient, taken.sender) == (ME.value, "letters@coalition.example")
    message = BytesParser(policy=default).parsebytes(taken.message)
    assert message["To"] == ME.value
    assert message["Cc"] is None
    assert message["Subject"] == "[Test] Air strikes in the Syrian Arab Republic" == trial.subject
    assert message["Message-ID"] == f"<{trial.name}@coalition.example>"
    assert (trial.outcome.verdict, trial.outcome.ref) == (Verdict.ACCEPTED, "R0001")
    _, plan = await review.read_plan(prepared.office, "air-strikes")
    letter = next(one for one in plan.letters if one.contact_id == "first")
    entity = await prepared.office.archive.get(letter.objects["entity"])
    assert taken.message.endswith(entity.partition(b"\r\n\r\n")[2])


async def test_a_test_is_audited_with_the_very_bytes_that_left_and_is_no_delivery(prepared: Desk) -> None:
    [trial] = await send_tests(prepared.office, "air-strikes", [ME], ADA, contact_ids=["first"])
    about, told = await audit_log.tail_audit(prepared.office, 2)
    assert [about.event.action, told.event.action] == ["letter.test.transmitting", "letter.test"]
    assert (told.event.actor, told.event.after, told.event.data["test"]) == ("operator:ada", "accepted", trial.name)
    sent = digest_of(prepared.rogue.ledger[0].message)
    assert about.event.data["sent"] == sent
    assert await prepared.office.archive.get(sent) == prepared.rogue.ledger[0].message
    assert ME.value not in str(told.event.data) + str(about.event.data)
    assert await prepared.deliveries() == []
    assert (await audit_log.verify_audit(prepared.office)).sound


async def test_a_test_changes_nothing_about_what_is_approved_and_sent(prepared: Desk) -> None:
    digest, _ = await review.read_plan(prepared.office, "air-strikes")
    await send_tests(prepared.office, "air-strikes", [ME], ADA, contact_ids=["first"])
    await launch.approve(prepared.office, "air-strikes", digest, MEGAN)
    await launch.launch(prepared.office, "air-strikes", ADA, late=True)
    await prepared.work()
    assert sorted(one.recipient for one in prepared.rogue.ledger) == sorted(
        [ME.value, *(one.addresses[0].value for one in PEOPLE)]
    )


async def test_without_a_contact_the_first_the_longest_and_a_drawn_one_are_sent(prepared: Desk) -> None:
    _, plan = await review.read_plan(prepared.office, "air-strikes")
    chosen = await typical(prepared.office, plan)
    assert chosen == await typical(prepared.office, plan)  # everybody who tests this plan sees the same
    assert chosen[0] == "first"
    trials = await send_tests(prepared.office, "air-strikes", [ME], ADA)
    assert [one.contact_id for one in trials] == list(chosen)


@pytest.mark.parametrize("address", ["mission@second.example", "MISSION@second.example", "mission@copied.example"])
async def test_an_address_of_a_contact_gets_no_test_unless_it_is_meant(prepared: Desk, address: str) -> None:
    theirs = Address(Kind.EMAIL, address)
    with pytest.raises(UserError, match="E_TEST_CONTACT") as caught:
        await send_tests(prepared.office, "air-strikes", [ME, theirs], ADA)
    assert "say --knowingly with a --reason" in str(caught.value)
    assert prepared.rogue.ledger == []
    trials = await send_tests(
        prepared.office, "air-strikes", [theirs], ADA, contact_ids=["first"], reason="they asked to see it"
    )
    assert [one.outcome.verdict for one in trials] == [Verdict.ACCEPTED]
    [told] = await audit_log.tail_audit(prepared.office, 1)
    assert told.event.reason == "they asked to see it"


async def test_a_suppressed_address_gets_no_test_whatever_is_said(prepared: Desk) -> None:
    await contacts.suppress(prepared.office, ME, "asked for nothing more", ADA)
    with pytest.raises(UserError, match="E_SUPPRESSED") as caught:
        await send_tests(prepared.office, "air-strikes", [ME], ADA, reason="nevertheless")
    assert ME.value not in str(caught.value)
    assert prepared.rogue.ledger == []


async def test_a_fax_test_hands_in_the_frozen_pages(prepared: Desk) -> None:
    [trial] = await send_tests(prepared.office, "air-strikes", [MY_FAX], ADA, contact_ids=["first"])
    [taken] = prepared.gateway.taken()
    assert (taken["to"], trial.outcome.verdict) == (MY_FAX.value, Verdict.ACCEPTED)
    prepared.clock.turn(minutes=10)
    assert await prepared.callbacks() > 0  # about no attempt of ours: heard, and nothing changes
    assert await prepared.deliveries() == []


async def test_a_refusal_is_told_in_the_relays_words(databases: Databases, tmp_path: Path) -> None:
    async for desk in prepared_with({"rcpt": [say("550 5.1.1 no such user here")]}, databases, tmp_path):
        [trial] = await send_tests(desk.office, "air-strikes", [ME], ADA, contact_ids=["first"])
        assert (trial.outcome.verdict, trial.outcome.cause) == (Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX)
        assert "no such user here" in trial.outcome.detail
        [told] = [e for e in await audit_log.tail_audit(desk.office, 9) if e.event.action.startswith("letter.")]
        assert told.event.after == "refused"


async def test_silence_after_the_dot_is_told_as_not_known(databases: Databases, tmp_path: Path) -> None:
    async for desk in prepared_with({"dot": [accept_then(DROP)]}, databases, tmp_path):
        [trial] = await send_tests(desk.office, "air-strikes", [ME], ADA, contact_ids=["first"])
        assert trial.outcome.verdict is Verdict.UNKNOWN


async def test_what_is_not_prepared_or_not_written_to_is_not_tested(prepared: Desk) -> None:
    with pytest.raises(NotFound, match="was prepared"):
        await send_tests(prepared.office, "another", [ME], ADA)
    with pytest.raises(NotFound, match="it writes to: first, second"):
        await send_tests(prepared.office, "air-strikes", [ME], ADA, contact_ids=["copied"])
    with pytest.raises(NotFound, match="no letter of step 3"):
        await send_tests(prepared.office, "air-strikes", [ME], ADA, step=3)
