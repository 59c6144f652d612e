"""How many letters 1, 2 and 4 workers send in a second, on PostgreSQL and on SQLite, as ratios of the same run.

    make bench-workers ARGS="--letters 400 --rounds 3"

The workers are the program itself (`dispatcher worker`) over one database; the mail server is `sink.py`. The campaign
is resumed when all of them have announced themselves, and time is from the first letter that was taken to the last: so
starting a process does not count. After each run the server's ledger must be our record: every letter once, no other,
and the audit chain whole; else the run is void.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from desk import bare
from desk.bare import ENTITY, letter_of, mission, queued
from desk.databases import Databases
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.app import open_office
from dispatcher.domain.model import Address
from dispatcher.domain.words import Kind, State
from dispatcher.settings import Settings, load
from dispatcher.store import campaigns
from dispatcher.store.schema import delivery
from dispatcher.usecases import crew, review
from dispatcher.usecases.review import Wanted

HERE = Path(__file__).parent
#: Seconds that a run may take at the most.
PATIENCE = 3600.0
SETTINGS = """
[database]
url = "{url}"

[[mail.relays]]
host = "127.0.0.1"
port = {port}
connections = {connections}

[worker]
tick_seconds = 0.5
"""


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
    folder.mkdir()
    url = databases.fresh(kind, folder).replace("postgresql://postgres:@", "postgresql+psycopg://postgres@")
    with _sink(folder, given.delay) as port:
        file = folder / "dispatcher.toml"
        file.write_text(SETTINGS.format(url=url, port=port, connections=given.connections), encoding="utf-8")
        settings = load(file)
        ids = asyncio.run(_put_in(settings, given.letters))
        computing = _work(file, workers)
    taken = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
    asyncio.run(_judge(settings, ids, [name for name, _ in taken]))
    return Run(kind, workers, given.letters, taken[-1][1] - taken[0][1], computing)


@contextmanager
def _sink(folder: Path, delay: float) -> Iterator[int]:
    """The mail server; its ledger stands in the folder when it has ended."""
    port, ledger = folder / "port", folder / "ledger.json"
    with subprocess.Popen([sys.executable, HERE / "sink.py", port, ledger, str(delay)]) as process:
        try:
            while not port.exists() or not port.read_text(encoding="ascii"):
                time.sleep(0.02)
            yield int(port.read_text(encoding="ascii"))
        finally:
            process.send_signal(signal.SIGTERM)


def _work(file: Path, workers: int) -> float:
    """So many workers until everything is sent; the seconds that they computed."""
    before = os.times()
    words = [sys.executable, "-m", "dispatcher", "--config", file, "worker"]
    here = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    started = [subprocess.Popen(words, cwd=file.parent, env=here, stderr=subprocess.DEVNULL) for _ in range(workers)]
    try:
        asyncio.run(_watch(load(file), workers))
    finally:
        for one in started:
            one.send_signal(signal.SIGTERM)
        codes = [one.wait() for one in started]
    if any(codes):
        raise SystemExit("a worker did not end well")
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


async def _watch(settings: Settings, workers: int) -> None:
    """Let them begin together, and wait until nothing is left to send."""
    async with open_office(settings) as office, asyncio.timeout(PATIENCE):
        while len(await crew.roster(office)) < workers:  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.2)
        await office.store.write(lambda connection: campaigns.put(connection, "bench", paused_at=None))
        while await office.store.read(_left):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.5)


async def _left(connection: AsyncConnection) -> bool:
    """Is any letter not yet taken?"""
    waiting = select(delivery.c.id).where(delivery.c.state != State.ACCEPTED).limit(1)
    return (await connection.execute(waiting)).first() is not None


# -- its letters -------------------------------------------------------------------------------------------------------


async def _put_in(settings: Settings, count: int) -> set[str]:
    """Queue so many letters, due now, of a campaign that is paused; their Message-IDs."""
    missions = [mission(number, Address(Kind.EMAIL, f"mission@ardesia-{number}.example")) for number in range(count)]
    async with open_office(settings) as office:
        letter, now = letter_of("bench", {"entity": await office.archive.put(ENTITY)}), office.clock.now()
        rows = [queued(one, letter, now, now) for one in missions]
        await office.store.write(lambda one: bare.put_in(one, missions, [letter], rows, now, paused_at=now))
        return {one.message_id for one in rows}


async def _judge(settings: Settings, wanted: set[str], taken: list[str]) -> None:
    """The far end's ledger is our record, or there is no result."""
    async with open_office(settings) as office:
        rows = await review.list_deliveries(office, Wanted())
        accepted = {one.delivery.message_id for one in rows if one.delivery.state is State.ACCEPTED}
        if len(taken) != len(set(taken)) or set(taken) != wanted or accepted != wanted:
            raise SystemExit(f"void: {len(taken)} taken, {len(set(taken))} different, {len(accepted)} on record")
        if not (await review.verify_audit(office)).sound:
            raise SystemExit("void: the audit chain is broken")


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
    _keep(given, runs, table)


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


def _keep(given: argparse.Namespace, runs: list[Run], table: list[str]) -> None:
    now = datetime.now(UTC)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}
    rows = [asdict(one) for one in runs]
    kept = {"at": now.isoformat(), "machine": machine, "given": vars(given), "runs": rows, "table": table}
    path = HERE / "results" / f"workers-{now:%Y-%m-%d-%H%M}.json"
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
