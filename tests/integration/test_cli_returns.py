"""`dispatcher inbox receive`, `pen`, `show`, `settle`: what a mail server's pipe is told, and what a person sees."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from farend.rogue import Rogue
from returns import messages
from returns.messages import Letter
from terminal.program import Program, Ran
from terminal.project import lay_out, point_at


def pipe(program: Program, raw: bytes, *words: str) -> Ran:
    """As Postfix runs it: a process, the message on its standard input."""
    with program.start("inbox", "receive", *words, stdin=subprocess.PIPE) as process:
        out, err = process.communicate(raw.decode(), 60)
    return Ran(process.returncode, out, err)


@pytest.fixture
def project(tmp_path: Path) -> Program:
    program = Program(lay_out(tmp_path))
    program("db", "upgrade").good()
    return program


def test_as_long_as_it_is_not_kept_the_mail_server_keeps_it(tmp_path: Path) -> None:
    ran = pipe(Program(lay_out(tmp_path)), messages.answer(Letter("<a@b.example>", "a@ardesia.example")))
    assert (ran.code, ran.out) == (75, "")
    assert "not kept, try later" in ran.err


def test_nothing_is_no_message(project: Program) -> None:
    assert pipe(project, b"\r\n").code == 65


def test_what_nothing_ties_to_a_letter_waits_for_a_person(project: Program) -> None:
    raw = messages.answer(Letter("<a@b.example>", "counsellor@ardesia.example", subject="Peace"))
    assert pipe(project, raw).out.endswith(" kept\n")
    assert pipe(project, raw).out.endswith(" kept before\n")
    [one] = project("inbox", "pen", "--json").good().json["messages"]
    assert (one["kind"], one["from"], one["way"]) == ("answer", "counsellor@ardesia.example", "pipe")
    assert one["why"] == "nothing ties it to a letter"
    assert "dispatcher inbox pen" in project("todo").good().out
    shown = project("inbox", "show", one["id"][:8], "--json").good().json
    assert Path(shown["file"]).read_bytes() == raw
    refused = project("inbox", "settle", one["id"][:8], "--as", "answer", "--note", "I read it")
    assert (refused.code, "E_INBOX_LETTER" in refused.err) == (2, True)
    project("inbox", "settle", one["id"][:8], "--as", "not_ours", "--note", "a newsletter").good()
    assert project("inbox", "pen").good().err.endswith("nothing waits for a person\n")
    assert project("inbox", "settle", one["id"], "--as", "not_ours", "--note", "again").code == 5


def test_an_address_that_was_barred_may_be_allowed_again(project: Program) -> None:
    project("contacts", "suppress", "mission@ardesia.example", "--reason", "they asked").good()
    project("contacts", "allow", "mission@ardesia.example", "--reason", "they wrote").good()
    again = project("contacts", "allow", "mission@ardesia.example", "--reason", "they wrote", "--json").good().json
    assert again["lifted"] is False


def test_the_answer_of_a_letter_that_was_sent_by_the_program_itself(project: Program) -> None:
    project("contacts", "import").good()
    project("campaigns", "prepare", "peace").good()
    plan = project("campaigns", "list", "--json").good().json["campaigns"][0]["plan"]
    project("campaigns", "approve", "peace", "--digest", plan).good()
    project("campaigns", "launch", "peace", "--late").good()

    async def send() -> list[tuple[str, str]]:
        async with Rogue({}) as rogue:
            point_at(project.folder, rogue.port)
            (await project.apart("worker", "--drain")).good()
            return [(one.sender, one.recipient) for one in rogue.ledger]

    return_path, address = asyncio.run(send())[0]
    bounce = messages.report(Letter("", address, return_path))
    assert pipe(project, bounce, "--to", return_path).code == 0
    rows = project("deliveries", "list", "--state", "failed", "--json").good().json["deliveries"]
    assert [one["address"] for one in rows] == [address]
