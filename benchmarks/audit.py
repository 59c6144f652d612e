"""What the audit log costs a worker: letters a second with it and without it, in turn, in one run.

    make bench-audit ARGS="--letters 400 --rounds 5"

One worker, SQLite, `tests/crowd/sink.py` as the mail server, which answers at once. Without the log runs
`unaudited.py`: the program itself has no such switch. A run whose ledger is not our record is void.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from crowd import office
from desk.databases import Databases
from keeping import keep

HERE = Path(__file__).parent
PROGRAMS = {
    "with": (sys.executable, "-m", "dispatcher"),
    "without": (sys.executable, str(HERE / "unaudited.py")),
}


def run(databases: Databases, folder: Path, which: str, given: argparse.Namespace) -> float:
    """Letters a second, from the first that was taken to the last."""
    with office.opened(databases, folder, "sqlite", given.delay) as place:
        wanted = office.put_in(place, given.letters)
        office.work(place, [[place.file(), "worker"]], given.letters, PROGRAMS[which])
    if wrong := office.judge(place, wanted):
        raise SystemExit(f"void: {wrong}")
    taken = place.taken
    return float(given.letters / (taken[-1][1] - taken[0][1]))


def main() -> None:
    given = _arguments()
    rates: dict[str, list[float]] = {which: [] for which in PROGRAMS}
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        databases = Databases(Path(name) / "databases")
        databases.folder.mkdir(mode=0o700)
        for turn in range(given.rounds):
            for which in PROGRAMS:
                rates[which].append(run(databases, Path(name) / f"{which}-{turn}", which, given))
                print(f"{which} the log: {rates[which][-1]:.1f} letters/s", flush=True)
    audited, bare = (statistics.median(rates[which]) for which in PROGRAMS)
    line = f"the audit log costs {1 - audited / bare:.0%} of {bare:.1f} letters/s"
    print(line)
    keep("audit", given, rates, [line])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the audit log costs.")
    parser.add_argument("--letters", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--delay", type=float, default=0, help="milliseconds that each of the server's replies takes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
