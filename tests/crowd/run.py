"""Two schedulers and four workers over one database: python -m crowd.run, with tests/ on the path; `make crowd`.

A scheduler is `dispatcher up` (clock, callbacks and worker), a worker `dispatcher worker`. Half of the letters are
queued; for the other half a follow-up is due, which whoever sees it first queues. All of them look at once. Exit code
0: the mail server has every letter once, which is what our record says, and the audit log is whole.
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import time
from pathlib import Path

from desk.databases import Databases

from . import office
from .office import Place


def main() -> int:
    given = _arguments()
    following = given.letters // 2
    with tempfile.TemporaryDirectory(prefix="crowd-") as name:
        databases = Databases(Path(name) / "databases")
        databases.folder.mkdir(mode=0o700)
        try:
            with office.opened(databases, Path(name) / "place", given.database, given.delay) as place:
                wanted = office.put_in(place, given.letters - following, following)
                began = time.monotonic()
                office.work(place, _words(place, given), given.letters)
                seconds = time.monotonic() - began
            wrong = office.judge(place, wanted)
        finally:
            databases.stop()
    print(
        f"{given.letters:,} letters, {following:,} of them follow-ups, {given.schedulers} schedulers and "
        f"{given.workers} workers on {given.database}, {seconds:,.0f} s: {wrong or 'every letter once, audit sound'}"
    )
    return 1 if wrong else 0


def _words(place: Place, given: argparse.Namespace) -> list[list[str | Path]]:
    schedulers: list[list[str | Path]] = [[place.file(_free_port()), "up"] for _ in range(given.schedulers)]
    return [*schedulers, *([place.file(), "worker"] for _ in range(given.workers))]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="crowd", description=__doc__)
    parser.add_argument("--letters", type=int, default=400)
    parser.add_argument("--schedulers", type=int, default=2)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--delay", type=float, default=5, help="milliseconds that each of the server's replies takes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
