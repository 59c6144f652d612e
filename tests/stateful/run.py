"""The stateful test's long form: python -m stateful.run --examples 5000 --steps 100, with tests/ on the path."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from desk.databases import migrated_sqlite
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from .machine import Engine
from .place import Place, on_sqlite


def explore(
    make: Callable[[], Place], examples: int, steps: int, seed: int | None = None, *, shrink: bool = True
) -> None:
    """Run so many histories of so many steps. Raises AssertionError with the shortest history that breaks a rule."""

    class Here(Engine):
        pass

    Here.make = staticmethod(make)
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=seed is None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Here if seed is None else seeded(seed)(Here), settings=chosen)


def main() -> int:
    parser = argparse.ArgumentParser(prog="stateful", description=__doc__)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shrink", action="store_true", help="make a history that fails as short as can be")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    gc.set_threshold(50_000, 20, 50)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="stateful-") as name:
        migrated_sqlite(Path(name))
        explore(
            lambda: on_sqlite(Path(name) / "dispatcher.db"),
            given.examples,
            given.steps,
            given.seed,
            shrink=given.shrink,
        )
    print(
        f"{given.examples} histories of up to {given.steps} steps in {time.perf_counter() - began:.0f} s: nothing wrong"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
