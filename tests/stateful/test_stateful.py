"""The short form of the stateful test; `make stateful` is the long one (tests/stateful/run.py)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk.databases import Databases

from stateful.place import on_postgresql, on_sqlite
from stateful.run import explore


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_whatever_happens_in_whatever_order_what_is_said_is_true(databases: Databases, tmp_path: Path) -> None:
    databases.fresh("sqlite", tmp_path)
    explore(lambda: on_sqlite(tmp_path / "dispatcher.db"), examples=8, steps=40)


def test_the_same_on_postgresql(databases: Databases) -> None:
    explore(lambda: on_postgresql(databases.fresh_postgresql()), examples=2, steps=12)
