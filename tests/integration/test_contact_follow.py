"""Letters never go to where their contact no longer is, and never twice to where it is again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import DROP, accept_then, say
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.model import Step
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Fate, Kind, Policy, Signal, State, Verdict
from dispatcher.store import contact_history, contacts
from dispatcher.usecases import operate
from dispatcher.usecases.contact_change import change_all
from dispatcher.usecases.contacts import Repair, read_address, repair, suppress
from dispatcher.usecases.hear import Heard, take

OLD, NEW, FAX = "old@ardesia.example", "new@ardesia.example", "+442079460000"
TOMORROW = datetime(2015, 10, 2, 9, 0)
BOUNCE = Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX, "550 5.1.1 no such user")
ARRIVED = Outcome(Verdict.DELIVERED, Cause.NONE, "250 2.1.5 delivered")


async def _repair(desk: Desk, email: str | None = None, **more: object) -> list[Fate]:
    fields = {name: more.pop(name) for name in list(more) if name == "name"}
    wanted = Repair(fields, email, **more)  # type: ignore[arg-type]
    return [one.fate for one in (await repair(desk.office, "one", wanted, "they told us", ADA)).followed]


async def _recipients(desk: Desk) -> list[str]:
    return [taken.recipient for taken in desk.rogue.ledger]


async def _hear(desk: Desk, delivery_id: str, outcome: Outcome, event: str) -> Heard:
    attempt = (await desk.story(delivery_id)).attempts[-1]
    return await take(desk.office, Report(attempt.id, event, outcome), "channel:smtp")


async def _retire(desk: Desk, contact_id: str = "one") -> list[Fate]:
    async def unit(connection: AsyncConnection) -> list[Fate]:
        kept = await contacts.kept(connection, contact_id)
        assert kept is not None
        change = contact_history.Change(contact_id, kept, replace(kept, active=False))
        return [one.fate for one in await change_all(connection, desk.office, [change], ADA, reason="gone")]

    return await desk.office.store.write(unit)


async def test_a_bounced_letter_that_comes_back_to_its_first_address_is_not_left_at_the_second(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    await desk.work()
    first = await desk.only()
    assert await _hear(desk, first.id, BOUNCE, "bounce-1") is Heard.APPLIED
    assert await _repair(desk, NEW) == [Fate.MOVED]
    assert await _repair(desk, OLD) == [Fate.MOVED]
    await desk.pass_time(hours=1)
    assert await _recipients(desk) == [OLD, OLD]
    assert NEW not in await _recipients(desk)


async def test_a_letter_whose_first_address_may_have_it_waits_for_a_person(database: str, tmp_path: Path) -> None:
    """In doubt at the old address; a person wants it sent again; then the address changes, and changes back."""
    async with open_desk(database, tmp_path, script={"dot": [accept_then(DROP)]}) as desk:
        await desk.launch([person("one", email=OLD)], Policy.EMAIL)
        await desk.work()
        doubtful = await desk.only()
        assert doubtful.state is State.IN_DOUBT
        desk.clock.turn(hours=1)
        await operate.settle_doubt(desk.office, doubtful.id, operate.Decision.RESEND, "nobody can tell", ADA)
        assert await _repair(desk, NEW) == [Fate.MOVED]
        assert next(one for one in await desk.deliveries() if one.address == NEW).knowingly
        assert await _repair(desk, OLD) == [Fate.HELD]
        await desk.pass_time(days=1)
        assert len(desk.rogue.ledger) == 1


async def test_an_address_that_was_taken_off_gets_nothing_more(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD, fax=FAX)], Policy.BOTH, at=TOMORROW)
    assert await _repair(desk, "") == [Fate.HELD]
    await desk.pass_time(days=2)
    assert await _recipients(desk) == []
    assert len(desk.gateway.taken()) == 1
    assert await _repair(desk, NEW) == [Fate.MOVED]
    await desk.pass_time(hours=1)
    assert await _recipients(desk) == [NEW]


async def test_an_address_that_comes_back_lets_its_letter_go_on(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD, fax=FAX)], Policy.BOTH, at=TOMORROW)
    await _repair(desk, "")
    assert await _repair(desk, OLD) == [Fate.RELEASED]
    await desk.pass_time(days=1)
    assert await _recipients(desk) == [OLD]


async def test_a_retired_contact_gets_nothing_more(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    assert await _retire(desk) == [Fate.HELD]
    held = await desk.only()
    await operate.apply_by_hand(desk.office, held.id, Signal.RELEASE, "go on", ADA)
    await desk.pass_time(days=2)
    held = await desk.only()
    assert (held.state, held.cause, held.tries) == (State.HELD, Cause.GATE_CONTACT, 0)
    assert await _recipients(desk) == []


async def test_late_proof_at_the_first_address_stops_the_letter_to_the_second(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL)
    await desk.work()
    first = await desk.only()
    await _hear(desk, first.id, BOUNCE, "bounce-1")
    await _repair(desk, NEW)
    assert await _hear(desk, first.id, ARRIVED, "proof-1") is Heard.IGNORED
    await desk.pass_time(hours=1)
    assert await _recipients(desk) == [OLD]
    second = next(one for one in await desk.deliveries() if one.address == NEW)
    assert (second.state, second.cause) == (State.CANCELLED, Cause.GATE_PROVEN)


async def test_a_letter_that_was_being_sent_is_not_tried_at_the_old_address_again(
    database: str, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path, script={"dot": [accept_then(DROP)]}) as desk:
        await desk.launch([person("one", email=OLD)], Policy.EMAIL)
        await desk.work()
        assert await _repair(desk, NEW) == [Fate.UNCERTAIN]
        doubtful = await desk.only()
        desk.clock.turn(hours=1)
        await operate.settle_doubt(desk.office, doubtful.id, operate.Decision.NOT_SENT, "their log says so", ADA)
        await desk.pass_time(hours=1)
        held = await desk.only()
        assert (held.state, held.cause) == (State.HELD, Cause.GATE_CONTACT)
        assert len(desk.rogue.ledger) == 1


async def test_a_follow_up_goes_to_where_the_office_is_now(desk: Desk) -> None:
    await desk.launch(
        [person("one", email=OLD)], Policy.EMAIL, steps=(Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 2))
    )
    await desk.work()
    await _repair(desk, NEW)
    for _ in range(20):
        await desk.pass_time(days=1)
    assert await _recipients(desk) == [OLD, NEW]


async def test_a_follow_up_to_a_former_holder_waits_for_a_person(desk: Desk) -> None:
    await desk.launch(
        [person("one", email=OLD)], Policy.EMAIL, steps=(Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 2))
    )
    await desk.work()
    await _repair(desk, name="Tomás Serra")
    for _ in range(20):
        await desk.pass_time(days=1)
    assert await _recipients(desk) == [OLD]
    assert (await desk.only(step=1)).state is State.HELD


async def test_email_and_fax_are_corrected_together(desk: Desk) -> None:
    people = [
        person(f"o{number}", email=f"o{number}@ardesia.example", fax=f"+4420794600{number:02}") for number in range(6)
    ]
    await desk.launch(people, Policy.FAX_IF_NO_PROOF, at=TOMORROW)
    for number in range(6):
        wanted = Repair({}, f"n{number}@ardesia.example", f"+4420794601{number:02}")
        done = await repair(desk.office, f"o{number}", wanted, "moved house", ADA)
        assert [one.fate for one in done.followed] == [Fate.MOVED, Fate.MOVED]
    rows = {one.id: one for one in await desk.deliveries() if one.state is State.QUEUED}
    faxes = [one for one in rows.values() if one.kind is Kind.FAX]
    assert len(faxes) == 6
    assert all(rows[one.fallback_for].contact_id == one.contact_id for one in faxes)


async def test_a_letter_that_expired_is_not_sent_by_a_correction(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, expires_after=2)
    desk.clock.turn(days=30)
    await desk.work()
    assert (await desk.only()).cause is Cause.LETTER_EXPIRED
    assert await _repair(desk, NEW) == [Fate.FAILED]
    await desk.pass_time(days=1)
    assert await _recipients(desk) == []


async def test_a_failed_email_whose_fax_arrived_is_not_sent_again(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": [say("550 5.1.1 no such user")]}) as desk:
        await desk.launch([person("one", email=OLD, fax=FAX)], Policy.FAX_IF_NO_PROOF)
        await desk.work()
        await desk.pass_time(hours=1)
        assert (await desk.only(kind=Kind.FAX)).state is State.DELIVERED
        assert await _repair(desk, NEW) == [Fate.FAILED]
        await desk.pass_time(days=1)
        assert await _recipients(desk) == []


async def test_who_has_answered_is_not_written_to_by_a_correction(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": [say("550 5.1.1 no such user")]}) as desk:
        await desk.launch([person("one", email=OLD)], Policy.EMAIL)
        await desk.work()
        await operate.note_answer(desk.office, (await desk.only()).id, "they telephoned", ADA)
        assert await _repair(desk, NEW) in ([], [Fate.FAILED])
        await desk.pass_time(days=1)
        assert await _recipients(desk) == []


async def test_a_letter_is_not_moved_to_an_address_that_nothing_may_go_to(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    await suppress(desk.office, read_address(NEW), "asked us to stop", ADA)
    assert await _repair(desk, NEW) == [Fate.HELD]
    await desk.pass_time(days=1)
    held = await desk.only()
    assert (held.state, held.detail) == (State.HELD, "the contact's present address is on the suppression list")
    assert await _repair(desk, "third@ardesia.example") == [Fate.MOVED]
    await desk.pass_time(hours=1)
    assert await _recipients(desk) == ["third@ardesia.example"]


async def test_a_holder_who_was_noted_by_mistake_frees_the_letters_again(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    name = person("one").name
    assert await _repair(desk, name="Tomás Serra") == [Fate.HELD]
    assert await _repair(desk, name=name) == [Fate.RELEASED]
    await desk.pass_time(days=1)
    assert await _recipients(desk) == [OLD]


async def test_what_a_person_held_for_another_reason_stays_held(desk: Desk) -> None:
    await desk.launch([person("one", email=OLD)], Policy.EMAIL, at=TOMORROW)
    await operate.apply_by_hand(desk.office, (await desk.only()).id, Signal.HOLD, "wait for the director", ADA)
    await _repair(desk, name="Tomás Serra")
    await _repair(desk, name=person("one").name)
    assert await desk.states() == [State.HELD]
