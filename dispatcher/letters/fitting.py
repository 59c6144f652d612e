"""Looks for the size in which a letter fits its page, with as few settings as it can. Sets nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar


class Counted(Protocol):
    """A set letter."""

    @property
    def count(self) -> int: ...


P = TypeVar("P", bound=Counted)


def largest(setting: Callable[[int], P], steps: int) -> tuple[int, P] | None:
    """The first of so many steps at which one page is enough, and that page; None where it is at none.

    Halves the steps, always in the same order: what fits is taken to fit at later steps too.
    """
    low, high, best = 0, steps, None
    while low < high:
        middle = (low + high) // 2
        page = setting(middle)
        if page.count == 1:
            high, best = middle, (middle, page)
        else:
            low = middle + 1
    return best


def from_step(setting: Callable[[int], P], steps: int, base: int) -> P | None:
    """The page at `base`, or at the next step that is tried after it and fits: ever further, the last in any case.

    Letters that fit at `base` cost one setting each.
    """
    step, stride = min(base, steps - 1), 1
    while True:
        page = setting(step)
        if page.count == 1 or step == steps - 1:
            return page if page.count == 1 else None
        step, stride = min(step + stride, steps - 1), stride * 2
