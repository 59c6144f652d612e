"""Two fax gateways: a letter moves to the second only when it surely did not leave by the first. Each end, by itself.

The first is our own gateway, where the number decides what happens; the second takes fax by mail, whatever the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, Desk, person
from desk.gateways import two_gateways

from dispatcher.domain.words import Cause, Policy, State
from dispatcher.usecases import breaker

ORDER = ("simulator", "mailfax")


@pytest.fixture
def sqlite(databases: Databases, tmp_path: Path) -> str:
    return databases.fresh("sqlite", tmp_path)


async def a_week(desk: Desk) -> None:
    for _ in range(14):
        await desk.pass_time(hours=12)


async def channels_of(desk: Desk) -> list[str]:
    return [one.channel for one in (await desk.story((await desk.only()).id)).attempts]


async def launched(desk: Desk, ending: str) -> None:
    await desk.launch([person("one", fax=f"+4420794600{ending}")], Policy.FAX)
    await desk.work()


@pytest.mark.parametrize("ending", ["42", "43", "44", "45", "46", "54"])
async def test_what_the_first_surely_did_not_take_leaves_by_the_second_once(
    sqlite: str, tmp_path: Path, ending: str
) -> None:
    """No credit, a bad key, no room, an error, an unknown refusal, a reset before it read: none of them took it."""
    async with two_gateways(sqlite, tmp_path) as desk:
        await launched(desk, ending)
        await a_week(desk)
        assert desk.gateway.taken() == []
        assert len(desk.rogue.ledger) == 1
        assert (await channels_of(desk))[-1] == "mailfax"
        assert (await channels_of(desk)).count("mailfax") == 1


@pytest.mark.parametrize("ending", ["32", "33", "34", "51", "52", "53", "55", "64", "00"])
async def test_what_the_first_took_or_may_have_taken_never_reaches_the_second(
    sqlite: str, tmp_path: Path, ending: str
) -> None:
    """Lost after the last page, a page too few, an unknown code, silence of every kind, and plain success."""
    async with two_gateways(sqlite, tmp_path, seconds=0.5) as desk:
        await launched(desk, ending)
        await breaker.pause(desk.office, "simulator", "even when it is closed", ADA)
        await a_week(desk)
        assert len(desk.gateway.taken()) == 1
        assert desk.rogue.ledger == []
        assert set(await channels_of(desk)) == {"simulator"}


@pytest.mark.parametrize(("ending", "state"), [("25", State.FAILED), ("41", State.FAILED)])
async def test_what_the_recipient_or_the_number_refused_is_not_offered_to_the_second(
    sqlite: str, tmp_path: Path, ending: str, state: State
) -> None:
    async with two_gateways(sqlite, tmp_path) as desk:
        await launched(desk, ending)
        await a_week(desk)
        assert desk.rogue.ledger == []
        assert await desk.states() == [state]


@pytest.mark.parametrize("ending", ["22", "23", "24", "31"])
async def test_a_line_that_is_busy_is_busy_for_both_and_stays_with_the_first(
    sqlite: str, tmp_path: Path, ending: str
) -> None:
    async with two_gateways(sqlite, tmp_path) as desk:
        await launched(desk, ending)
        await a_week(desk)
        assert desk.rogue.ledger == []
        assert await desk.states() == [State.FAILED]


async def test_a_letter_between_two_tries_leaves_by_the_second_once_the_first_is_closed(
    sqlite: str, tmp_path: Path
) -> None:
    async with two_gateways(sqlite, tmp_path) as desk:
        await launched(desk, "22")
        await desk.pass_time(minutes=2)
        assert (await desk.only()).cause is Cause.FAX_BUSY
        await breaker.pause(desk.office, "simulator", "maintenance", ADA)
        await desk.pass_time(minutes=10)
        assert await channels_of(desk) == ["simulator", "mailfax"]
        assert len(desk.rogue.ledger) == 1


async def test_a_gateway_that_is_away_passes_its_faxes_on_and_is_not_knocked_at_with_letters(
    sqlite: str, tmp_path: Path
) -> None:
    async with two_gateways(sqlite, tmp_path, url="http://127.0.0.1:9") as desk:
        people = [person(f"mission-{number}", fax=f"+44207946{number:04}") for number in range(8)]
        await desk.launch(people, Policy.FAX)
        await desk.work()
        await desk.pass_time(minutes=3)
        assert len(desk.rogue.ledger) == 8
        assert {row.state for row in await desk.deliveries()} == {State.ACCEPTED}
        assert "simulator" in {one.name for one in await breaker.list_routes(desk.office) if one.route}


async def test_the_numbers_beginning_says_which_gateway_and_one_closed_way_holds_up_no_other(
    sqlite: str, tmp_path: Path
) -> None:
    ways: dict[str, tuple[str, ...]] = {"": ("simulator",), "+4": ("mailfax",), "+41": ("simulator",)}
    async with two_gateways(sqlite, tmp_path, ways=ways) as desk:
        await breaker.pause(desk.office, "simulator", "maintenance", ADA)
        numbers: Sequence[str] = ("+12025550100", "+442079460000", "+41229180400")
        people = [person(f"mission-{number[1:]}", fax=number) for number in numbers]
        await desk.launch(people, Policy.FAX)
        await desk.work()
        assert [one.recipient for one in desk.rogue.ledger] == ["FAX=+442079460000@gateway.example"]
        await breaker.open_again(desk.office, "simulator", "done", ADA)
        await desk.work()
        assert sorted(one["to"] for one in desk.gateway.taken()) == ["+12025550100", "+41229180400"]
        assert len(desk.rogue.ledger) == 1


async def test_a_closed_mail_server_closes_the_gateway_behind_it(sqlite: str, tmp_path: Path) -> None:
    async with two_gateways(sqlite, tmp_path, ways={"": ("mailfax", "simulator")}) as desk:
        await breaker.pause(desk.office, "post", "maintenance", ADA)
        await launched(desk, "00")
        assert (await channels_of(desk), desk.rogue.ledger) == (["simulator"], [])
