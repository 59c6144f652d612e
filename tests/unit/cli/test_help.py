"""What the program says of itself: at once, completely, and as the documentation has it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from terminal.program import ROOT, Program, environment

from dispatcher import __version__
from dispatcher.cli.program import app

DOCS = (ROOT / "docs" / "cli.md").read_text("utf-8")
#: Each of these costs more than a tenth of a second, or brings what does.
HEAVY = {
    "PIL",
    "aiosmtplib",
    "alembic",
    "apscheduler",
    "asyncio",
    "httpx2",
    "jinja2",
    "phonenumbers",
    "pydantic",
    "rich.console",
    "sqlalchemy",
    "starlette",
    "typst",
    "uvicorn",
    "dispatcher.app",
    "dispatcher.cli.demo",
    "dispatcher.settings",
    "dispatcher.web",
}
ASK = """
import atexit, sys
heavy = sys.argv.pop(1).split()
atexit.register(lambda: print("loaded:", *sorted(set(heavy) & sys.modules.keys()), file=sys.stderr))
from dispatcher.__main__ import main
main()
"""


def commands(command: Any = None, words: tuple[str, ...] = ("dispatcher",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the program, by the words that call it."""
    command = command or typer.main.get_command(app)
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))
    if not hasattr(command, "commands"):
        yield words, command


def test_help_loads_nothing_heavy() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ASK, " ".join(HEAVY), "--help"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "loaded:\n")


def test_the_watch_over_heavy_modules_sees_them_when_a_command_works(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ASK, " ".join(HEAVY), "config", "show"],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, "pydantic" in ran.stderr) == (0, True)


def test_the_documentation_lists_the_commands_that_there_are() -> None:
    documented = re.findall(r"^\| `(dispatcher [a-z -]+)` \|", DOCS, re.MULTILINE)
    assert sorted(documented) == sorted(" ".join(words) for words, _ in commands())


def test_every_command_says_what_it_does() -> None:
    assert [words for words, command in commands() if not command.help] == []


def test_every_command_that_shows_data_can_show_it_as_json() -> None:
    showing = {"list", "show", "preview", "tail", "verify", "doctor", "check", "watch"}
    without = [
        words
        for words, command in commands()
        if words[-1] in showing and not any("--json" in option.opts for option in command.params)
    ]
    assert without == [("dispatcher", "letters", "preview")]  # its data are the file


def test_the_exit_codes_of_the_help_are_documented(tmp_path: Path) -> None:
    shown = re.sub(r"\s+", " ", Program(tmp_path)("--help").good().out).partition("Exit codes:")[2]
    assert re.findall(r"(?:^|· )\s?(\d+) ", shown) == re.findall(r"^\| (\d+) \|", DOCS, re.MULTILINE)


def test_the_version_is_the_packages_own(tmp_path: Path) -> None:
    assert Program(tmp_path)("--version").good().out == f"dispatcher {__version__}\n"


@pytest.mark.parametrize(
    "words", [("nonsense",), ("contacts", "nonsense"), ("campaigns", "show"), ("up", "--nonsense")]
)
def test_a_wrong_command_line_ends_with_2_on_standard_error(tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = Program(tmp_path)(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage:" in ran.err
