"""The torture run: python -m torture.run, with tests/ on the path; `make torture` does it.

Workers are killed at random until every letter is decided, on SQLite and on PostgreSQL; then the far ends' ledgers are
held against the database. The last run takes our defences out, and must show duplicates: otherwise the harness has no
teeth, and its other numbers mean nothing. Exit code 0: all is as it must be.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from desk.databases import Databases

from . import table
from .runs import Wanted, run
from .table import Row
from .verdict import Wrong

DATABASES = ("sqlite", "postgresql")
#: Of each database: letters, kills, and seconds between two strikes. The long form strikes 10,000 times in all.
SHORT, LONG = (1000, 155, 0.45), (10_000, 5_000, 0.2)
#: Without our defences at least so many letters in a hundred must go out twice.
TEETH = 0.05


def main() -> int:
    given = _parse()
    print(f"seed {given.seed}")
    rows = []
    with tempfile.TemporaryDirectory(prefix="torture-") as name:
        databases = Databases(Path(name) / "databases")
        databases.folder.mkdir(mode=0o700)
        try:
            for number, wanted in enumerate(_runs(given)):
                folder = (given.keep or Path(name)).resolve() / f"run-{number}"
                folder.mkdir(parents=True)
                rows.append((wanted, *run(wanted, databases, folder)))
        finally:
            databases.stop()
    return _conclude(rows)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--database", choices=DATABASES, action="append", help="one of the two alone")
    parser.add_argument("--long", action="store_true", help="10,000 letters and 5,000 kills a run, in quick succession")
    parser.add_argument("--letters", type=int, help="a run")
    parser.add_argument("--kills", type=int, help="a run")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--pace", type=float, help="seconds between two strikes, on average")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--naive", action="store_true", help="only the run with our defences taken out")
    parser.add_argument("--no-naive", action="store_true", help="without that run")
    parser.add_argument("--keep", type=Path, help="keep databases, ledgers and logs in this folder")
    return parser.parse_args()


def _runs(given: argparse.Namespace) -> list[Wanted]:
    """What to run; the naive run is a smaller one."""
    databases, usual = given.database or DATABASES, LONG if given.long else SHORT
    letters, kills, pace = (
        asked or one for asked, one in zip((given.letters, given.kills, given.pace), usual, strict=True)
    )
    runs = [Wanted(one, letters, kills, given.seed, pace, workers=given.workers) for one in databases]
    naive = Wanted(databases[0], min(letters, 400), min(kills, 60), given.seed, naive=True)
    return [naive] if given.naive else runs if given.no_naive else [*runs, naive]


def _conclude(rows: Sequence[Row]) -> int:
    ours = [row for row in rows if not row[0].naive]
    print(f"\n{table.show(rows)}\n")
    faults = [*(fault for row in rows for fault in _faults(row))]
    if ours and not faults:
        print(f"{table.claim(ours)}\n{table.mix()}")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def _faults(row: Row) -> list[str]:
    """What makes a run a failed one."""
    wanted, done, found = row
    if wanted.naive:
        share = found.count(Wrong.DUPLICATE) / found.letters
        return [] if share >= TEETH else [f"the naive variant shows {share:.1%} duplicates only: no teeth"]
    faults = [f"{wanted.name}: {wrong}: {', '.join(names)}" for wrong, names in found.wrong.items()]
    if found.audit:
        faults.append(f"{wanted.name}: the audit log: {found.audit}")
    if done.defects:
        faults.append(f"{wanted.name}: {done.defects} workers ended by themselves; --keep keeps their logs")
    return faults


if __name__ == "__main__":
    sys.exit(main())
