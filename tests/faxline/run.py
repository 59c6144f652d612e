"""The real line: python -m faxline.run, with tests/ on the path; `make test-fax` does it.

Debian's hfaxd and its scheduler, two software modems and T.30 between them: letters of ours go through our channel and
our worker, and what the other modem received is held against what left, dot for dot. Exit code 0: all is as it should
be, or nothing could be run here, and why is said.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from desk.databases import Databases

from dispatcher.rehearsal.guard import loopback_only

from . import programs, runs
from .place import Place
from .programs import Missing
from .rig import Rig
from .runs import Found, Told, next_step

#: Where the tests of that line are.
OUR_OWN = Path(__file__).parents[1] / "unit" / "rehearsal" / "test_t30.py"
_HEAD = (("call", 20), ("state", 10), ("cause", 26), ("tries", 5), ("confirmed", 9), ("received", 18), ("next step", 0))


def main() -> int:
    given = _parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the modems and the servers end too
    try:
        print(f"the line: {programs.install()}")
    except Missing as why:
        print(f"skipped: {why}")
        return 0
    with tempfile.TemporaryDirectory(prefix="faxline-") as name:
        folder = (given.keep or Path(name)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # HylaFAX runs as a user of its own
        began = time.monotonic()
        try:
            found = _over_the_line(folder)
        except Missing as fault:
            print(f"failed: {fault}")
            return 1
        ended = _conclude(found, time.monotonic() - began)
    return _our_own_line() or ended


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faxline", description=__doc__)
    parser.add_argument("--keep", type=Path, help="keep the spool, the logs and the database in this folder")
    return parser.parse_args()


def _over_the_line(folder: Path) -> Found:
    databases = Databases(folder / "databases")
    databases.folder.mkdir()
    url = databases.fresh("sqlite", folder / "office")
    with Rig(folder / "line") as rig, loopback_only():
        return asyncio.run(runs.run(rig, Place(folder, url, rig.port)))


def _conclude(found: Found, seconds: float) -> int:
    print("  ".join(name.ljust(width) for name, width in _HEAD))
    for told in found.calls:
        print("  ".join(str(cell).ljust(width) for cell, (_, width) in zip(_cells(told), _HEAD, strict=True)))
    for line in (*found.notes, *found.faults):
        print(line)
    print(f"{'failed' if found.faults else 'passed'}: {len(found.calls)} letters in {seconds:.0f} s")
    return 1 if found.faults else 0


def _our_own_line() -> int:
    """The line in software that our gateway has for rehearsals: elsewhere its tests are skipped."""
    print("the line of our own gateway:", flush=True)
    return subprocess.run([sys.executable, "-m", "pytest", "-q", str(OUR_OWN)], check=False).returncode


def _cells(told: Told) -> list[object]:
    row, heard = told.story.row, told.story.heard
    confirmed = next((one["pages"] for one in reversed(heard) if one["pages"] is not None), "-")
    count = f"{confirmed} of {told.case.pages}"
    return [told.case.name, row.state, row.cause or "-", len(told.story.tries), count, told.received, next_step(row)]


if __name__ == "__main__":
    sys.exit(main())
