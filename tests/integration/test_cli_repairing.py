"""The command line over what failed: what needs somebody, what an act on many shows first, and how each act is told."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from farend.rogue import Rogue, say
from terminal.program import Program
from terminal.project import lay_out, point_at

REASON = ("--reason", "as the director asked")


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A project whose three letters all failed, because every inbox is full."""
    program = Program(lay_out(tmp_path_factory.mktemp("failing")))
    program("db", "upgrade").good()
    program("contacts", "import").good()
    program("campaigns", "prepare", "peace").good()
    plan = program("campaigns", "list", "--json").good().json["campaigns"][0]["plan"]
    program("campaigns", "approve", "peace", "--digest", plan).good()
    program("campaigns", "launch", "peace", "--late").good()
    asyncio.run(_drain(program))
    return program


async def _drain(program: Program) -> None:
    async with Rogue({"rcpt": say("552 5.2.2 mailbox full")}) as rogue:
        point_at(program.folder, rogue.port)
        (await program.apart("worker", "--drain")).good()


@pytest.fixture
def failed(failing: Program, tmp_path: Path) -> Program:
    shutil.copytree(failing.folder, tmp_path / "copy")
    program = Program(tmp_path / "copy")
    program("adopt", "--moved", "--reason", "a copy for a test", "--yes").good()
    return program


def _rows(program: Program, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = program("deliveries", "list", *words, "--json").good().json["deliveries"]
    return found


def test_what_needs_somebody_names_the_command_that_does_it(failed: Program) -> None:
    [task] = failed("todo", "--json").good().json["todo"]
    assert (task["need"], task["count"], task["cause"]) == ("failed", 3, "email.mailbox_full")
    assert task["next"] == "dispatcher failures retry --cause email.mailbox_full --expect 3"
    assert task["next"] in failed("todo").good().out
    assert len(failed(*task["next"].split()[1:], "--json").good().json["queued"]) == 3
    assert failed("todo").good().err.endswith("nothing needs you\n")


def test_an_act_on_many_is_shown_first_and_done_for_the_number_that_is_said_back(failed: Program) -> None:
    many = ("failures", "give-up", "--campaign", "peace", *REASON)
    shown = failed(*many, "--dry-run", "--json").good().json
    assert (shown["count"], len(shown["deliveries"]), shown["left_out"]) == (3, 3, [])
    unsaid = failed(*many)
    assert (unsaid.code, "say --expect 3" in unsaid.err) == (2, True)
    stale = failed(*many, "--expect", "4")
    assert (stale.code, "E_COUNT there are now 3 letters for this, not 4" in stale.err) == (5, True)
    assert {row["state"] for row in _rows(failed)} == {"failed"}
    done = failed(*many, "--expect", "3", "--json").good().json
    assert sorted(done["given_up"]) == sorted(shown["deliveries"])
    [entry] = failed("audit", "tail", "--about", f"bulk:{done['bulk']}", "--json").good().json["entries"]
    assert (entry["action"], entry["data"]["deliveries"], entry["reason"]) == (
        "bulk.give_up",
        done["given_up"],
        REASON[1],
    )
    again = failed(*many, "--expect", "3")
    assert again.code == 5
    assert "A person gave it up: failed, or nobody could know" in failed("deliveries", "list").good().out


def test_one_is_tried_first_and_what_became_of_it_is_told(failed: Program) -> None:
    group = ("failures", "retry", "--cause", "email.mailbox_full")
    tried = failed(*group, "--try-one", "--json").good().json
    assert tried["tried"]["fate"] == "waits"
    rest = failed(*group, "--dry-run", "--json").good().json
    assert (rest["count"], {one["code"] for one in rest["left_out"]}) == (0, {"E_TRIAL"})
    asyncio.run(_drain(failed))
    [listed] = failed("failures", "list", "--json").good().json["failures"]
    assert (listed["tried"]["id"], listed["tried"]["fate"]) == (tried["queued"][0], "failed")
    assert "mailbox full" in listed["tried"]["words"]
    assert failed("todo", "--json").good().json["todo"][0]["next"].endswith("--try-one")
    refused = failed(*group, "--try-one", "--expect", "2")
    assert (refused.code, "E_FILTER" in refused.err) == (2, True)


def test_a_letter_goes_by_fax_instead_and_each_names_the_other(failed: Program) -> None:
    [email] = _rows(failed, "--contact", "ardesia")
    text = failed("deliveries", "switch", email["id"], *REASON)
    if text.code:  # no gateway is set up in this project
        assert (text.code, "E_SWITCH_NO_WAY" in text.err) == (5, True)
    nowhere = failed("deliveries", "switch", "--campaign", "peace", *REASON, "--dry-run")
    assert "E_SWITCH_NO_ADDRESS" in nowhere.err


def test_what_is_put_aside_is_listed_apart_and_taken_back(failed: Program) -> None:
    [one] = _rows(failed, "--contact", "ardesia")
    snooze = ("deliveries", "snooze", one["id"], *REASON)
    assert failed(*snooze, "--until", "whenever").code == 2
    told = failed(*snooze, "--until", "3 days").good().out
    assert re.fullmatch(rf"{one['id']}: Failed – needs you, put aside until [\d-]+ [\d:]+\n", told)
    [group] = failed("failures", "list", "--json").good().json["failures"]
    assert (group["count"], group["snoozed"]) == (2, 1)
    assert [row["id"] for row in _rows(failed, "--snoozed")] == [one["id"]]
    left = failed("failures", "retry", "--campaign", "peace", "--dry-run", "--json").good().json["left_out"]
    assert [(each["id"], each["code"]) for each in left] == [(one["id"], "E_SNOOZED")]
    failed("deliveries", "unsnooze", one["id"], *REASON).good()
    assert _rows(failed, "--snoozed") == []


def test_an_id_and_a_filter_are_not_said_together(failed: Program) -> None:
    [one] = _rows(failed, "--contact", "ardesia")
    both = failed("failures", "retry", one["id"], "--campaign", "peace")
    assert (both.code, "E_FILTER" in both.err) == (2, True)
    assert failed("deliveries", "hold", *REASON).code == 2
    unreasoned = failed("deliveries", "cancel", "--campaign", "peace", "--expect", "3")
    assert (unreasoned.code, "E_REASON" in unreasoned.err) == (2, True)
    assert failed("deliveries", "list", "--domain", "not a domain").code == 2
    assert len(_rows(failed, "--domain", "halvorn.example", "--since", "1 hour")) == 1
