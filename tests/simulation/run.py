"""The simulation: python -m simulation.run --letters 200000 --seed 1, with tests/ on the path; `make simulate` does it.

Seed after seed until so many letters are through; the first seed is printed, and every one that fails with how to see
it again. Then a naive variant, which must show duplicates: otherwise the harness has no teeth. Exit code 0: all is as
it must be.
"""

from __future__ import annotations

import argparse
import gc
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from desk.databases import migrated_sqlite

from .checker import Class
from .faults import Fault
from .naive import without_defences
from .runs import Result, run

KEPT = Path(__file__).with_name("seeds.txt")
#: Letters of one seed.
EACH = 500
#: A run of so many letters begins with every seed that ever failed.
MANY = 10_000
#: Without our defences at least so many letters in a hundred must go out twice.
TEETH = 0.01


@dataclass(slots=True)
class Sum:
    """What several seeds came to together."""

    letters: int = 0
    seeds: int = 0
    attempts: int = 0
    hours: float = 0.0
    classes: Counter[Class] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    failed: list[Result] = field(default_factory=list)

    def add(self, one: Result) -> None:
        self.letters += one.letters
        self.seeds += 1
        self.attempts += one.attempts
        self.hours += one.seconds / 3600
        self.classes.update(one.classes)
        self.faults.update(one.faults)
        if not one.clean:
            self.failed.append(one)

    def lines(self, seconds: float) -> Iterator[str]:
        yield f"{self.letters:,} letters, {self.attempts:,} tries, {self.seeds:,} seeds, {self.hours:,.0f} hours"
        yield f"{self.letters / seconds:.1f} letters a second in {seconds:,.0f} s of ours"
        yield "classes: " + ", ".join(f"{each}: {self.classes[each]:,}" for each in Class)
        yield "faults: " + ", ".join(f"{each}: {count:,}" for each, count in self.faults.most_common())
        if not self.failed:
            yield f"nothing wrong: at 95 % at most 3/{self.letters:,} = {3 / self.letters:.1e} a letter, under this mix"
        for one in self.failed:
            yield f"seed {one.seed} ({one.letters} letters): {'; '.join(one.wrong[:5])} {one.audit}"


def kept() -> list[tuple[int, int]]:
    """Every seed that ever failed, with its number of letters."""
    lines = [line.split() for line in KEPT.read_text().splitlines() if line and not line.startswith("#")]
    return [(int(seed), int(letters)) for seed, letters, *_ in lines]


def simulate(first: int, letters: int, each: int, template: Path, minutes: float = 0.0) -> Sum:
    """Seed after seed until so many letters are through, or the time is up; what fails is told at once."""
    total, seed, began = Sum(), first, time.perf_counter()
    for old, size in kept() if letters >= MANY else ():
        total.add(run(old, size, template))
    while total.letters < letters and not 0 < minutes * 60 < time.perf_counter() - began:
        done = run(seed, min(each, letters - total.letters), template)
        total.add(done)
        if not done.clean:
            print(f"FAILED: --seed {seed} --letters {done.letters} --each {done.letters}", flush=True)
        if total.seeds % 10 == 0:
            print(f"{total.letters:,} letters", flush=True)
        seed += 1
    return total


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--letters", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--each", type=int, default=EACH, help="letters of one seed")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after so many, wherever it is; 0: never")
    parser.add_argument("--no-naive", action="store_true", help="without the naive variant")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    gc.set_threshold(50_000, 20, 50)
    print(f"seed {given.seed}, {given.each} letters each", flush=True)
    with tempfile.TemporaryDirectory(prefix="simulation-") as name:
        migrated_sqlite(Path(name))
        template = Path(name) / "dispatcher.db"
        began = time.perf_counter()
        ours = simulate(given.seed, given.letters, given.each, template, given.minutes)
        print("\n".join(ours.lines(time.perf_counter() - began)), flush=True)
        toothless = not given.no_naive and not _bites(given.seed, template)
    return 1 if ours.failed or toothless else 0


def _bites(seed: int, template: Path) -> bool:
    with without_defences():
        naive = run(seed, EACH, template)
    share = naive.classes[Class.DUPLICATE_SILENT] / naive.letters
    print(f"the naive variant: {share:.1%} silent duplicates in {naive.letters} letters")
    return share >= TEETH


if __name__ == "__main__":
    sys.exit(main())
