"""The simulation's short form: a few seeds, every seed that ever failed, its own determinism, and its teeth."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk.databases import Databases

from simulation.checker import Class
from simulation.naive import without_defences
from simulation.run import kept
from simulation.runs import run

#: Larger seeds wait for `make simulate`.
SMALL = 60


@pytest.fixture(scope="module")
def template(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    databases.fresh("sqlite", folder)
    return folder / "dispatcher.db"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What is logged of a storm is no news."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", [2])
def test_a_storm_leaves_every_letter_in_a_class_that_is_allowed(seed: int, template: Path) -> None:
    done = run(seed, 25, template)
    assert done.wrong == ()
    assert not done.audit
    assert done.letters == 25
    assert sum(done.faults.values()) > 10


@pytest.mark.parametrize(("seed", "letters"), [one for one in kept() if one[1] <= SMALL])
def test_a_seed_that_once_failed_is_clean(seed: int, letters: int, template: Path) -> None:
    done = run(seed, letters, template)
    assert done.wrong == ()
    assert not done.audit


def test_the_same_seed_is_the_same_history_to_the_last_byte(template: Path) -> None:
    first, again, other = run(7, 6, template), run(7, 6, template), run(8, 3, template)
    assert first == again
    assert first.record != other.record


def test_without_our_defences_the_simulation_sees_duplicates(template: Path) -> None:
    with without_defences():
        naive = run(1, 40, template)
    assert naive.classes[Class.DUPLICATE_SILENT] > 0
