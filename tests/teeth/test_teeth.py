"""The table of defences is whole: every fault has one, and each stands where the table says. `make teeth` runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeth.defences import DEFENCES, Defence

ROOT = Path(__file__).resolve().parents[2]


def test_every_fault_has_a_defence_that_is_taken_out() -> None:
    faults = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "faults").glob("test_*.py")}
    assert {one.fault for one in DEFENCES} == faults


@pytest.mark.parametrize("one", DEFENCES, ids=lambda one: f"{one.fault}: {one.what}")
def test_a_defence_stands_exactly_once_where_the_table_says(one: Defence) -> None:
    assert (ROOT / "dispatcher" / one.file).read_text(encoding="utf-8").count(one.text) == 1
    assert one.text != one.instead
