"""The command line over a restored and over a copied database: what it refuses, what it shows, how it is adopted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from farend.rogue import Rogue
from terminal.program import Program
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


async def test_a_restored_database_is_refused_shown_and_adopted(launched: Program) -> None:
    file = launched.folder / "var" / "dispatcher.db"
    backup = file.read_bytes()
    async with Rogue({}) as rogue:
        point_at(launched.folder, rogue.port)
        (await launched.apart("worker", "--drain")).good()
        assert len(rogue.ledger) == 3
        for left in file.parent.glob("dispatcher.db*"):
            left.unlink()
        file.write_bytes(backup)

        refused = await launched.apart("worker", "--drain")
        assert refused.code == 4
        assert refused.err.splitlines()[-1].startswith("E_ADOPT log ")
        assert refused.err.splitlines()[-1].endswith("; run: dispatcher adopt")
        assert launched("campaigns", "pause", "peace", "--reason", "to look").code == 0
        assert launched("campaigns", "resume", "peace", "--reason", "on").code == 4
        listed = launched("deliveries", "list").good()
        assert listed.err.startswith("in quarantine, nothing is sent: E_ADOPT")
        [check] = [one for one in launched("doctor", "--json").json["checks"] if one["name"] == "checkpoint"]
        assert check["finding"] == "wrong"

        assert launched("adopt", "--yes").code == 2  # no reason
        tried = launched("adopt", "--dry-run", "--json").good().json
        assert not tried["adopted"]
        assert {one["becomes"] for one in tried["letters"]} == {"in_doubt"}
        assert launched("adopt", "--moved", "--reason", "no", "--yes").code == 5
        done = launched("adopt", "--reason", "the disk died", "--yes", "--json").good().json
        assert (done["adopted"], len(done["letters"])) == (True, 3)
        launched("campaigns", "resume", "peace", "--reason", "on").good()
        (await launched.apart("worker", "--drain")).good()
        assert len(rogue.ledger) == 3
        assert launched("adopt", "--reason", "again", "--yes").code == 5  # nothing to adopt
        assert "guard.adopt" in launched("audit", "tail", "--json").good().out


def test_a_copied_project_is_refused_until_it_is_said_to_have_moved(launched: Program, tmp_path: Path) -> None:
    shutil.copytree(launched.folder, tmp_path / "copy")
    copy = Program(tmp_path / "copy")
    refused = copy("worker", "--drain")
    assert refused.code == 4
    assert "E_ADOPT the database is at" in refused.err
    copy("adopt", "--moved", "--reason", "a new folder; the old one is gone", "--yes").good()
    assert copy("deliveries", "list").good().err == ""
