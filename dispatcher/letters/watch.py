"""The second wall: a letter that costs too much is stopped by the operating system, wherever in the work it is.

The first wall is `guard` and `limits`, which refuse such a letter with its line before anything runs. What gets past
them would be a defect of theirs, or of a library; then the process that renders the letter ends, and `hand` says so.
"""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

#: Seconds of computing, over all threads, from the data to the finished pages. A waiting machine does not count.
MAX_SECONDS = 2.0
#: Bytes beyond what the process had when the letter began.
MAX_MEMORY = 256 * 1024 * 1024
#: What a process ends with when its letter took too long.
TOO_LONG = signal.SIGPROF
_STATUS = Path("/proc/self/status")


class _Watch:
    """Whether letters are watched in this process; only in one that may be ended for a letter."""

    on = False


def watch_this_process() -> None:
    """From now on a letter that costs too much ends this process."""
    signal.signal(TOO_LONG, signal.SIG_DFL)
    _Watch.on = True


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Bounds the work inside, in a process that is watched; elsewhere does nothing."""
    if not _Watch.on:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    if (held := _data_held()) is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (_lower(held + MAX_MEMORY, before[1]), before[1]))
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _lower(wanted: int, hard: int) -> int:
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _data_held() -> int | None:
    """Bytes of private writable memory; None on a system that does not tell, where memory is not bounded."""
    try:
        lines = _STATUS.read_text("ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), None)
