"""A contact is corrected once, and its waiting letters follow; what may have arrived is left to a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from desk.desk import ADA, MEGAN, Desk, open_desk, person
from farend.rogue import DROP, accept_then, say

from dispatcher.domain.errors import CampaignError, Conflict, NotFound, UserError
from dispatcher.domain.model import Delivery
from dispatcher.domain.words import Fate, Health, Kind, Policy, Signal, State
from dispatcher.usecases import audit_log, contacts, launch, look, operate, review
from dispatcher.usecases.contacts import Repair, Repaired

OLD, NEW, FAX = "old@ardesia.example", "new@ardesia.example", "+442079460000"
TOMORROW = datetime(2015, 10, 2, 9, 0)


async def _repair(desk: Desk, contact_id: str = "one", *, email: str | None = None, **more: object) -> Repaired:
    fields = {name: more.pop(name) for name in list(more) if name in ("name", "office", "time_zone", "until")}
    wanted = Repair(fields, email, **more)  # type: ignore[arg-type]
    return await contacts.repair(desk.office, contact_id, wanted, "their registry told us", ADA)


async def _at(desk: Desk, address: str) -> Delivery:
    [found] = [one for one in await desk.deliveries() if one.address == address]
    return found


async def _fates(desk: Desk, email: str) -> list[Fate]:
    return [one.fate for one in (await _repair(desk, email=email)).followed]


async def test_a_letter_that_waits_goes_to_the_new_address_at_its_hour(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    before = await desk.only()
    done = await _repair(desk, email=NEW)
    old, new = await desk.get(before.id), await _at(desk, NEW)
    assert [(one.fate, one.delivery_id, one.instead) for one in done.followed] == [(Fate.MOVED, old.id, new.id)]
    assert (old.state, new.state, new.letter, new.due) == (State.CANCELLED, State.QUEUED, old.letter, before.due)
    await desk.work()
    assert desk.rogue.ledger == []
    await desk.pass_time(days=1)
    assert [taken.recipient for taken in desk.rogue.ledger] == [NEW]


async def test_each_letter_that_follows_has_its_entries_in_the_log(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    await _repair(desk, email=NEW)
    new = await _at(desk, NEW)
    log = await audit_log.tail_audit(desk.office, 3)
    assert [one.event.action for one in log] == ["contact.repair", "delivery.readdress", "delivery.cancel"]
    assert {one.event.reason for one in log} == {"their registry told us"}
    assert log[1].event.object == f"delivery:{new.id}"
    assert log[2].event.data["instead"] == new.id
    assert (await audit_log.verify_audit(desk.office)).sound


async def test_a_held_letter_stays_held_at_its_new_address(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    await operate.apply_by_hand(desk.office, (await desk.only()).id, Signal.HOLD, "wait", ADA)
    assert await _fates(desk, NEW) == [Fate.MOVED]
    held = await _at(desk, NEW)
    assert (held.state, held.due) == (State.HELD, None)
    await desk.pass_time(days=3)
    assert desk.rogue.ledger == []
    await operate.apply_by_hand(desk.office, held.id, Signal.RELEASE, "go on", ADA)
    await desk.work()
    assert [taken.recipient for taken in desk.rogue.ledger] == [NEW]


async def test_a_failed_letter_leaves_again_at_once(database: str, tmp_path: Path) -> None:
    script = {"rcpt": [say("550 5.1.1 no such user")]}
    async with open_desk(database, tmp_path, script=script) as desk:
        await desk.launch([person("one", email=OLD)], Policy.EMAIL)
        await desk.work()
        assert await desk.states() == [State.FAILED]
        assert [one for _, one in (await contacts.show_contact(desk.office, "one")).health()] == [Health.BAD]
        assert await _fates(desk, NEW) == [Fate.MOVED]
        await desk.work()
        assert [taken.recipient for taken in desk.rogue.ledger] == [NEW]


async def test_a_fax_that_waits_for_the_emails_proof_waits_for_the_new_one(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD, fax=FAX)], Policy.FAX_IF_NO_PROOF, at=TOMORROW)
    await _repair(desk, email=NEW)
    assert (await _at(desk, FAX)).fallback_for == (await _at(desk, NEW)).id
    await desk.pass_time(days=1)
    await operate.note_answer(desk.office, (await _at(desk, NEW)).id, "they telephoned", ADA)
    await desk.pass_time(days=7)
    assert (await _at(desk, FAX)).state is State.CANCELLED
    assert desk.gateway.taken() == []


async def test_a_letter_in_doubt_is_left_to_a_person(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": accept_then(DROP)}) as desk:
        await desk.launch([person("one", email=OLD)], Policy.EMAIL)
        await desk.work()
        assert await desk.states() == [State.IN_DOUBT]
        assert await _fates(desk, NEW) == [Fate.UNCERTAIN]
        await desk.pass_time(days=30)
        assert await desk.states() == [State.IN_DOUBT]


async def test_a_doubt_that_was_given_up_is_not_sent_there_again(database: str, tmp_path: Path) -> None:
    """The old address may have the letter: going back to it would send it twice unseen."""
    async with open_desk(database, tmp_path, script={"dot": [accept_then(DROP)]}) as desk:
        await desk.launch([person("one", email=OLD)], Policy.EMAIL)
        await desk.work()
        doubtful = await desk.only()
        await operate.settle_doubt(desk.office, doubtful.id, operate.Decision.GIVE_UP, "leave it", ADA)
        await _repair(desk, email=NEW)
        await desk.launch([replace(person("one", email=NEW))], Policy.EMAIL, campaign_id="second", at=TOMORROW)
        assert await _fates(desk, OLD) == [Fate.MOVED]  # the second campaign's letter, not the doubtful one
        assert len(await desk.deliveries(campaign_id="air-strikes")) == 1


async def test_a_correction_can_be_taken_back(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    await _repair(desk, email=NEW)
    assert await _fates(desk, OLD) == [Fate.MOVED]
    await desk.pass_time(days=1)
    assert [taken.recipient for taken in desk.rogue.ledger] == [OLD]
    assert sorted(await desk.states()) == [State.ACCEPTED, State.CANCELLED, State.CANCELLED]


async def test_what_arrived_already_is_not_sent_again(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    await desk.work()
    assert await _fates(desk, NEW) == []
    await desk.work()
    assert len(desk.rogue.ledger) == 1


async def test_a_letter_to_a_former_office_holder_waits_for_a_person(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    done = await _repair(desk, name="Tomás Serra")
    assert [one.fate for one in done.followed] == [Fate.HELD]
    await desk.pass_time(days=2)
    assert await desk.states() == [State.HELD]
    view = await contacts.show_contact(desk.office, "one")
    assert [(one.name, one.until) for one in view.holders] == [
        ("Elena Marchetti-Rossi", date(2015, 10, 1)),
        ("Tomás Serra", None),
    ]
    [told] = [what for _, what in view.told()]
    assert told == "honorific: H.E. Ms. → -; name: Elena Marchetti-Rossi → Tomás Serra"


async def test_a_repair_that_cannot_be_made_says_why_and_changes_nothing(desk: Desk) -> None:
    people = [person("one", email=OLD), person("two", email="two@ardesia.example")]
    await desk.launch(people, Policy.EMAIL, at=TOMORROW)
    with pytest.raises(Conflict, match=r"E_DUP two@ardesia.example belongs to the contact 'two'"):
        await _repair(desk, email="two@ardesia.example")
    with pytest.raises(UserError, match="E_ADDR"):
        await _repair(desk, email="nobody at home")
    with pytest.raises(UserError, match="neither email nor fax"):
        await _repair(desk, email="")
    with pytest.raises(UserError, match="is as you say already"):
        await _repair(desk, email=OLD)
    with pytest.raises(NotFound, match="no contact 'three'"):
        await _repair(desk, "three", email=NEW)
    assert await desk.states() == [State.QUEUED, State.QUEUED]


# -- before an approval ------------------------------------------------------------------------------------------------


async def _codes(desk: Desk) -> list[str]:
    _, plan = await review.read_plan(desk.office, "air-strikes")
    return sorted({one.code for one in await look.look(desk.office, plan)})


async def test_an_address_that_nobody_checked_is_told_until_somebody_does(desk: Desk) -> None:
    await desk.prepare([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    assert await _codes(desk) == ["W_UNCHECKED"]
    await _repair(desk, checked=True)
    assert await _codes(desk) == []
    desk.clock.turn(days=366)
    assert await _codes(desk) == ["W_UNCHECKED"]


async def test_an_approval_over_a_new_office_holder_must_be_meant(desk: Desk) -> None:
    prepared = await desk.prepare([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    await _repair(desk, name="Tomás Serra")
    with pytest.raises(UserError, match=r"letter to one: W_HOLDER_CHANGED .*Elena.*--confirm W_HOLDER_CHANGED"):
        await launch.approve(desk.office, "air-strikes", prepared.digest, MEGAN)
    await launch.approve(desk.office, "air-strikes", prepared.digest, MEGAN, ["W_HOLDER_CHANGED"])
    [entry] = await audit_log.tail_audit(desk.office, 1)
    [[code, place, digest]] = entry.event.data["confirmed"]
    assert (code, place, len(digest)) == ("W_HOLDER_CHANGED", "letter to one", 16)
    assert await launch.launch(desk.office, "air-strikes", ADA) == 1


async def test_a_contact_changed_after_the_approval_stops_the_launch(desk: Desk) -> None:
    prepared = await desk.prepare([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    await launch.approve(desk.office, "air-strikes", prepared.digest, MEGAN)
    await _repair(desk, email=NEW)
    with pytest.raises(Conflict, match=r"E_CONTACT_CHANGED .*letter to one: it goes to old@ardesia"):
        await launch.launch(desk.office, "air-strikes", ADA)
    assert await desk.states() == []
    again = await desk.prepare([person("one", email=NEW)], Policy.EMAIL, at=TOMORROW)
    await launch.approve(desk.office, "air-strikes", again.digest, MEGAN)
    assert await launch.launch(desk.office, "air-strikes", ADA) == 1


async def test_an_address_that_failed_or_is_suppressed_is_told_before_the_next_approval(
    database: str, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": [say("550 5.1.1 no such user")]}) as desk:
        await desk.launch([person("one", email=OLD)], Policy.EMAIL, campaign_id="first")
        await desk.work()
        await desk.prepare([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
        assert await _codes(desk) == ["W_ADDRESS_BAD", "W_UNCHECKED"]
        await contacts.suppress(desk.office, contacts.read_address(OLD), "asked us to stop", ADA)
        assert "W_SUPPRESSED" in await _codes(desk)
        with pytest.raises(CampaignError, match=r"contact one: E_SUPPRESSED its email is .* since 01 October 2015, by"):
            await desk.prepare([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)


async def test_a_term_that_is_over_is_told(desk: Desk) -> None:
    await desk.prepare([replace(person("one", email=OLD), until=date(2015, 9, 30))], Policy.EMAIL, at=TOMORROW)
    assert "W_TERM_OVER" in await _codes(desk)


async def test_the_record_of_letters_tells_an_addresss_health(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    assert [one for _, one in (await contacts.show_contact(desk.office, "one")).health()] == [Health.UNTRIED]
    await desk.work()
    await operate.note_answer(desk.office, (await desk.only(kind=Kind.EMAIL)).id, "they answered", ADA)
    assert [one for _, one in (await contacts.show_contact(desk.office, "one")).health()] == [Health.GOOD]
