"""The demo, as a reader runs it: everything happens that it promises, and nothing of it leaves loopback."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dispatcher.cli.stage import open_stage
from dispatcher.domain.errors import Conflict
from dispatcher.rehearsal.guard import LeavesLoopback
from dispatcher.web.site import serve

ROOT = Path(__file__).parents[2]
NAMES = {
    "id",
    "campaign",
    "step",
    "contact",
    "channel",
    "address",
    "state",
    "cause",
    "attempts",
    "message_id",
    "letter",
}


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "dispatcher", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=True)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo") / "here"
    done = _run("demo", "--folder", str(folder), "--json")
    return folder, json.loads(done.stdout)


@pytest.mark.slow
def test_the_demo_shows_every_fate_of_a_letter(demo: tuple[Path, dict[str, Any]]) -> None:
    _, said = demo
    assert set(said["states"]) == {"delivered", "presumed", "failed", "in_doubt"}
    assert sum(said["states"].values()) == said["deliveries"]
    assert said["follow_ups"] > 10
    assert len(said["answered"]) == 1
    assert said["letters"] == 34
    assert said["audit"]["verdict"] == "whole"
    assert said["audit"]["seals"] >= 2


@pytest.mark.slow
def test_what_it_leaves_behind_answers_to_the_other_commands(demo: tuple[Path, dict[str, Any]]) -> None:
    _, said = demo
    config = ("--config", said["config"])
    rows = json.loads(_run(*config, "deliveries", "list", "--json").stdout)["deliveries"]
    assert len(rows) == said["deliveries"]
    assert NAMES | {"due"} <= set(rows[0])
    assert any(row["state"] == "delivered" and row["attempts"] == 2 for row in rows)
    answered = next(row for row in rows if row["id"] == said["answered"][0])
    assert [row["step"] for row in rows if row["contact"] == answered["contact"]] == [0, 0]
    checked = json.loads(_run(*config, "audit", "verify", "--json").stdout)
    assert (checked["verdict"], checked["entries"]) == ("whole", said["audit"]["entries"])
    assert checked["seals"] == said["audit"]["seals"]


@pytest.mark.slow
def test_its_letters_lie_in_the_outbox_in_every_form(demo: tuple[Path, dict[str, Any]]) -> None:
    folder, said = demo
    outbox = Path(said["outbox"])
    assert outbox.parent == folder.resolve()
    assert (outbox / "ru-president-1.pdf").read_bytes().startswith(b"%PDF-")
    assert (outbox / "ru-president-1.tif").read_bytes()[:2] in (b"II", b"MM")
    assert b"Message-ID: <" in (outbox / "ru-president-1.eml").read_bytes()


async def test_the_demo_will_not_clear_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Conflict, match="was not made by a demo"):
        async with open_stage(tmp_path, serve):
            pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


async def test_nothing_on_the_stage_can_leave_loopback(tmp_path: Path) -> None:
    async with open_stage(tmp_path / "stage", serve):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line, pytest.raises(LeavesLoopback):
            line.sendto(b"hello", ("192.0.2.1", 9))
        with pytest.raises(LeavesLoopback):
            await asyncio.get_running_loop().getaddrinfo("mission.example.org", 25)
