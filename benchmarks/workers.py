"""How many letters 1, 2 and 4 workers send in a second, on PostgreSQL and on SQLite, as ratios of the same run.

    make bench-workers ARGS="--letters 400 --rounds 3"

The workers are the program itself (`dispatcher worker`) over one database, the mail server is `tests/crowd/sink.py`.
The campaign is resumed when all of them have announced themselves, and time is from the first letter that was taken to
the last: so starting a process does not count. After each run the server's ledger must be our record: every letter
once, no other, and the audit chain whole; else the run is void.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from crowd import office
from desk.databases import Databases
from keeping import keep


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to."""

    database: str
    workers: int
    letters: int
    seconds: float
    computing: float  #: seconds on all cores, of the workers alone

    @property
    def rate(self) -> float:
        return self.letters / self.seconds


# -- one run -----------------------------------------------------------------------------------------------------------


def run(databases: Databases, folder: Path, kind: str, workers: int, given: argparse.Namespace) -> Run:
    with office.opened(databases, folder, kind, given.delay, given.connections) as place:
        wanted = office.put_in(place, given.letters)
        computing = office.work(place, [[place.file(), "worker"]] * workers, given.letters)
    if wrong := office.judge(place, wanted):
        raise SystemExit(f"void: {wrong}")
    taken = place.taken
    return Run(kind, workers, given.letters, taken[-1][1] - taken[0][1], computing)


# -- all of them -------------------------------------------------------------------------------------------------------


def main() -> None:
    given = _arguments()
    runs: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        databases = Databases(Path(name) / "databases")
        databases.folder.mkdir(mode=0o700)
        try:
            for turn in range(given.rounds):
                for kind in given.databases:
                    for workers in given.workers:
                        folder = Path(name) / f"{kind}-{workers}-{turn}"
                        runs.append(run(databases, folder, kind, workers, given))
                        _tell(runs[-1])
        finally:
            databases.stop()
    table = [_line(runs, kind, workers) for kind in given.databases for workers in given.workers]
    print(*table, sep="\n")
    keep("workers", given, [asdict(one) for one in runs], table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Throughput of 1, 2 and 4 workers.")
    parser.add_argument("--letters", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay", type=float, default=25, help="milliseconds that each of the server's replies takes")
    parser.add_argument("--connections", type=int, default=4, help="of each worker to the mail server")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--databases", nargs="+", default=["postgresql", "sqlite"])
    return parser.parse_args()


def _tell(one: Run) -> None:
    print(
        f"{one.database}, {one.workers} workers: {one.rate:.1f} letters/s, {one.computing:.1f} s computing", flush=True
    )


def _line(runs: list[Run], kind: str, workers: int) -> str:
    """The median of the rounds, and its ratio to one worker's in the same run."""
    rate = _median(runs, kind, workers)
    alone = _median(runs, kind, min(one.workers for one in runs))
    return f"{kind:<11} {workers} workers  {rate:6.1f} letters/s  x {rate / alone:.2f}"


def _median(runs: list[Run], kind: str, workers: int) -> float:
    return statistics.median(one.rate for one in runs if (one.database, one.workers) == (kind, workers))


if __name__ == "__main__":
    main()
