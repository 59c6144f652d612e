"""Errors, names, output and log of the command line, where no database is needed."""

from __future__ import annotations

import io
import json
import logging
import os
import pwd
import sys
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from terminal.program import Program

from dispatcher.cli import logs, output, program
from dispatcher.cli.records import delivery_record
from dispatcher.cli.session import operator
from dispatcher.cli.words import STATES
from dispatcher.domain.errors import ChannelError, Conflict, DispatcherError, Forbidden, NotFound, UserError
from dispatcher.domain.model import Delivery
from dispatcher.domain.words import Cause, Kind, Role, State

#: What other programs read. A name may be added; none may go, or change its meaning, without a new schema_version.
PUBLIC = {
    "id",
    "campaign",
    "step",
    "contact",
    "addressee",
    "role",
    "recipient",
    "channel",
    "address",
    "state",
    "cause",
    "detail",
    "attempts",
    "message_id",
    "letter",
    "occurrence",
    "due",
    "changed",
    "snoozed_until",
    "instead_of",
}


def delivery(**given: Any) -> Delivery:
    """A queued fax; what is not given is empty."""
    usual: dict[str, Any] = dict.fromkeys((field.name for field in fields(Delivery)), "")
    usual |= {"step": 0, "kind": Kind.FAX, "role": Role.TO, "state": State.QUEUED, "cause": Cause.NONE, "due": None}
    usual |= {"snoozed_until": None}
    usual |= {"changed_at": datetime(2026, 1, 12, 8, 30, tzinfo=UTC)}
    return Delivery(**(usual | given))


# -- what others read --------------------------------------------------------------------------------------------------


def test_the_names_of_a_delivery_as_json_are_a_public_interface() -> None:
    assert set(delivery_record(delivery(), 0)) == PUBLIC


def test_a_delivery_as_json_has_plain_words_and_times_in_utc() -> None:
    due = datetime.fromisoformat("2026-01-12T09:00:00+01:00")
    row = delivery(
        id="3f", due=due, cause=Cause.FAX_BUSY, state=State.DEFERRED, contact_id="ardesia", campaign_id="peace"
    )
    read = json.loads(json.dumps(delivery_record(row, 2)))
    assert (read["due"], read["changed"]) == ("2026-01-12T08:00:00Z", "2026-01-12T08:30:00Z")
    assert (read["channel"], read["state"], read["cause"], read["attempts"]) == ("fax", "deferred", "fax.busy", 2)
    assert json.loads(json.dumps(delivery_record(delivery(), 0)))["due"] is None


def test_every_json_object_says_which_schema_it_follows(tmp_path: Path) -> None:
    assert Program(tmp_path)("config", "show", "--json").good().json["schema_version"] == 1


