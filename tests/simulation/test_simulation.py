"""The simulation's short form: a few seeds, every seed that ever failed, its own determinism, and its teeth."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.checker import Class
from simulation.naive import without_defences
from simulation.run import kept
from simulation.runs import run

pytestmark = pytest.mark.usefixtures("quiet")

#: Larger seeds, with --long.
SMALL = 60


@pytest.mark.parametrize("seed", [2])
def test_a_storm_leaves_every_letter_in_a_class_that_is_allowed(seed: int, database_file: Path) -> None:
    done = run(seed, 25, database_file)
    assert done.wrong == ()
    assert not done.audit
    assert done.letters == 25
    assert sum(done.faults.values()) > 10


@pytest.mark.parametrize(
    ("seed", "letters"), [pytest.param(*one, marks=pytest.mark.long if one[1] > SMALL else ()) for one in kept()]
)
def test_a_seed_that_once_failed_is_clean(seed: int, letters: int, database_file: Path) -> None:
    done = run(seed, letters, database_file)
    assert done.wrong == ()
    assert not done.audit


def test_the_same_seed_is_the_same_history_to_the_last_byte(database_file: Path) -> None:
    first, again, other = run(7, 6, database_file), run(7, 6, database_file), run(8, 3, database_file)
    assert first == again
    assert first.record != other.record


def test_without_our_defences_the_simulation_sees_duplicates(database_file: Path) -> None:
    with without_defences():
        naive = run(1, 40, database_file)
    assert naive.classes[Class.DUPLICATE_SILENT] > 0
