"""What comes back finds its letter, and does what it is good for; what is not certain waits for a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desk.desk import ADA, Desk, person, return_path
from returns import messages
from returns.messages import Letter, letter_of

from dispatcher.domain.errors import Conflict, UserError
from dispatcher.domain.model import Address, Delivery, Step
from dispatcher.domain.words import Cause, Filing, Incoming, Kind, Policy, Settlement, State, Tie
from dispatcher.store import contacts
from dispatcher.store.incoming import Item
from dispatcher.usecases import pen, receive

ADDRESS = "mission@ardesia.example"
STEPS = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 2))


async def sent(desk: Desk, *addresses: str) -> list[Letter]:
    """Letters that the relay took, as their far ends know them."""
    people = [person(f"mission-{number}", email=one) for number, one in enumerate(addresses or (ADDRESS,))]
    await desk.launch(people, Policy.EMAIL, steps=STEPS)
    await desk.work()
    found = {row.address: row for row in await desk.deliveries(step=0)}
    return [at_the_far_end(desk, found[one]) for one in addresses or (ADDRESS,)]


def at_the_far_end(desk: Desk, row: Delivery) -> Letter:
    [taken] = [
        one for one in desk.rogue.ledger if one.recipient == row.address and row.message_id.encode() in one.message
    ]
    envelope_id = taken.options.partition("ENVID=")[2].partition(" ")[0]
    return letter_of(row, taken.sender, envelope_id)


async def comes(desk: Desk, raw: bytes, *envelope: str) -> Item:
    received = await receive.take_in(desk.office, raw, "pipe", envelope)
    return await desk.office.store.read(lambda connection: receive.incoming.get(connection, received.id))


async def barred(desk: Desk) -> bool:
    one = Address(Kind.EMAIL, ADDRESS)
    return await desk.office.store.read(lambda connection: contacts.is_suppressed(connection, one))


async def test_a_bounce_at_the_return_path_fails_its_letter_and_bars_the_dead_address(desk: Desk) -> None:
    [letter] = await sent(desk)
    item = await comes(desk, messages.report(letter), letter.return_path)
    row = await desk.only(step=0)
    assert (item.filing, item.tie, item.delivery_id) == (Filing.APPLIED, Tie.RETURN_PATH, row.id)
    assert (row.state, row.cause) == (State.FAILED, Cause.EMAIL_NO_MAILBOX)
    assert await barred(desk)
    story = await desk.story(row.id)
    assert [one["raw_digest"] for one in story.evidence] == [item.id]
    desk.clock.turn(days=181)
    assert await receive.read_waiting(desk.office) == 1
    assert not await barred(desk)


async def test_a_full_mailbox_is_tried_again_and_is_not_a_dead_one(desk: Desk) -> None:
    [letter] = await sent(desk)
    await comes(desk, messages.report(letter, status="5.2.2", words="552 5.2.2 mailbox full"), letter.return_path)
    row = await desk.only(step=0)
    assert (row.state, row.cause) == (State.DEFERRED, Cause.EMAIL_MAILBOX_FULL)
    assert not await barred(desk)


async def test_the_signed_envelope_id_ties_a_report_whose_envelope_was_lost(desk: Desk) -> None:
    [letter] = await sent(desk)
    item = await comes(desk, messages.report(messages.without_return_path(letter)))
    assert (item.tie, item.filing) == (Tie.ENVELOPE_ID, Filing.APPLIED)
    assert (await desk.only(step=0)).state is State.FAILED


async def test_a_report_that_only_cites_the_letter_must_name_its_address_and_bars_nothing(desk: Desk) -> None:
    [letter] = await sent(desk)
    bare = Letter(letter.message_id, letter.address)
    other = await comes(desk, messages.report(bare, about="somebody@ardesia.example"))
    assert (other.tie, other.filing) == (Tie.MESSAGE_ID, Filing.HELD)
    assert (await desk.only(step=0)).state is State.ACCEPTED
    assert (await comes(desk, messages.report(bare))).filing is Filing.APPLIED
    assert (await desk.only(step=0)).state is State.FAILED
    assert not await barred(desk)


async def test_a_delay_keeps_the_bounce_window_open(desk: Desk) -> None:
    [letter] = await sent(desk)
    desk.clock.turn(days=4)
    item = await comes(desk, messages.delayed(letter), letter.return_path)
    assert item.filing is Filing.APPLIED
    await desk.pass_time(days=2)  # beyond the window that would have closed
    assert (await desk.only(step=0)).state is State.ACCEPTED
    await comes(desk, messages.report(letter), letter.return_path)
    assert (await desk.only(step=0)).state is State.FAILED


async def test_delays_do_not_keep_it_open_for_ever(desk: Desk) -> None:
    [letter] = await sent(desk)
    row = await desk.only(step=0)
    far = desk.clock.now() + timedelta(days=365)
    await comes(desk, messages.delayed(letter, until=far), letter.return_path)
    due = (await desk.get(row.id)).due
    assert due is not None
    assert row.accepted_at is not None
    assert due - row.accepted_at == timedelta(days=19)


async def test_a_late_soft_bounce_of_a_letter_that_was_presumed_to_have_arrived_fails_it(desk: Desk) -> None:
    [letter] = await sent(desk)
    await desk.pass_time(days=5, seconds=1)
    assert (await desk.only(step=0)).state is State.PRESUMED
    await comes(desk, messages.report(letter, status="4.4.7", words="expired"), letter.return_path)
    assert (await desk.only(step=0)).state is State.FAILED


@pytest.mark.parametrize(
    ("action", "state"), [("delivered", State.DELIVERED), ("relayed", State.ACCEPTED), ("expanded", State.ACCEPTED)]
)
async def test_delivered_is_proof_and_relayed_is_not(desk: Desk, action: str, state: State) -> None:
    [letter] = await sent(desk)
    await comes(desk, messages.receipt(letter, action), letter.return_path)
    assert (await desk.only(step=0)).state is state


async def test_a_read_receipt_shows_that_it_arrived(desk: Desk) -> None:
    [letter] = await sent(desk)
    item = await comes(desk, messages.read_receipt(letter))
    assert (item.kind, item.filing) == (Incoming.READ_RECEIPT, Filing.APPLIED)
    assert (await desk.only(step=0)).state is State.DELIVERED


async def test_an_answer_stops_the_follow_ups_and_an_automatic_reply_does_not(desk: Desk) -> None:
    letters = await sent(desk, "a@ardesia.example", "b@ardesia.example")
    await comes(desk, messages.answer(letters[0], sender="counsellor@ardesia.example"))
    await comes(desk, messages.out_of_office(letters[1]))
    await desk.pass_time(days=5, seconds=1)
    await desk.pass_time(days=5)
    assert {row.address: row.state for row in await desk.deliveries(step=1)} == {"b@ardesia.example": State.ACCEPTED}
    assert {row.address: row.state for row in await desk.deliveries(step=0)} == {
        "a@ardesia.example": State.DELIVERED,
        "b@ardesia.example": State.PRESUMED,
    }


async def test_who_is_away_gets_the_follow_up_when_they_are_back(desk: Desk) -> None:
    [letter] = await sent(desk)
    item = await comes(desk, messages.out_of_office(letter, "October 20, 2015"))
    assert item.away_until is not None
    assert f"{item.away_until:%Y-%m-%d %H:%M}" == "2015-10-21 07:00"
    await desk.pass_time(days=5, seconds=1)
    await desk.pass_time(days=4)
    assert await desk.deliveries(step=1) == []
    await desk.pass_time(days=11)
    assert len(await desk.deliveries(step=1)) == 1


async def test_what_may_be_an_answer_holds_the_follow_up_until_a_person_has_looked(desk: Desk) -> None:
    [letter] = await sent(desk)
    item = await comes(desk, messages.answer(letter, cites=False))
    assert (item.filing, item.tie) == (Filing.HELD, Tie.GUESS)
    assert item.reasons[0] == "it came from the address that the letter went to"
    await desk.pass_time(days=5, seconds=1)
    await desk.pass_time(days=4)
    assert await desk.deliveries(step=1) == []
    with pytest.raises(UserError, match="only with a note"):
        await pen.settle(desk.office, item.id[:8], Settlement.ANSWER, "", " ", ADA)
    settled = await pen.settle(desk.office, item.id[:8], Settlement.NO_NEWS, "", "a newsletter", ADA)
    assert (settled.filing, settled.settled_by) == (Filing.SETTLED, "operator:ada")
    with pytest.raises(Conflict, match="waits for nobody"):
        await pen.settle(desk.office, item.id[:8], Settlement.ANSWER, "", "again", ADA)
    await desk.pass_time(days=1)
    assert len(await desk.deliveries(step=1)) == 1


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (Settlement.ANSWER, State.DELIVERED),
        (Settlement.RECEIPT, State.DELIVERED),
        (Settlement.BOUNCE, State.FAILED),
        (Settlement.NOT_OURS, State.ACCEPTED),
    ],
)
async def test_a_person_says_what_it_is(desk: Desk, said: Settlement, state: State) -> None:
    [letter] = await sent(desk)
    item = await comes(desk, messages.answer(letter, cites=False))
    await pen.settle(desk.office, item.id, said, "", "I read it", ADA)
    assert (await desk.only(step=0)).state is state
    assert await pen.pen(desk.office) == []


async def test_a_complaint_bars_the_address_and_is_no_bounce(desk: Desk) -> None:
    [letter] = await sent(desk)
    item = await comes(desk, messages.complaint(letter))
    assert (item.kind, item.filing) == (Incoming.FEEDBACK_REPORT, Filing.APPLIED)
    assert (await desk.only(step=0)).state is State.ACCEPTED
    assert await barred(desk)


async def test_one_of_our_own_answers_nothing(desk: Desk) -> None:
    [letter] = await sent(desk)
    item = await comes(desk, messages.answer(letter, sender="ada@coalition.example"))
    assert item.filing is Filing.KEPT
    assert (await desk.only(step=0)).state is State.ACCEPTED


async def test_what_cannot_be_read_waits_for_a_person(desk: Desk) -> None:
    item = await comes(desk, b"From: a@b.example\r\n" + b"X-A: b\r\n" * 600 + b"\r\nhello\r\n")
    assert (item.filing, item.why) == (Filing.HELD, "not read: more than 500 header fields")


async def test_the_office_reads_what_it_was_given_before_it_fell(desk: Desk) -> None:
    [letter] = await sent(desk)
    await receive.receive(desk.office, messages.report(letter), "pipe", [letter.return_path])
    assert (await desk.only(step=0)).state is State.ACCEPTED
    assert await receive.read_waiting(desk.office) == 1
    assert (await desk.only(step=0)).state is State.FAILED


async def test_the_same_message_is_taken_once_by_whatever_way_it_comes(desk: Desk) -> None:
    [letter] = await sent(desk)
    raw = messages.answer(letter)
    first = await receive.take_in(desk.office, raw, "pipe")
    again = await receive.take_in(desk.office, raw, "maildir")
    assert (first.new, again.new, first.id == again.id) == (True, False, True)


async def test_a_return_path_is_believed_for_sixty_days(desk: Desk) -> None:
    [letter] = await sent(desk)
    desk.clock.turn(days=60)
    item = await comes(desk, messages.report(Letter(letter.message_id, letter.address, letter.return_path)))
    assert (item.filing, item.tie) == (Filing.HELD, Tie.MESSAGE_ID)
    assert letter.return_path == return_path(item.attempt_id, desk.clock.now() - timedelta(days=60))
