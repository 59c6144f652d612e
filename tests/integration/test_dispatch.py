"""One try after another, on both databases, against a real relay and a real gateway."""

from __future__ import annotations

from desk.desk import Desk, person

from dispatcher.domain.words import Kind, Policy, State


async def test_a_letter_leaves_by_email_and_by_fax_and_the_fax_is_proven(desk: Desk) -> None:
    await desk.launch([person("one", email="mission@ardesia.example", fax="+442079460000")])
    await desk.work()
    email = await desk.only(kind=Kind.EMAIL)
    fax = await desk.only(kind=Kind.FAX)
    assert (email.state, fax.state) == (State.ACCEPTED, State.ACCEPTED)
    await desk.pass_time(minutes=5)
    assert (await desk.get(fax.id)).state is State.DELIVERED
    [taken] = desk.rogue.ledger
    assert taken.recipient == "mission@ardesia.example"
    assert email.message_id.encode() in taken.message


async def test_an_email_without_a_bounce_is_presumed_after_its_window(desk: Desk) -> None:
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    await desk.work()
    await desk.pass_time(days=4)
    assert await desk.states() == [State.ACCEPTED]
    await desk.pass_time(days=1, seconds=1)
    assert await desk.states() == [State.PRESUMED]
