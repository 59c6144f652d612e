"""Fault: somebody edits, cuts or rewrites the audit log in the database. The guards refuse; with the guards gone, the
chain tells of an edit, and what was sealed outside the database of the rest.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from desk.desk import Desk, person
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dispatcher.domain.audit import GENESIS, Verdict, chain, check
from dispatcher.domain.errors import AuditUnchecked, BadSeal
from dispatcher.domain.words import Policy
from dispatcher.store.engine import StoreFault
from dispatcher.usecases import audit_log


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
    assert desk.office.seals is not None
    assert [one.why for one in desk.office.seals.kept()][-1] == "the end of a worker"


@pytest.mark.parametrize("act", ["UPDATE audit SET actor = 'operator:eve' WHERE seq = 3", "DELETE FROM audit"])
async def test_the_database_refuses_to_change_the_log(desk: Desk, act: str) -> None:
    await _some_log(desk)
    with pytest.raises((DBAPIError, StoreFault), match="only ever added to"):
        await _run(desk, act)
    assert (await audit_log.verify_audit(desk.office)).sound


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
    found = await audit_log.verify_audit(desk.office)
    assert found.verdict is Verdict.BROKEN
    assert found.findings[0].seq == seq


async def test_an_end_cut_off_is_found_against_the_seals(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await _some_log(desk)
    await _drop_guards(desk)
    await _run(desk, "DELETE FROM audit WHERE seq > 4")
    found = await audit_log.verify_audit(desk.office)
    assert found.verdict is Verdict.CUT
    assert found.findings[-1].seq == 4
    await _no_worker_seals_it(desk, caplog, "its end was cut off")


async def test_a_log_written_anew_is_found_against_the_seals(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Another name everywhere, and every hash made again: the chain alone holds."""
    await _some_log(desk)
    await _drop_guards(desk)
    entries = await audit_log.tail_audit(desk.office, 1000)
    prev = GENESIS
    for entry in entries:
        event = replace(entry.event, actor=entry.event.actor.replace("ada", "eve"))
        made = chain(event, datetime.fromisoformat(entry.at), entry.seq - 1, prev)
        await _run(
            desk,
            f"UPDATE audit SET actor = '{event.actor}', prev = '{prev}', hash = '{made.hash}' WHERE seq = {made.seq}",
        )
        prev = made.hash
    found = await audit_log.verify_audit(desk.office)
    assert found.verdict is Verdict.REWRITTEN
    assert check(await audit_log.tail_audit(desk.office, 1000)).sound
    await _no_worker_seals_it(desk, caplog, "are not the ones that were sealed")


async def _no_worker_seals_it(desk: Desk, caplog: pytest.LogCaptureFixture, why: str) -> None:
    """Told once, and a seal would bless it; letters go out nevertheless."""
    seals = desk.office.seals
    assert seals is not None
    before = seals.kept()
    worker = desk.another_worker()
    for _ in range(3):
        await worker.seal("a try")
    assert [record.getMessage() for record in caplog.records if why in record.getMessage()]
    assert len([record for record in caplog.records if "was not sealed" in record.getMessage()]) == 1
    assert seals.kept() == before


async def test_a_seal_that_was_altered_is_told_apart_from_a_log_that_was(desk: Desk) -> None:
    await _some_log(desk)
    seals = desk.office.seals
    assert seals is not None
    last = seals.kept()[-1]
    size = last.note.split("\n")[1]
    forged = replace(last, note=last.note.replace(f"\n{size}\n", f"\n{int(size) - 1}\n", 1))
    seals.file.write_text(forged.line, "utf-8")
    with pytest.raises(BadSeal, match="it was altered, or made by somebody else"):
        await audit_log.verify_audit(desk.office)
    seals.file.write_text("{}\n", "utf-8")
    with pytest.raises(AuditUnchecked, match="is no seal"):
        await audit_log.verify_audit(desk.office)


async def test_an_approval_is_sealed_at_once_and_the_rest_in_its_time(desk: Desk) -> None:
    seals = desk.office.seals
    assert seals is not None
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    await desk.worker.seal()
    assert [one.why for one in seals.kept()] == ["an approval, a start or a stop"]
    await desk.worker.tick()
    await desk.worker.settle()
    await desk.worker.seal()
    assert len(seals.kept()) == 1
    desk.clock.turn(minutes=10)
    await desk.worker.seal()
    assert [one.why for one in seals.kept()][1:] == ["its time"]
    await desk.worker.seal()
    assert len(seals.kept()) == 2
    assert (await audit_log.verify_audit(desk.office)).compared == 2


async def test_an_export_that_was_edited_is_found_without_a_database(desk: Desk, tmp_path: Path) -> None:
    await _some_log(desk)
    path = tmp_path / "audit.jsonl"
    assert await audit_log.export_audit(desk.office, path) == len(path.read_text().splitlines())
    assert audit_log.verify_export(path).sound
    path.write_text(path.read_text().replace('"operator:ada"', '"operator:eve"', 1))
    assert audit_log.verify_export(path).verdict is Verdict.BROKEN
