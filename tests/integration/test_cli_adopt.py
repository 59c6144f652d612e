"""The command line over a restored and over a copied database: what it refuses, what it shows, how it is adopted."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from farend.rogue import Rogue
from terminal.program import Program, Ran
from terminal.project import lay_out, point_at


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A project whose campaign is launched; nothing has left."""
    program = Program(lay_out(tmp_path_factory.mktemp("launched")))
    program("db", "upgrade").good()
    program("contacts", "import").good()
    program("campaigns", "prepare", "peace").good()
    plan = program("campaigns", "list", "--json").good().json["campaigns"][0]["plan"]
    program("campaigns", "approve", "peace", "--digest", plan).good()
    program("campaigns", "launch", "peace", "--late").good()
    return program


@pytest.fixture
def moved(launched: Program, tmp_path: Path) -> Program:
    """A copy of it that was said to have moved."""
    copy = _copy(launched, tmp_path)
    copy("adopt", "--moved", "--reason", "a new folder; the old one is gone", "--yes").good()
    return copy


def _copy(program: Program, to: Path) -> Program:
    shutil.copytree(program.folder, to / "copy")
    return Program(to / "copy")


def _drain(program: Program) -> tuple[Ran, int]:
    """A worker works until nothing is due; how it ended, and how many letters arrived."""

    async def drain() -> tuple[Ran, int]:
        async with Rogue({}) as rogue:
            point_at(program.folder, rogue.port)
            return await program.apart("worker", "--drain"), len(rogue.ledger)

    return asyncio.run(drain())


def _restored(program: Program) -> Program:
    """Backed up, then three letters leave, then the backup is put back."""
    file = program.folder / "var" / "dispatcher.db"
    backup = file.read_bytes()
    ran, arrived = _drain(program)
    assert (ran.code, arrived) == (0, 3)
    for left in file.parent.glob("dispatcher.db*"):
        left.unlink()
    file.write_bytes(backup)
    return program


def test_a_restored_database_is_refused_shown_and_adopted_by_a_person_with_a_reason(moved: Program) -> None:
    program = _restored(moved)
    refused, arrived = _drain(program)
    assert (refused.code, arrived) == (4, 0)
    line = refused.err.splitlines()[-1]
    assert line.startswith("E_ADOPT log ")
    assert line.endswith("; run: dispatcher adopt")
    assert program("campaigns", "pause", "peace", "--reason", "to look").code == 0
    assert program("campaigns", "resume", "peace", "--reason", "on").code == 4
    assert program("deliveries", "list").good().err.startswith("in quarantine, nothing is sent: E_ADOPT")
    [check] = [one for one in program("doctor", "--json").json["checks"] if one["name"] == "checkpoint"]
    assert check["finding"] == "wrong"

    assert program("adopt", "--yes").code == 2  # no reason
    tried = program("adopt", "--dry-run", "--json").good().json
    assert not tried["adopted"]
    assert [one["becomes"] for one in tried["letters"]] == ["in_doubt"] * 3
    assert program("adopt", "--moved", "--reason", "no", "--yes").code == 5
    done = program("adopt", "--reason", "the disk died", "--yes", "--json").good().json
    assert (done["adopted"], len(done["letters"])) == (True, 3)
    ran, arrived = _drain(program)
    assert (ran.code, arrived) == (0, 0)
    assert program("deliveries", "list", "--json").good().json["deliveries"][0]["state"] == "in_doubt"
    assert program("adopt", "--reason", "again", "--yes").code == 5  # nothing to adopt
    assert "guard.adopt" in program("audit", "tail", "--json").good().out


def test_a_copied_project_is_refused_until_it_is_said_to_have_moved(launched: Program, tmp_path: Path) -> None:
    copy = _copy(launched, tmp_path)
    refused = copy("worker", "--drain")
    assert refused.code == 4
    assert "E_ADOPT the database is at" in refused.err
    copy("adopt", "--moved", "--reason", "a new folder; the old one is gone", "--yes").good()
    assert copy("deliveries", "list").good().err == ""
    assert _drain(copy)[1] == 3
