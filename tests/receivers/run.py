"""The run with real receivers: python -m receivers.run, with tests/ on the path; `make receivers` does it.

Debian's Postfix and its smtp-sink take so many letters each through the real engine, while they are stopped, killed and
made to misbehave; then their ledgers are held against our record. Exit code 0: they agree, or nothing could be run
here, and why is said.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from desk.databases import Databases

from dispatcher.domain.words import State

from . import postfix, programs, runs
from .programs import Missing, Programs
from .runs import Done
from .verdict import Wrong

_HEAD = (
    ("receiver", 28),
    ("letters", 7),
    ("strikes", 7),
    ("tries", 6),
    ("accepted", 8),
    ("failed", 6),
    ("in doubt (taken)", 16),
    ("ledger", 6),
    *((wrong.value, len(wrong.value)) for wrong in Wrong),
    ("audit", 6),
    ("seconds", 7),
)
#: Bytes that a run may need.
ROOM = 500_000_000
Run = Callable[[Programs, str, Path, int], Done]


def main() -> int:
    given = _parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the receivers and the workers end too
    with tempfile.TemporaryDirectory(prefix="receivers-", dir=_fast_folder()) as name:
        base = (given.keep or Path(name)).resolve()
        base.mkdir(parents=True, exist_ok=True)
        base.chmod(0o755)  # the receivers run as users of their own
        try:
            found = programs.find(base / "package")
            print(f"Postfix {found.version()} from {'the system' if found.prefix == Path('/usr') else 'its package'}")
        except Missing as why:
            print(f"skipped: {why}")
            return 0
        try:
            return _conclude(list(_all(found, base, given)))
        except Missing as fault:
            print(f"failed: {fault}")
            return 1


def _fast_folder() -> Path | None:
    """In memory where there is room: no power is cut here, so nothing is gained by waiting for a disk."""
    memory = Path("/dev/shm")  # a folder of our own is made in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return memory if roomy else None


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="receivers", description=__doc__)
    parser.add_argument("--letters", type=int, default=5000, help="for each receiver")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", choices=("postfix", "sink"))
    parser.add_argument("--keep", type=Path, help="keep databases, ledgers and logs in this folder")
    return parser.parse_args()


def _all(found: Programs, base: Path, given: argparse.Namespace) -> Iterator[Done]:
    for name, run, why_not in (("postfix", runs.with_postfix, postfix.why_not()), ("sink", runs.with_sink, "")):
        if given.only not in (None, name):
            continue
        if why_not:
            print(f"{name} skipped: {why_not}")
            continue
        yield _one(run, found, base / name, given)


def _one(run: Run, found: Programs, folder: Path, given: argparse.Namespace) -> Done:
    databases = Databases(folder / "databases")
    databases.folder.mkdir(parents=True, mode=0o700)
    try:
        return run(found, databases.fresh(given.database, folder), folder, given.letters)
    finally:
        databases.stop()


def _conclude(done: Sequence[Done]) -> int:
    print("  ".join(name.rjust(width) for name, width in _HEAD))
    for one in done:
        print("  ".join(str(cell).rjust(width) for cell, (_, width) in zip(_cells(one), _HEAD, strict=True)))
    faults = [fault for one in done for fault in _faults(one)]
    for line in (*(note for one in done for note in one.notes), *faults):
        print(line)
    return 1 if faults else 0


def _cells(one: Done) -> list[object]:
    found, states = one.found, one.found.states
    return [
        one.name,
        one.letters,
        one.stops,
        found.tries,
        states[State.ACCEPTED],
        states[State.FAILED],
        f"{states[State.IN_DOUBT]} ({found.doubts_taken})",
        found.ledger,
        *(len(found.wrong.get(wrong, [])) for wrong in Wrong),
        "broken" if found.audit else "sound",
        round(one.seconds),
    ]


def _faults(one: Done) -> Iterator[str]:
    """What makes the run a failed one."""
    found = one.found
    yield from one.faults
    for wrong, names in found.wrong.items():
        yield f"{one.name}: {wrong}: {', '.join(names[:20])}"
    if found.audit:
        yield f"{one.name}: the audit log: {found.audit}"
    if sum(found.states.values()) != one.letters:
        yield f"{one.name}: {sum(found.states.values())} deliveries for {one.letters} letters"
    if found.ledger != found.states[State.ACCEPTED] + found.doubts_taken:
        yield f"{one.name}: the ledger has {found.ledger} letters, we know of fewer or more"


if __name__ == "__main__":
    sys.exit(main())
