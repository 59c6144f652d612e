"""Where a process sits, and whether one that sat on this machine is surely gone. Where it is not sure, it says no."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

#: Linux: proc(5). Elsewhere there is none, and nobody is judged.
_PROC = Path("/proc")
#: The number of the process namespace that is not in a container (Linux: PROC_PID_INIT_INO, include/linux/proc_ns.h).
_OUTSIDE = "pid:[4026531836]"
#: Clocks of two starts of a machine need not agree better than this.
_SLACK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Seat:
    """A process's place: what tells it from every other one. '' and 0 where the system does not say."""

    host: str
    machine: str  #: a name of the machine that outlives its restarts
    boot: str  #: of this run of the machine
    space: str  #: the process namespace; a number means something in its own alone
    pid: int
    born: int  #: clock ticks after the machine's start, from /proc/PID/stat


def here(machine: str = "") -> Seat:
    """Where this process sits."""
    pid = os.getpid()
    return Seat(socket.gethostname(), machine, _boot(), _space(), pid, born(pid) or 0)


def born(pid: int) -> int | None:
    """When this process began, in ticks after the machine's start; None when it is gone, 0 when nobody can tell.

    A process that has ended and was not yet collected by its parent is gone.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return 0  # it is there, under another user's name
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if fields[0] in ("Z", "X") else int(fields[19])


def began() -> timedelta:
    """How long this machine has been running; zero where it does not say."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return timedelta(seconds=time.clock_gettime(clock)) if clock is not None else timedelta()


def is_gone(
    other: Seat,
    mine: Seat,
    heard: datetime,
    started: datetime,
    birth: Callable[[int], int | None] = born,
) -> bool:
    """Has the process that sat at `other` surely ended? `heard`: its last word; `started`: when this machine did.

    A process of another host or of another container is never judged: its lease has to end.
    """
    if not other.boot or not mine.boot or other.host != mine.host:
        return False
    if other.boot != mine.boot:
        return _restarted(other, mine) and heard < started - _SLACK
    if other.space != mine.space or not other.born:
        return False
    now = birth(other.pid)
    return now is None or now not in (0, other.born)


def _restarted(other: Seat, mine: Seat) -> bool:
    """The same machine after a restart? Two containers may have one name; and so may a copy of the machine."""
    return bool(other.machine) and other.machine == mine.machine and other.space == mine.space == _OUTSIDE


def _boot() -> str:
    return _line(_PROC / "sys/kernel/random/boot_id")


def _space() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
