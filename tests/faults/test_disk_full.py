"""Fault: the disk is full. No record, no dot; a reply that cannot be recorded is kept beside the database and told"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person
from sqlalchemy import text

from dispatcher.channels.base import CommitPoint, Parcel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Policy, State
from dispatcher.store import audit
from dispatcher.store.engine import StoreFault


async def _limit(desk: Desk, pages: int) -> None:
    """SQLite's own limit: at it, the database answers exactly as on a full disk."""

    async def unit(connection: Any) -> None:
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    await desk.office.store.write(unit)


async def _fill(desk: Desk) -> None:
    """No free page, and no room on the page where the next audit entry would go: no move can be recorded."""
    await _limit(desk, 1)  # SQLite makes that the size it has

    async def add(connection: Any) -> None:
        await audit.append(connection, AuditEvent("test", "fill", ""), desk.clock.now())

    async def fill_up() -> None:
        for _ in range(10_000):
            await desk.office.store.write(add)

    with pytest.raises(StoreFault, match="full"):
        await fill_up()


class FullAt(SmtpChannel):
    """The real channel; the disk fills at one point of its conversation."""

    desk: Desk
    before_commit: bool

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        if self.before_commit:
            await _fill(self.desk)
            return await super().send(parcel, commit)
        outcome = await super().send(parcel, commit)
        await _fill(self.desk)
        return outcome


async def _desk_that_fills(desk: Desk, *, before_commit: bool) -> None:
    channel = FullAt([desk.rogue.relay()])
    channel.desk, channel.before_commit = desk, before_commit
    desk.office.channels["smtp"] = channel  # type: ignore[index]  # the test swaps one channel for its twin
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)


async def test_without_room_for_the_record_no_dot_is_sent(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        await _desk_that_fills(desk, before_commit=True)
        await desk.worker.tick()
        await desk.worker.settle()
        assert desk.rogue.dots == 0
        assert desk.rogue.ledger == []
        await _limit(desk, 100_000)
        await desk.office.channels["smtp"].aclose()
        desk.office.channels["smtp"] = SmtpChannel([desk.rogue.relay()])  # type: ignore[index]
        await desk.pass_time(seconds=61)
        await desk.pass_time(minutes=3)
        assert (await desk.only()).state is State.ACCEPTED
        assert len(desk.rogue.ledger) == 1


async def test_a_reply_without_room_for_it_is_kept_and_told_later(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        await _desk_that_fills(desk, before_commit=False)
        await desk.worker.tick()
        await desk.worker.settle()
        assert len(desk.rogue.ledger) == 1
        assert len((desk.office.folder / "spill.jsonl").read_text().split("\n\n")) == 1
        await _limit(desk, 100_000)
        await desk.work()
        assert (await desk.only()).state is State.ACCEPTED
        assert {one.name for one in desk.office.folder.glob("spill*")} == {"spill.lock"}
        await desk.pass_time(hours=1)
        assert len(desk.rogue.ledger) == 1


async def test_a_line_cut_by_the_full_disk_neither_stops_us_nor_spoils_the_next(
    databases: Databases, tmp_path: Path
) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        spill = desk.office.folder / "spill.jsonl"
        await _desk_that_fills(desk, before_commit=False)
        await desk.worker.tick()
        spill.parent.mkdir(parents=True, exist_ok=True)
        spill.write_text('{"attempt_id": "one.1", "outc')
        await desk.worker.settle()
        assert len(desk.rogue.ledger) == 1
        await _limit(desk, 100_000)
        await desk.work()
        assert (await desk.only()).state is State.ACCEPTED
        assert not spill.exists()
        assert (spill.parent / "spill.bad").read_text() == '{"attempt_id": "one.1", "outc\n'
