"""Fault: somebody edits the audit log in the database. The guards refuse; with the guards gone, the chain tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from desk.desk import Desk, person
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dispatcher.domain.words import Policy
from dispatcher.store.engine import StoreFault
from dispatcher.usecases import review


async def _run(desk: Desk, statement: str) -> None:
    async def unit(connection: Any) -> None:
        await connection.execute(text(statement))

    await desk.office.store.write(unit)


async def _drop_guards(desk: Desk) -> None:
    if desk.database.startswith("sqlite"):
        await _run(desk, "DROP TRIGGER audit_no_update")
        await _run(desk, "DROP TRIGGER audit_no_delete")
    else:
        await _run(desk, "DROP TRIGGER audit_no_change ON audit")


async def _some_log(desk: Desk) -> None:
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    await desk.work()
    assert (desk.office.folder / "audit-heads.jsonl").exists()  # the worker noted the end of the log


@pytest.mark.parametrize("act", ["UPDATE audit SET actor = 'operator:eve' WHERE seq = 3", "DELETE FROM audit"])
async def test_the_database_refuses_to_change_the_log(desk: Desk, act: str) -> None:
    await _some_log(desk)
    with pytest.raises((DBAPIError, StoreFault), match="only ever added to"):
        await _run(desk, act)
    assert (await review.verify_audit(desk.office)).sound


@pytest.mark.parametrize(
    ("act", "seq"),
    [
        ("UPDATE audit SET actor = 'operator:eve' WHERE seq = 3", 3),
        ("UPDATE audit SET data = '{}' WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 2", 3),
    ],
)
async def test_an_edited_or_missing_entry_is_found(desk: Desk, act: str, seq: int) -> None:
    await _some_log(desk)
    await _drop_guards(desk)
    await _run(desk, act)
    found = await review.verify_audit(desk.office)
    assert not found.sound
    assert found.findings[0].seq == seq


async def test_an_end_cut_off_is_found_against_the_head_beside_the_database(desk: Desk) -> None:
    await _some_log(desk)
    await _drop_guards(desk)
    await _run(desk, "DELETE FROM audit WHERE seq > 4")
    found = await review.verify_audit(desk.office)
    assert "missing or was rewritten" in found.findings[0].what


async def test_an_export_that_was_edited_is_found_without_a_database(desk: Desk, tmp_path: Path) -> None:
    await _some_log(desk)
    path = tmp_path / "audit.jsonl"
    assert await review.export_audit(desk.office, path) == len(path.read_text().splitlines())
    assert review.verify_export(path).sound
    path.write_text(path.read_text().replace('"operator:ada"', '"operator:eve"', 1))
    assert not review.verify_export(path).sound
