"""One run of our side, in a process of its own: `prepare` for so many letters in a fresh office, with the progress bar.

Usage: ours.py FOLDER LETTERS alike|apart. Writes FOLDER/ours.json: the seconds, what lies in the archive, and the
memory of each process that renders, at every tenth of the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as day_time
from pathlib import Path

from people import people

from dispatcher.app import open_office
from dispatcher.cli.progress import progress
from dispatcher.domain.model import Actor, Campaign, Contact, Hours, Sender, Step, When
from dispatcher.domain.words import Policy
from dispatcher.intake.contacts import ContactBook
from dispatcher.settings import database_url, load
from dispatcher.usecases.database import upgrade_database
from dispatcher.usecases.prepare import prepare


def campaign(contacts: tuple[Contact, ...]) -> Campaign:
    """The seed letter to everybody, by email and by fax."""
    return Campaign(
        id="benchmark",
        title="The seed letter to many offices",
        organisation="cluster-munition-coalition",
        sender=Sender("Megan Burke", "Director", "director@cmc.example", "Geneva"),
        letter_date=date(2015, 10, 1),
        when=When(datetime(2015, 10, 1, 9), "Europe/Zurich"),
        hours=Hours(day_time(9), day_time(17)),
        contact_ids=tuple(one.id for one in contacts),
        policy=Policy.BOTH,
        policy_by_contact=(),
        proof_after=2,
        copies=(),
        steps=(Step(0, "air-strikes"),),
        expires_after=0,
        source="",
    )


def memory() -> dict[str, float]:
    """MiB that each process holds that we have started, or that such a process has forked, by its number."""
    found = {}
    for number in [grown for child in _children("self") for grown in (child, *_children(child))]:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            lines = Path(f"/proc/{number}/status").read_text("utf-8").splitlines()
            held = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
            found[number] = round(held / 1024, 1)
    return found


def _children(number: str) -> list[str]:
    return [child for path in Path(f"/proc/{number}/task").glob("*/children") for child in path.read_text().split()]


def watching(report: Callable[[int, int], None], tenths: list[dict[str, float]]) -> Callable[[int, int], None]:
    """The progress bar, and a look at the memory at every tenth."""

    def step(done: int, of: int) -> None:
        report(done, of)
        if done * 10 // of > len(tenths):
            tenths.append(memory())

    return step


async def run(folder: Path, number: int, *, apart: bool) -> dict[str, object]:
    places = {
        "office.folder": folder,
        "archive.folder": folder / "archive",
        "database.url": f"sqlite+aiosqlite:///{folder}/office.db",
    }
    settings = load(overrides=places)
    upgrade_database(database_url(settings))
    contacts = people(number, apart=apart)
    tenths: list[dict[str, float]] = []
    start = time.monotonic()
    async with open_office(settings) as office:
        with progress("letters") as report:
            step = watching(report, tenths)
            done = await prepare(
                office, campaign(contacts), ContactBook(contacts, (), {}), Actor("operator", "bench"), step
            )
        seconds = time.monotonic() - start
    assert len(done.plan.letters) == number
    sizes = [one.stat().st_size for one in (folder / "archive").rglob("*") if one.is_file()]
    return {"seconds": seconds, "objects": len(sizes), "mebibytes": sum(sizes) / 2**20, "memory": tenths}


def main() -> None:
    folder, number, states = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    folder.mkdir(parents=True)
    found = asyncio.run(run(folder, number, apart=states == "apart"))
    (folder / "ours.json").write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
