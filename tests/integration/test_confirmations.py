"""What an approver confirmed is what was seen: whatever is changed again, or cannot be sent, needs another look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, MEGAN, Desk, open_desk, person
from desk.statements import statements
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.clock import HandClock
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Contact, Copy
from dispatcher.domain.words import Policy
from dispatcher.store.contact_history import Change
from dispatcher.store.contacts import Kept
from dispatcher.usecases import launch, look, review
from dispatcher.usecases.contact_change import change_all

OLD, NEW, FAX = "old@ardesia.example", "new@ardesia.example", "+442079460000"
TOMORROW = datetime(2015, 10, 2, 9, 0)
ONE = person("one", email=OLD)
EVERYTHING = tuple(look.TO_CONFIRM)


@pytest.fixture
async def desk(databases: Databases, tmp_path: Path) -> AsyncIterator[Desk]:
    """What is confirmed does not depend on the kind of database; the last two tests, which do, run on both."""
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as made:
        yield made


def _change(now: Contact, *, active: bool = True) -> Change:
    return Change(now.id, Kept(ONE, True, "test"), Kept(now, active, "test"))


async def _now(desk: Desk, now: Contact, *, active: bool = True) -> None:
    change = _change(now, active=active)
    await desk.office.store.write(lambda connection: change_all(connection, desk.office, [change], ADA, reason="told"))


async def _prepared(desk: Desk, one: Contact = ONE, policy: Policy = Policy.EMAIL) -> str:
    return (await desk.prepare([one], policy, at=TOMORROW)).digest


async def _approve(desk: Desk, digest: str, *confirmed: str, shown: set[str] | None = None) -> None:
    await launch.approve(desk.office, "air-strikes", digest, MEGAN, confirmed, shown=shown)


async def _launch(desk: Desk) -> int:
    return await launch.launch(desk.office, "air-strikes", ADA)


async def _seen(desk: Desk) -> list[Problem]:
    _, plan = await review.read_plan(desk.office, "air-strikes")
    return [one for one in await look.look(desk.office, plan) if one.code != "W_UNCHECKED"]


async def _codes(desk: Desk) -> list[str]:
    return [one.code for one in await _seen(desk)]


# -- what was confirmed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "first", "second"),
    [
        ("W_CONTACT_CHANGED", {"office": "Chargé d'affaires"}, {"office": "Consul"}),
        ("W_HOLDER_CHANGED", {"name": "Tomás Serra"}, {"name": "Ivo Lindqvist"}),
        ("W_HOLDER_CHANGED", {"name": "Tomás Serra"}, {"name": "Tomás Serra", "office": "Consul"}),
    ],
)
async def test_what_changed_again_after_it_was_confirmed_stops_the_launch(
    desk: Desk, code: str, first: dict[str, str], second: dict[str, str]
) -> None:
    digest = await _prepared(desk)
    await _now(desk, replace(ONE, **first))  # type: ignore[arg-type]
    await _approve(desk, digest, code)
    await _now(desk, replace(ONE, **second))  # type: ignore[arg-type]
    with pytest.raises(Conflict, match=r"E_CONTACT_CHANGED since 'air-strikes' was approved: letter to one: .*again"):
        await _launch(desk)
    assert await desk.states() == []
    await _approve(desk, digest, code)
    assert await _launch(desk) == 1


async def test_what_is_as_it_was_confirmed_is_launched(desk: Desk) -> None:
    digest, there = await _prepared(desk), replace(ONE, office="Consul")
    await _now(desk, there)
    await _approve(desk, digest, "W_CONTACT_CHANGED")
    await _now(desk, replace(there, phone="+41 22 000 00 00"))  # shapes neither the letter nor its way
    assert await _launch(desk) == 1


async def test_what_changed_between_the_question_and_the_signature_is_asked_again(desk: Desk) -> None:
    digest = await _prepared(desk)
    await _now(desk, replace(ONE, name="Tomás Serra"))
    shown = {look.digest_of(one) for one in await _seen(desk)}
    await _now(desk, replace(ONE, name="Ivo Lindqvist"))
    with pytest.raises(UserError, match=r"W_HOLDER_CHANGED .*held by Ivo Lindqvist.*--confirm W_HOLDER_CHANGED"):
        await _approve(desk, digest, "W_HOLDER_CHANGED", shown=shown)
    assert not (await review.show_campaign(desk.office, "air-strikes")).campaign.approved
    await _approve(desk, digest, "W_HOLDER_CHANGED", shown={look.digest_of(one) for one in await _seen(desk)})
    assert await _launch(desk) == 1


# -- what cannot be confirmed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "active", "code", "cause"),
    [
        (person("one", email=NEW), True, "E_CONTACT_CHANGED", rf"it goes to {OLD}, and the email .* changed to {NEW}"),
        (person("one", fax=FAX), True, "E_CONTACT_CHANGED", rf"it goes to {OLD}, .*: there is none any more"),
        (ONE, False, "E_CONTACT_GONE", "the contact is no longer on the list"),
    ],
)
async def test_a_letter_whose_address_is_no_longer_its_contacts_is_neither_signed_nor_launched(
    desk: Desk, now: Contact, active: bool, code: str, cause: str
) -> None:
    digest = await _prepared(desk)
    await _approve(desk, digest)
    await _now(desk, now, active=active)
    assert await _codes(desk) == [code]
    with pytest.raises(UserError, match=rf"letter to one: {code} {cause}.*campaigns prepare air-strikes"):
        await _approve(desk, digest, *EVERYTHING, code)
    with pytest.raises(Conflict, match=rf"{code} since .*{cause}.*Prepare it again, and approve that"):
        await _launch(desk)
    assert await desk.states() == []


async def test_an_address_that_the_letter_does_not_use_may_change_with_a_persons_word(desk: Desk) -> None:
    digest = await _prepared(desk, person("one", email=OLD, fax=FAX))
    await _now(desk, person("one", email=OLD, fax="+442079460001"))
    assert await _codes(desk) == ["W_CONTACT_CHANGED"]
    await _approve(desk, digest, "W_CONTACT_CHANGED")
    assert await _launch(desk) == 1


async def test_all_that_stands_against_a_signature_is_told_at_once(desk: Desk) -> None:
    digest = await _prepared(desk)
    await _now(desk, replace(person("one", email=NEW), name="Tomás Serra"))
    with pytest.raises(UserError) as caught:
        await _approve(desk, digest)
    assert [one.code for one in caught.value.problems] == ["E_CONTACT_CHANGED", "W_HOLDER_CHANGED"]


# -- what shapes a letter's way ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({"prefers": Policy.FAX}, ["W_CONTACT_CHANGED"]),
        ({"copies_to": ("two",)}, ["W_CONTACT_CHANGED"]),
        ({"national_days": ("07-14",)}, []),
        ({"tags": ("geneva",)}, []),
    ],
)
async def test_a_wish_that_shapes_the_way_is_told_and_what_shapes_nothing_is_not(
    desk: Desk, changed: dict[str, object], codes: list[str]
) -> None:
    await _prepared(desk)
    await _now(desk, replace(ONE, **changed))  # type: ignore[arg-type]
    assert await _codes(desk) == codes


# -- what became of a signature ----------------------------------------------------------------------------------------


async def test_a_signature_that_was_void_once_is_not_good_again_when_its_plan_comes_back(desk: Desk) -> None:
    first = await _prepared(desk)
    await _now(desk, replace(ONE, office="Consul"))
    await _approve(desk, first, "W_CONTACT_CHANGED")
    other = await desk.prepare([person("one", email=NEW)], Policy.EMAIL, at=TOMORROW)
    assert other.voided == first
    assert await _prepared(desk) == first
    row = (await review.show_campaign(desk.office, "air-strikes")).campaign
    assert (row.approved, row.phase, row.approved_by, row.approved_at, row.confirmed) == (
        False,
        "prepared",
        "",
        None,
        (),
    )
    with pytest.raises(Conflict, match="was changed after it was approved"):
        await _launch(desk)
    await _approve(desk, first)
    assert await _launch(desk) == 1


async def test_the_same_plan_prepared_again_keeps_its_signature(desk: Desk) -> None:
    digest = await _prepared(desk)
    await _approve(desk, digest)
    assert await _prepared(desk) == digest
    assert await _launch(desk) == 1


# -- a look at many ----------------------------------------------------------------------------------------------------


class _Watched(HandClock):
    """Tells when it is asked, which a look does after it has read."""

    asked = asyncio.Event()

    def now(self) -> datetime:
        self.asked.set()
        return super().now()


@pytest.fixture
async def either(database: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database, tmp_path) as made:
        yield made


async def test_what_changes_while_somebody_looks_is_seen_before_the_signature(either: Desk) -> None:
    desk, digest = either, await _prepared(either)
    clock = _Watched(desk.clock.now())
    clock.asked = asyncio.Event()
    office = replace(desk.office, clock=clock)

    async def slow(connection: AsyncConnection) -> None:
        await clock.asked.wait()
        await change_all(connection, desk.office, [_change(replace(ONE, name="Tomás Serra"))], ADA, reason="told")

    changing = asyncio.create_task(office.store.write(slow))
    with pytest.raises(UserError, match="W_HOLDER_CHANGED"):
        await launch.approve(office, "air-strikes", digest, MEGAN)
    await changing


async def _said_for(desk: Desk, count: int) -> int:
    """Statements from the signature to the launch, of a campaign to so many, each with a copy to the first."""
    name = f"to-{count}"
    people = [person(f"{name}-{number}", email=f"{name}-{number}@ardesia.example") for number in range(count)]
    copied = person(f"{name}-copied", email=f"{name}-copied@ardesia.example")
    copies = tuple(Copy(copied.id, one.id, Policy.EMAIL) for one in people)
    done = await desk.prepare([*people, copied], Policy.EMAIL, at=TOMORROW, campaign_id=name, copies=copies)
    with statements() as said:
        await launch.approve(desk.office, name, done.digest, MEGAN)
        assert await launch.launch(desk.office, name, ADA) == 2 * count
    return len(said)


async def test_many_letters_are_signed_and_launched_in_as_many_statements_as_two(either: Desk) -> None:
    await _said_for(either, 1)  # what all three share, the calendar of their office, is written with the first
    assert await _said_for(either, 40) == await _said_for(either, 2)
