"""What operators do with what failed or waits: try one first, switch channel, put aside, give up, hold and release."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from desk.desk import ADA, MEGAN, Desk, open_desk, person
from desk.standing import bring_to
from farend.rogue import say

from dispatcher.domain.audit import from_record
from dispatcher.domain.errors import Conflict, UserError
from dispatcher.domain.model import Address, Hours
from dispatcher.domain.trial import Trial
from dispatcher.domain.verbs import Verb
from dispatcher.domain.words import Cause, Kind, Policy, Signal, State
from dispatcher.usecases import audit_log, contacts, halt, operate
from dispatcher.usecases.by_hand import By
from dispatcher.usecases.review import Wanted
from dispatcher.usecases.todo import Need, failures, todo
from dispatcher.usecases.together import Preview, preview, reasons, together
from dispatcher.usecases.try_first import tried, try_one

EMAIL, FAX = "mission@ardesia.example", "+442079460000"
BLOCKED = Wanted(cause=Cause.EMAIL_BLOCKED)
FULL = Wanted(cause=Cause.EMAIL_MAILBOX_FULL)


async def _failed(desk: Desk, count: int, cause: Cause, *, fax: bool = False) -> list[str]:
    """So many letters that failed for that cause; their ids as a list shows them."""
    people = [
        person(f"mission-{number:03}", email=f"m{number}@ardesia.example", fax=f"+4420794{number:05}" if fax else "")
        for number in range(count)
    ]
    await desk.launch(people, Policy.EMAIL)
    rows = await desk.deliveries()
    for row in rows:
        await bring_to(desk, row.id, State.FAILED, cause)
    return [row.id for row in rows]


def _codes(shown: Preview) -> set[str]:
    return {why.code for why in reasons(shown.left_out)}


# -- try one first -----------------------------------------------------------------------------------------------------


async def test_what_one_repair_mends_goes_after_one_that_went(desk: Desk) -> None:
    ids = await _failed(desk, 3, Cause.EMAIL_BLOCKED)
    shown = await preview(desk.office, Verb.RETRY, BLOCKED)
    assert (shown.going, _codes(shown)) == ((), {"E_TRY_ONE"})
    one = await try_one(desk.office, BLOCKED, "the record is mended", ADA)
    assert (one.id, await desk.states()) == (ids[0], [State.QUEUED, State.FAILED, State.FAILED])
    with pytest.raises(Conflict, match="E_TRIAL the one that was tried"):
        await try_one(desk.office, BLOCKED, "a second click", MEGAN)
    waits = await preview(desk.office, Verb.RETRY, BLOCKED)
    assert (waits.going, _codes(waits)) == ((), {"E_TRIAL"})
    await desk.work()
    last = await tried(desk.office, BLOCKED)
    assert last is not None
    assert (last.delivery.id, last.fate) == (one.id, Trial.WENT)
    done = await together(desk.office, Verb.RETRY, BLOCKED, 2, By(ADA, "it works"))
    assert [row.id for row in done.done] == ids[1:]
    await desk.work()
    assert await desk.states() == [State.ACCEPTED] * 3


async def test_the_rest_stays_while_the_one_failed_again_and_is_told_why(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": [say("550 5.7.1 still blocked")]}) as desk:
        await _failed(desk, 3, Cause.EMAIL_BLOCKED)
        await try_one(desk.office, BLOCKED, "", ADA)
        await desk.work()
        shown = await preview(desk.office, Verb.RETRY, BLOCKED)
        told = {why.code: why.words for why in reasons(shown.left_out)}
        assert shown.going == ()
        assert "failed again" in told["E_TRIAL"]
        assert "still blocked" in told["E_TRIAL"]
        await try_one(desk.office, BLOCKED, "mended now", ADA)
        await desk.work()
        assert len((await preview(desk.office, Verb.RETRY, BLOCKED)).going) == 2


async def test_a_failure_after_the_try_wants_a_try_of_its_own(desk: Desk) -> None:
    await _failed(desk, 3, Cause.EMAIL_BLOCKED)
    await try_one(desk.office, BLOCKED, "", ADA)
    await desk.work()
    late = (await desk.deliveries(states=(State.FAILED,)))[0]
    desk.clock.turn(hours=1)
    await operate.retry(desk.office, late.id, "", ADA)
    await bring_to(desk, late.id, State.FAILED, Cause.EMAIL_BLOCKED)
    shown = await preview(desk.office, Verb.RETRY, BLOCKED)
    assert (len(shown.going), [(one.delivery.id, one.why.code) for one in shown.left_out]) == (
        1,
        [(late.id, "E_TRY_ONE")],
    )


async def test_the_try_of_one_group_says_nothing_about_another(desk: Desk) -> None:
    await _failed(desk, 2, Cause.EMAIL_BLOCKED)
    await try_one(desk.office, replace(BLOCKED, domain="ardesia.example"), "", ADA)
    await desk.work()
    assert _codes(await preview(desk.office, Verb.RETRY, BLOCKED)) == {"E_TRY_ONE"}
    with pytest.raises(UserError, match="Give --cause CODE"):
        await try_one(desk.office, Wanted("air-strikes"), "", ADA)
    with pytest.raises(UserError, match="cannot be retried together"):
        await try_one(desk.office, Wanted(cause=Cause.EMAIL_NO_MAILBOX), "", ADA)


# -- many --------------------------------------------------------------------------------------------------------------


async def test_what_is_left_out_is_told_with_its_reason(desk: Desk) -> None:
    ids = await _failed(desk, 6, Cause.EMAIL_MAILBOX_FULL)
    rows = [await desk.get(name) for name in ids]
    await contacts.suppress(desk.office, Address(Kind.EMAIL, rows[0].address), "they asked us", ADA)
    await operate.note_answer(desk.office, ids[1], "they wrote", ADA)
    await operate.snooze(desk.office, ids[2], desk.clock.now() + timedelta(days=1), "not now", ADA)
    moved = [person(row.contact_id, email=row.address) for row in rows]
    moved[3] = person(rows[3].contact_id, email="elsewhere@ardesia.example")
    await desk.keep_contacts(moved)
    await operate.retry(desk.office, ids[4], "", ADA)
    await bring_to(desk, ids[4], State.IN_DOUBT, Cause.EMAIL_MAILBOX_FULL)
    shown = await preview(desk.office, Verb.RETRY, FULL)
    assert [one.delivery.id for one in shown.going] == [ids[5]]
    assert {one.delivery.id: one.why.code for one in shown.left_out} == {
        ids[0]: "E_SUPPRESSED",
        ids[2]: "E_SNOOZED",
        ids[3]: "E_ADDRESS_GONE",
        ids[4]: "E_DOUBT",
    }  # what was answered is delivered by that word
    with pytest.raises(UserError, match="E_FILTER"):
        await preview(desk.office, Verb.RETRY, Wanted())


async def test_an_act_on_many_is_one_entry_with_one_for_each_letter(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.usecases.together.CHUNK", 2)  # in three transactions
    ids = await _failed(desk, 5, Cause.EMAIL_MAILBOX_FULL)
    done = await together(desk.office, Verb.GIVE_UP, FULL, 5, By(ADA, "the campaign is over"))
    assert [row.id for row in done.done] == ids
    [act] = await audit_log.tail_audit(desk.office, 10, f"bulk:{done.bulk}")
    assert (act.event.action, act.event.reason, act.event.actor) == ("bulk.give_up", "the campaign is over", str(ADA))
    assert (act.event.data["count"], act.event.data["deliveries"]) == (5, ids)
    assert act.event.data["filter"] == {"cause": "email.mailbox_full"}
    log = await audit_log.tail_audit(desk.office, 10_000)
    children = [one for one in log if one.event.data.get("bulk") == done.bulk]
    assert [one.event.object for one in children] == [f"delivery:{name}" for name in ids]
    assert {row.cause for row in await desk.deliveries()} == {Cause.PERSON_GAVE_UP}


async def test_giving_up_wants_a_reason_and_is_told_apart_from_cancelling(desk: Desk) -> None:
    [failed, waiting] = await _failed(desk, 2, Cause.EMAIL_MAILBOX_FULL)
    await operate.retry(desk.office, waiting, "", ADA)
    with pytest.raises(UserError, match="E_REASON"):
        await together(desk.office, Verb.GIVE_UP, FULL, 1, By(ADA, " "))
    with pytest.raises(Conflict, match=r"failures give-up"):
        await operate.apply_by_hand(desk.office, failed, Signal.CANCEL, "no", ADA)
    given_up = await operate.give_up(desk.office, failed, "nobody reads it", ADA)
    cancelled = await operate.apply_by_hand(desk.office, waiting, Signal.CANCEL, "not wanted", ADA)
    assert (given_up.state, given_up.cause) == (State.CANCELLED, Cause.PERSON_GAVE_UP)
    assert (cancelled.state, cancelled.cause) == (State.CANCELLED, Cause.PERSON_CANCEL)


async def test_a_campaign_is_held_and_released_within_the_recipients_hours(desk: Desk) -> None:
    people = [person(f"mission-{number}", email=f"m{number}@ardesia.example") for number in range(3)]
    await desk.launch(people, Policy.EMAIL, hours=Hours(time(8), time(18)), at=datetime(2015, 10, 1, 15, 0))
    campaign = Wanted("air-strikes")
    await together(desk.office, Verb.HOLD, campaign, 3, By(ADA, "the minister asked"))
    late = (await desk.deliveries())[0]
    await operate.apply_by_hand(desk.office, late.id, Signal.RELEASE, "", ADA)
    await bring_to(desk, late.id, State.HELD, Cause.GATE_LATE)
    desk.clock.turn(hours=12)  # 22 in Geneva
    shown = await preview(desk.office, Verb.RELEASE, campaign)
    assert (len(shown.going), _codes(shown)) == (2, {"E_LATE"})
    done = await together(desk.office, Verb.RELEASE, campaign, 2, By(ADA, "she agrees"))
    assert {row.due for row in done.done} == {datetime(2015, 10, 2, 6, 0, tzinfo=UTC)}
    assert (await together(desk.office, Verb.RELEASE, Wanted(cause=Cause.GATE_LATE), 1, By(ADA, "still"))).done


async def test_filters_find_by_domain_and_by_when_it_happened(desk: Desk) -> None:
    await desk.launch([person("one", email="a@x.example"), person("two", email="b@sub.x.example")], Policy.EMAIL)
    for row in await desk.deliveries():
        await bring_to(desk, row.id, State.FAILED, Cause.EMAIL_MAILBOX_FULL)
    found = await preview(desk.office, Verb.RETRY, Wanted(domain="x.example"))
    assert [one.delivery.address for one in found.going] == ["a@x.example"]
    now = desk.clock.now()
    assert len((await preview(desk.office, Verb.RETRY, Wanted(since=now))).going) == 2
    assert (await preview(desk.office, Verb.RETRY, Wanted(since=now + timedelta(seconds=1)))).going == ()


# -- another channel ---------------------------------------------------------------------------------------------------


async def test_a_failed_email_goes_by_fax_instead_as_the_same_letter(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL, fax=FAX)], Policy.EMAIL)
    failed = await bring_to(desk, (await desk.only()).id, State.FAILED, Cause.EMAIL_NO_MAILBOX)
    new = await operate.switch(desk.office, failed.id, "their mailbox is closed", ADA)
    old = await desk.get(failed.id)
    assert (new.kind, new.address, new.letter, new.instead_of) == (Kind.FAX, FAX, failed.letter, failed.id)
    assert (old.state, old.cause) == (State.CANCELLED, Cause.PERSON_INSTEAD)
    await desk.work()
    assert len(desk.gateway.taken()) == 1
    assert desk.rogue.ledger == []
    assert ((await desk.story(old.id)).replaced_by, (await desk.story(new.id)).replaced_by) == ((new.id,), ())


async def test_the_link_stands_on_both_sides_in_the_log_and_in_its_export(desk: Desk, tmp_path: Path) -> None:
    await desk.launch([person("one", email=EMAIL, fax=FAX)], Policy.FAX)
    failed = await bring_to(desk, (await desk.only()).id, State.FAILED, Cause.FAX_BUSY)
    mail = await operate.switch(desk.office, failed.id, "their line is dead", ADA)
    await bring_to(desk, mail.id, State.FAILED, Cause.EMAIL_NO_MAILBOX)
    await desk.keep_contacts([person("one", email="new@ardesia.example", fax=FAX)])
    moved = await operate.readdress(desk.office, mail.id, "a new address", ADA)
    assert moved.instead_of == mail.id
    await audit_log.export_audit(desk.office, tmp_path / "log.jsonl")
    lines = (tmp_path / "log.jsonl").read_text("utf-8").splitlines()
    told = [from_record(json.loads(line)).event for line in lines]
    links = [(one.object, one.data) for one in told if one.action in ("delivery.switch", "delivery.readdress")]
    assert [(about, data["replaces"]) for about, data in links] == [
        (f"delivery:{mail.id}", failed.id),
        (f"delivery:{moved.id}", mail.id),
    ]
    back = {one.object: one.data["instead"] for one in told if "instead" in one.data}
    assert back == {f"delivery:{failed.id}": mail.id, f"delivery:{mail.id}": moved.id}
    assert (links[0][1]["from"], links[0][1]["to"]) == ("fax", "email")


async def test_why_a_letter_cannot_go_another_way_is_said(desk: Desk) -> None:
    people = [person("none", email="none@ardesia.example"), person("both", email=EMAIL, fax=FAX)]
    await desk.launch(people, policy_by_contact=(("none", Policy.EMAIL),))
    [nowhere] = await desk.deliveries(contact_id="none")
    with pytest.raises(Conflict, match=r"E_SWITCH_NO_ADDRESS .*contacts repair none --fax"):
        await operate.switch(desk.office, nowhere.id, "try the fax", ADA)
    [email] = await desk.deliveries(contact_id="both", kind=Kind.EMAIL)
    [fax] = await desk.deliveries(contact_id="both", kind=Kind.FAX)
    with pytest.raises(Conflict, match=f"E_SWITCH_TAKEN .*{fax.id}"):
        await operate.switch(desk.office, email.id, "try the fax", ADA)
    await bring_to(desk, fax.id, State.IN_DOUBT, Cause.FAX_NO_PROOF)
    with pytest.raises(Conflict, match="E_DOUBT"):
        await operate.switch(desk.office, fax.id, "try email", ADA)
    desk.clock.turn(hours=1)
    await operate.settle_doubt(desk.office, fax.id, operate.Decision.GIVE_UP, "nobody knows", ADA)
    with pytest.raises(Conflict, match=r"E_SWITCH_TAKEN .* may have arrived by fax before"):
        await operate.switch(desk.office, email.id, "try the fax", ADA)


async def test_a_suppressed_or_answered_recipient_is_not_written_to_another_way(desk: Desk) -> None:
    people = [person(name, email=f"{name}@ardesia.example", fax=f"+44207946000{i}") for i, name in enumerate("ab")]
    await desk.launch(people, Policy.EMAIL)
    [a] = await desk.deliveries(contact_id="a")
    [b] = await desk.deliveries(contact_id="b")
    await contacts.suppress(desk.office, Address(Kind.FAX, "+442079460000"), "no faxes", ADA)
    await operate.note_answer(desk.office, b.id, "they wrote", ADA)
    shown = await preview(desk.office, Verb.SWITCH, Wanted("air-strikes"))
    assert {one.delivery.id: one.why.code for one in shown.left_out} == {a.id: "E_SUPPRESSED", b.id: "E_ANSWERED"}


async def test_late_proof_of_the_email_stops_the_fax_that_took_its_place(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL, fax=FAX)], Policy.EMAIL)
    failed = await bring_to(desk, (await desk.only()).id, State.FAILED, Cause.EMAIL_REFUSED)
    fax = await operate.switch(desk.office, failed.id, "they refuse it", ADA)
    await operate.note_answer(desk.office, failed.id, "they have it after all", ADA)
    stopped = await desk.get(fax.id)
    assert (stopped.state, stopped.cause) == (State.CANCELLED, Cause.GATE_PROVEN)


async def test_many_go_by_fax_instead_and_what_waits_keeps_its_hour(desk: Desk) -> None:
    people = [
        person(f"m{number}", email=f"m{number}@ardesia.example", fax=f"+4420794600{number:02}") for number in range(3)
    ]
    await desk.launch(people, Policy.EMAIL, at=datetime(2015, 10, 5, 9, 0))
    hours = {row.contact_id: row.not_before for row in await desk.deliveries()}
    done = await together(desk.office, Verb.SWITCH, Wanted("air-strikes", kind=Kind.EMAIL), 3, By(ADA, "no mail today"))
    assert {row.contact_id: row.not_before for row in done.done} == hours
    await desk.work()
    assert desk.gateway.taken() == []
    await desk.pass_time(days=4)
    assert len(desk.gateway.taken()) == 3
    again = await preview(desk.office, Verb.SWITCH, Wanted("air-strikes", kind=Kind.EMAIL))
    assert again.going == ()


# -- put aside ---------------------------------------------------------------------------------------------------------


async def test_what_is_put_aside_leaves_the_lists_and_comes_back_by_itself_without_being_sent(desk: Desk) -> None:
    [one, two] = await _failed(desk, 2, Cause.EMAIL_MAILBOX_FULL)
    until = desk.clock.now() + timedelta(hours=5)
    done = await together(desk.office, Verb.SNOOZE, FULL, 2, By(ADA, "they are away", until=until))
    assert {row.snoozed_until for row in done.done} == {until}
    [group] = await failures(desk.office, Wanted())
    assert (group.count, group.snoozed) == (0, 2)
    end = desk.clock.now() + timedelta(hours=12)
    assert [(task.need, task.count, task.since) for task in await todo(desk.office, end)] == [
        (Need.RETURNING, 2, until)
    ]
    await operate.unsnooze(desk.office, one, "they are back", ADA)
    with pytest.raises(Conflict, match="is not put aside"):
        await operate.unsnooze(desk.office, one, "again", ADA)
    desk.clock.turn(hours=5)
    await desk.work()
    [task] = await todo(desk.office, end)
    assert (task.need, task.count, task.together) == (Need.FAILED, 2, 2)
    assert desk.rogue.ledger == []
    assert (await operate.retry(desk.office, two, "", ADA)).snoozed_until is None


async def test_a_letter_is_put_aside_until_an_hour_to_come_with_a_reason(desk: Desk) -> None:
    [one] = await _failed(desk, 1, Cause.EMAIL_MAILBOX_FULL)
    with pytest.raises(UserError, match="E_UNTIL"):
        await operate.snooze(desk.office, one, desk.clock.now(), "later", ADA)
    with pytest.raises(UserError, match="E_REASON"):
        await operate.snooze(desk.office, one, desk.clock.now() + timedelta(hours=1), "", ADA)


# -- what needs a person -----------------------------------------------------------------------------------------------


async def test_what_needs_a_person_is_told_the_most_urgent_first(desk: Desk) -> None:
    people = [person(f"m{number}", email=f"m{number}@ardesia.example") for number in range(7)]
    await desk.launch(people, Policy.EMAIL)
    rows = [row.id for row in await desk.deliveries()]
    await bring_to(desk, rows[0], State.HELD, Cause.PERSON_HOLD)
    await bring_to(desk, rows[1], State.HELD, Cause.GATE_LATE)
    await bring_to(desk, rows[2], State.FAILED, Cause.EMAIL_NO_MAILBOX)
    await bring_to(desk, rows[3], State.FAILED, Cause.EMAIL_BLOCKED)
    await bring_to(desk, rows[4], State.FAILED, Cause.EMAIL_MAILBOX_FULL)
    await bring_to(desk, rows[5], State.IN_DOUBT, Cause.EMAIL_NO_ANSWER_AFTER_DATA)
    desk.clock.turn(hours=3)  # the last one is due, and nobody sends it
    found = await todo(desk.office, desk.clock.now() + timedelta(hours=6))
    assert [(one.need, one.count, one.cause, one.together) for one in found] == [
        (Need.DOUBT, 1, Cause.NONE, 0),
        (Need.OVERDUE, 1, Cause.NONE, 0),
        (Need.LATE, 1, Cause.GATE_LATE, 0),
        (Need.FAILED, 1, Cause.EMAIL_BLOCKED, 0),
        (Need.FAILED, 1, Cause.EMAIL_NO_MAILBOX, 0),
        (Need.FAILED, 1, Cause.EMAIL_MAILBOX_FULL, 1),
        (Need.HELD, 1, Cause.PERSON_HOLD, 0),
    ]


async def test_a_stop_of_all_sending_is_told_first_and_nothing_is_overdue_then(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
    await halt.stop(desk.office, "wait for the minister", MEGAN)
    desk.clock.turn(hours=3)
    [task] = await todo(desk.office, desk.clock.now() + timedelta(hours=1))
    assert (task.need, task.by, task.detail) == (Need.STOPPED, str(MEGAN), "wait for the minister")
