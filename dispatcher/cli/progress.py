"""How far long work has come: a bar on a terminal, a line now and then in a log; on standard error, not in a result."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from .output import say

#: Called with (done, of).
Report = Callable[[int, int], None]
#: Seconds between two lines of a log; what is over sooner says nothing.
EVERY = 10.0


@contextmanager
def progress(what: str, clock: Callable[[], float] = time.monotonic) -> Iterator[Report]:
    """Gives a function to call with (done, of)."""
    if not sys.stderr.isatty():
        yield Lines(what, clock)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


class _Rate(ProgressColumn):
    """'12.3/s', of the last half minute, from which the time that is left follows too."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="progress.data.speed")


@dataclass(slots=True)
class Lines:
    """'letters: 400 of 1,000 done, 20.0/s, 30 s left', at most every ten seconds."""

    what: str
    clock: Callable[[], float]
    _last: tuple[float, int] | None = None

    def __call__(self, done: int, of: int) -> None:
        now = self.clock()
        if self._last is None:  # the first call comes when something is done already
            self._last = now, done
        since, before = self._last
        if now - since < EVERY or done == before:
            return
        self._last = now, done
        rate = (done - before) / (now - since)
        say(f"{self.what}: {done:,} of {of:,} done, {rate:.1f}/s, {(of - done) / rate:.0f} s left")
