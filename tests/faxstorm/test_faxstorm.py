"""The fax storm's short form: every fault mixed in, gateways failing over; its judge, its determinism and its teeth."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulation.checker import Class
from simulation.faults import Fault

from faxstorm.run import UNSAID, naive, run
from faxstorm.storm import MIX
from faxstorm.telephones import Call, at_once, copies

pytestmark = pytest.mark.usefixtures("quiet")


def test_no_number_is_called_twice_at_once_no_letter_comes_twice_unseen_and_no_try_stays_open(
    database_file: Path,
) -> None:
    done = run(3, 40, database_file, MIX)
    assert (done.twice_at_once, done.late, done.wrong) == ((), (), ())
    assert sum(done.classes.values()) == 40
    assert done.calls["ok"] > 25
    assert done.calls["line_lost"]
    assert done.closed
    assert done.moved
    happened = {fault for fault, count in done.faults.items() if count}
    assert happened >= {Fault.FAX_UNSAID, Fault.FORGED, Fault.TWICE, Fault.FAX_TOO_MANY}
    assert len(happened) > 15


@pytest.mark.long
@pytest.mark.parametrize("seed", [11])
def test_a_storm_that_once_failed_is_clean(seed: int, database_file: Path) -> None:
    assert run(seed, 200, database_file).faults_found == ()


def test_without_our_defences_it_sees_all_three(database_file: Path) -> None:
    with naive():
        done = run(1, 20, database_file, UNSAID)
    assert done.twice_at_once
    assert done.classes[Class.DUPLICATE_SILENT]
    assert done.late


def _call(begins: float, ends: float, *, number: str = "+1", letter: str = "a", printed: int = 3) -> Call:
    return Call("alpine", number, f"{letter}.1", "", begins, ends, "ok", printed, printed, 3)


def test_the_networks_book_shows_calls_that_overlap_and_copies_that_are_whole() -> None:
    assert list(at_once([_call(0, 10), _call(10, 20), _call(5, 15, number="+2")])) == []
    assert len(list(at_once([_call(0, 100), _call(10, 20), _call(30, 40), _call(100, 110)]))) == 2
    assert copies([_call(0, 10), _call(20, 30), _call(40, 50, printed=2), _call(0, 9, letter="b")]) == {"a": 2, "b": 1}