def test_every_state_has_a_word_of_its_own_for_people() -> None:
    assert STATES.keys() == set(State)
    assert len(set(STATES.values())) == len(State)


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [(UserError("no"), 2), (NotFound("no"), 3), (Forbidden("no"), 4), (Conflict("no"), 5), (ChannelError("no"), 75)],
)
def test_what_we_say_ourselves_is_one_line_and_its_exit_code(
    error: DispatcherError, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = _with_a_command_that_raises(error, tmp_path, monkeypatch)
    assert (ran.code, ran.out, ran.err) == (code, "", "no\n")


def test_what_nobody_foresaw_is_one_line_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = _with_a_command_that_raises(ValueError("odd"), tmp_path, monkeypatch)
    assert (ran.code, ran.err) == (1, "unexpected ValueError: odd. `dispatcher --verbose …` tells where.\n")


def test_with_verbose_an_unforeseen_error_tells_where_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = _with_a_command_that_raises(ValueError("odd"), tmp_path, monkeypatch, "--verbose")
    assert (ran.code, "Traceback" in ran.err, "test_talk.py" in ran.err) == (1, True, True)


def test_an_interruption_ends_with_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _with_a_command_that_raises(KeyboardInterrupt(), tmp_path, monkeypatch).code == 130


def _with_a_command_that_raises(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> Any:
    def fail() -> None:
        raise error

    added = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    added.command("fail")(fail)
    monkeypatch.setitem(program._command().commands, "fail", typer.main.get_command(added))
    return Program(tmp_path)(*options, "fail")


def test_every_problem_of_the_settings_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[worker]\nbacth = 3\n[office]\ntimezone = 'Mars'\n", "utf-8")
    ran = Program(tmp_path)("--config", "mine.toml", "config", "show")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 2)
    assert "mine.toml:2" in ran.err


def test_the_settings_tell_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCHER__WORKER__BATCH", "41")
    found = Program(tmp_path)("config", "show", "--json").good().json["settings"]
    assert {"key": "worker.batch", "value": "41", "origin": "environment DISPATCHER__WORKER__BATCH"} in found
    assert "environment DISPATCHER__WORKER__BATCH" in Program(tmp_path)("config", "show", "--origin").good().out
    assert "environment" not in Program(tmp_path)("config", "show").good().out


# -- who ---------------------------------------------------------------------------------------------------------------


def test_the_actor_is_the_operating_systems_user_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "minister")
    assert str(operator()) == f"operator:{pwd.getpwuid(os.getuid()).pw_name}"


def test_a_user_without_a_name_is_known_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_123)
    assert str(operator()) == "operator:uid-4000000123"


# -- output ------------------------------------------------------------------------------------------------------------


def test_a_cell_cannot_speak_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("name",), [("\x1b[2Jmission\x07\n[red]",)], "none")
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\\x1b[2Jmission\\x07\\n[red]" in printed


def test_in_a_pipe_no_cell_is_cut_or_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("text",), [("x" * 3000,)], "none")
    assert "x" * 3000 in capsys.readouterr().out


def test_where_a_table_would_break_an_id_each_row_is_a_record(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    output.table(("id", "address"), [("3f7be8ee4bb3444af723", "mission@geneva.example")], "none")
    lines = capsys.readouterr().out.split("\n")
    assert lines[0].split() == ["id", "3f7be8ee4bb3444af723"]
    assert lines[1].split() == ["address", "mission@geneva.example"]


def test_an_empty_table_is_said_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("name",), [], "nobody is here")
    assert capsys.readouterr() == ("", "nobody is here\n")


def test_people_are_shown_their_own_time() -> None:
    instant = datetime(2026, 7, 1, 7, 0, 5, tzinfo=UTC)
    assert output.local(instant, "Europe/Zurich") == "2026-07-01 09:00"
    assert output.local(instant, "Europe/Zurich", "seconds") == "2026-07-01 09:00:05"
    assert output.local(None, "Europe/Zurich") == ""


def test_where_nobody_is_there_to_be_asked_nothing_is_done_unless_yes_was_said() -> None:
    with pytest.raises(UserError, match="--yes"):
        output.confirm("Really?", yes=False)
    output.confirm("Really?", yes=True)


# -- the log -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("to ada.b+c@mail.example now", "to …@mail.example now"),
        ("calls +441632960101", "calls +44…01"),
        ("attempt 3f7be8ee4bb3444af723.1 at 12:30", "attempt 3f7be8ee4bb3444af723.1 at 12:30"),
    ],
)
def test_addresses_are_masked_in_the_log(text: str, masked: str) -> None:
    assert logs.masked(text) == masked


def test_elsewhere_than_at_a_terminal_the_log_is_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    logs.start(verbose=False)
    try:
        raise OSError("ada@mail.example")
    except OSError:
        logging.getLogger("dispatcher.worker").exception("attempt %s to %s", "3f.1", "ada@mail.example")
    entry = json.loads(stream.getvalue())
    assert (entry["level"], entry["logger"]) == ("error", "dispatcher.worker")
    assert entry["message"] == "attempt 3f.1 to …@mail.example"
    assert "ada@" not in entry["traceback"]
