"""Cuts a long list into parts that one statement takes: the one bound on the parameters of a statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

#: Parameters of one statement; SQLite allows no more than 999 in old builds (sqlite.org/limits.html, November 2026).
MANY = 500

T = TypeVar("T")


def in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in order, at most MANY at a time; nothing where there is none."""
    for start in range(0, len(values), MANY):
        yield values[start : start + MANY]
