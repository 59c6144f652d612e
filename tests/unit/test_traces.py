"""What lies beside a database is read for tries that it forgot: spilled outcomes, and mails that left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person

from dispatcher.domain.words import Policy
from dispatcher.usecases.traces import find_traces


async def _launched(desk: Desk) -> str:
    await desk.launch([person("one", email="one@ardesia.example")], Policy.EMAIL)
    return (await desk.only()).id


@pytest.mark.parametrize("name", ["spill.jsonl", "spill-12.taken"])
async def test_a_spilled_outcome_of_a_try_that_is_not_on_record_tells_of_it(
    databases: Databases, tmp_path: Path, name: str
) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        delivery = await _launched(desk)
        desk.office.folder.mkdir(exist_ok=True)
        (desk.office.folder / name).write_text(f'\n{{"attempt_id": "{delivery}.3", "outcome": {{}}}}\n{{"attempt_i')
        trace = (await find_traces(desk.office)).of(await desk.get(delivery))
        assert trace is not None
        assert (trace.fence, trace.words) == (3, "its outcome lies beside the database")


FOREIGN: dict[str, Callable[[str], str]] = {
    "another domain": lambda one: f"Message-ID: <{one}@elsewhere.example>\r\n\r\nhello",
    "in the body": lambda one: f"Subject: x\r\n\r\nMessage-ID: <{one}@coalition.example>\r\n",
    "no mail": lambda one: f"{{{one}",
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
async def test_what_is_no_mail_of_ours_tells_nothing(
    databases: Databases, tmp_path: Path, make: Callable[[str], str]
) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        delivery = await _launched(desk)
        await desk.office.archive.put(make(delivery).encode())
        assert (await find_traces(desk.office)).of(await desk.get(delivery)) is None


async def test_two_mails_that_left_tell_of_two_tries(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        delivery = await _launched(desk)
        for minute in (1, 2):
            mail = f"Date: {minute}\r\nMessage-ID: <{delivery}@coalition.example>\r\n\r\nhello"
            await desk.office.archive.put(mail.encode())
        trace = (await find_traces(desk.office)).of(await desk.get(delivery))
        assert trace is not None
        assert trace.fence == 2


async def test_a_mail_on_record_tells_nothing_new(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        delivery = await _launched(desk)
        await desk.work()
        assert (await find_traces(desk.office)).of(await desk.get(delivery)) is None
