"""What a reviewer found: each test failed before its repair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import STALL, accept_then, say
from sqlalchemy import text

from dispatcher.archive import Archive
from dispatcher.domain.model import Address
from dispatcher.domain.words import Cause, Kind, Policy, State
from dispatcher.usecases import contacts, operate

EMAIL = "mission@ardesia.example"


async def test_every_try_after_a_knowing_resend_says_that_it_may_be_the_second(database: str, tmp_path: Path) -> None:
    script = {"dot": [accept_then(STALL)], "rcpt": [None, say("450 4.7.1 later")]}
    async with open_desk(database, tmp_path, script=script) as desk:
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
        await desk.work()
        doubtful = await desk.only()
        desk.clock.turn(minutes=12)
        await operate.settle_doubt(desk.office, doubtful.id, operate.Decision.RESEND, "nobody can tell", ADA)
        await desk.work()
        await desk.pass_time(hours=1)
        assert len(desk.rogue.ledger) == 2
        assert [one.knowingly for one in (await desk.story(doubtful.id)).attempts] == [False, True, True]


class FullArchive(Archive):
    """The real archive, on a disk without room for anything new."""

    def _create(self, target: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(target))


async def test_a_full_archive_before_the_dot_leaves_no_doubt(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
    with monkeypatch.context() as full:
        full.setattr(desk.office.archive, "__class__", FullArchive)
        await desk.worker.tick()
        await desk.worker.settle()
    waiting = await desk.only()
    assert (waiting.state, waiting.cause, waiting.tries) == (State.QUEUED, Cause.STORE_FAULT, 0)
    assert desk.rogue.ledger == []
    await desk.pass_time(minutes=3)
    assert await desk.states() == [State.ACCEPTED]


async def test_a_read_sees_one_view_whatever_is_written_meanwhile(databases: Any, tmp_path: Path) -> None:
    async with open_desk(databases.fresh_postgresql(), tmp_path) as desk:

        async def twice(connection: Any) -> list[int]:
            count = text("SELECT count(*) FROM suppression")
            first = (await connection.execute(count)).scalar()
            await contacts.suppress(desk.office, Address(Kind.EMAIL, EMAIL), "asked for it", ADA)
            return [first, (await connection.execute(count)).scalar()]

        assert await desk.office.store.read(twice) == [0, 0]
