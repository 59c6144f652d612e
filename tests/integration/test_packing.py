"""A letter that cannot be packed: nothing has left, so nobody is in doubt, and the letters beside it go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person
from sqlalchemy import text

from dispatcher.domain.words import Cause, Policy, State
from dispatcher.letters.header_line import FaxHeader
from dispatcher.worker import Worker

EMAIL, FAX, OTHER = "mission@ardesia.example", "+442079460000", "mission@halvorn.example"
HEADER = FaxHeader("+41 22 555 01 00", "Europe/Zurich", "Cluster Munition Coalition")


@pytest.fixture
async def desk(databases: Databases, tmp_path: Path) -> AsyncIterator[Desk]:
    """One kind of database will do: what fails here is beside it."""
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as made:
        yield made


async def change_parts(desk: Desk, contact_id: str, change: str) -> None:
    """Edits the names of a letter's parts in the database, as a defect of ours or somebody's hand might."""

    async def unit(connection: Any) -> None:
        words = f"UPDATE letter SET objects = {change} WHERE contact_id = :whose"
        await connection.execute(text(words), {"whose": contact_id})

    await desk.office.store.write(unit)


async def by_contact(desk: Desk) -> dict[str, Any]:
    return {one.contact_id: one for one in await desk.deliveries()}


async def test_what_the_disk_does_not_give_is_tried_again_and_spends_no_try(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
    row = await desk.only()
    part = desk.office.archive.path((await desk.story(row.id)).letter.objects["entity"])
    aside = part.rename(part.with_name("aside"))
    part.mkdir()
    await desk.work()
    waits = await desk.get(row.id)
    assert (waits.state, waits.cause, waits.tries) == (State.QUEUED, Cause.STORE_FAULT, 0)
    assert "before anything left: IsADirectoryError" in waits.detail
    part.rmdir()
    aside.rename(part)
    await desk.pass_time(minutes=3)
    assert await desk.states() == [State.ACCEPTED]
    assert [one.recipient for one in desk.rogue.ledger] == [EMAIL]


async def test_a_letter_that_can_never_be_packed_fails_for_a_person_and_the_others_go(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL), person("two", email=OTHER)], Policy.EMAIL)
    await change_parts(desk, "one", "json_remove(objects, '$.entity')")
    await desk.work()
    rows = await by_contact(desk)
    assert (rows["one"].state, rows["one"].cause) == (State.FAILED, Cause.CONTENT_INVALID)
    assert rows["one"].detail == "before anything left: KeyError: 'entity'"
    assert rows["two"].state is State.ACCEPTED
    assert [one.recipient for one in desk.rogue.ledger] == [OTHER]


async def test_pages_that_no_line_can_be_printed_on_are_no_fault_of_the_disk(desk: Desk) -> None:
    desk.office = replace(desk.office, fax_header=HEADER)
    desk.worker = Worker(desk.office, name=desk.worker.name)
    await desk.launch([person("one", fax=FAX)], Policy.FAX)
    digest = await desk.office.archive.put(b"no picture at all")
    await change_parts(desk, "one", f"json_set(objects, '$.tiff', '{digest}')")
    await desk.work()
    row = await desk.only()
    assert (row.state, row.cause) == (State.FAILED, Cause.CONTENT_INVALID)
    assert desk.gateway.taken() == []
