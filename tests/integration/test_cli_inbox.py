"""`dispatcher inbox classify`: without settings or a database, in the one form that is promised to programs."""

from __future__ import annotations

import json
from pathlib import Path

from terminal.program import Program

CORPUS = Path(__file__).resolve().parents[1] / "data" / "inbox"


def test_each_message_is_one_object_with_these_names_and_no_others(tmp_path: Path) -> None:
    files = [str(CORPUS / name) for name in ("postfix-user-unknown.eml", "answer-outlook.eml")]
    ran = Program(tmp_path)("inbox", "classify", *files, "--json").good()
    bounce, answer = map(json.loads, ran.out.splitlines())
    assert list(bounce) == list(answer) == ["file", "kind", "recipients", "message_id", "in_reply_to"]
    assert (bounce["file"], bounce["kind"]) == (files[0], "bounce")
    (one,) = bounce["recipients"]
    assert list(one) == ["address", "status", "verdict", "cause", "detail"]
    assert (one["address"], one["status"], one["verdict"], one["cause"]) == (
        "chancery@mission-a.example", "5.1.1", "hard", "email.no_mailbox",
    )  # fmt: skip
    assert "User unknown" in one["detail"]
    assert (answer["kind"], answer["recipients"], answer["in_reply_to"]) == (
        "answer", [], "<a1b2c3d4e5f6@letters.example>",
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_people_get_a_table_and_the_day_of_return(tmp_path: Path) -> None:
    ran = Program(tmp_path)("inbox", "classify", str(CORPUS / "oof-exchange.eml")).good()
    assert "auto reply, back 2026-10-19" in ran.out


def test_a_message_that_is_too_much_is_unknown_and_the_reason_is_told(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.eml"
    bomb.write_bytes(b"X-A: b\r\n" * 200_000 + b"\r\nx")
    ran = Program(tmp_path)("inbox", "classify", str(bomb), "--json").good()
    assert json.loads(ran.out)["kind"] == "unknown"
    assert "more than 500 header fields" in ran.err


def test_a_file_that_is_not_there_ends_with_3(tmp_path: Path) -> None:
    ran = Program(tmp_path)("inbox", "classify", "nothing.eml")
    assert (ran.code, ran.out) == (3, "")
    assert "nothing.eml" in ran.err
