"""How far long work has come: honest figures, seldom said where they are kept."""

from __future__ import annotations

import io
import sys

import pytest
from rich.progress import Progress

from dispatcher.cli.progress import Lines, _Rate, progress


def test_a_log_gets_a_line_every_ten_seconds_with_the_rate_of_just_these(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 5.0, 10.0, 11.0, 30.0])
    lines = Lines("letters", lambda: next(seconds))
    for done in (1, 101, 201, 221, 601):
        lines(done, 2001)
    assert capsys.readouterr().err.splitlines() == [
        "letters: 201 of 2,001 done, 20.0/s, 90 s left",
        "letters: 601 of 2,001 done, 20.0/s, 70 s left",
    ]


def test_a_log_hears_nothing_of_work_that_stands_still(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 100.0])
    lines = Lines("letters", lambda: next(seconds))
    lines(1, 9)
    lines(1, 9)
    assert capsys.readouterr().err == ""


def test_short_work_says_nothing_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("letters", lambda: 0.0) as report:
        for done in range(1, 4):
            report(done, 3)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_the_count_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress("letters") as report:
        report(250, 1000)
    shown = screen.getvalue()
    assert "letters" in shown
    assert "250/1000" in shown
    assert shown.rstrip().endswith("\x1b[2K")


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    now = [0.0]
    bar = Progress(get_time=lambda: now[0])
    task = bar.add_task("letters", total=1000)
    assert _Rate().render(bar.tasks[0]).plain == ""
    for seconds, done in ((1.0, 10), (2.0, 20), (3.0, 30)):
        now[0] = seconds
        bar.update(task, completed=done)
    assert _Rate().render(bar.tasks[0]).plain == "10.0/s"
