"""Watches who calls whom while something runs, and finds calls that go up a floor.

What is handed down as a value (a unit of work for the store, a commit point for a channel, the press, the key of
return paths) comes through a parameter and is called without being known: such callables are nested functions, or
stand in HANDED_DOWN. Any other call from a lower floor to a higher one is a find.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

FLOORS = {
    "domain": 0,
    "resources": 0,
    "store": 1,
    "channels": 1,
    "letters": 1,
    "intake": 1,
    "rehearsal": 1,
    "archive": 1,
    "settings": 1,
    "usecases": 2,
    "app": 3,
    "providers": 2,
    "worker": 4,
    "cli": 5,
    "web": 5,
    "__main__": 6,
}
#: Bound methods and functions that the composition root hands down as values.
HANDED_DOWN = frozenset({"Press.render"})
NESTED = ("<locals>", "<lambda>")
#: The two places where the store runs a unit of work; what they call is what they were handed.
RUNS_UNITS = frozenset({"Store.read", "_run_unit", "_run_alone"})


def floor_of(frame: FrameType | None) -> int | None:
    """The floor of a frame's module; None for code that is not ours."""
    name = str(frame.f_globals.get("__name__", "")) if frame else ""
    parts = name.split(".")
    return FLOORS.get(parts[1]) if parts[0] == "dispatcher" and len(parts) > 1 else None


def _named(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"


@contextmanager
def watched() -> Iterator[tuple[set[str], set[str]]]:
    """Gives (calls that went up, every module of ours that was called), filled while the block runs."""
    upward: set[str] = set()
    modules: set[str] = set()

    def look(frame: FrameType, event: str, _arg: Any) -> None:
        if event != "call":
            return
        callee, caller = floor_of(frame), floor_of(frame.f_back)
        if callee is None:
            return
        modules.add(str(frame.f_globals["__name__"]))
        qualname = frame.f_code.co_qualname
        handed = qualname in HANDED_DOWN or any(mark in qualname for mark in NESTED)
        if frame.f_back is None or caller is None or callee <= caller or handed:
            return
        if frame.f_back.f_code.co_qualname not in RUNS_UNITS:
            upward.add(f"{_named(frame.f_back)} → {_named(frame)}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield upward, modules
    finally:
        sys.setprofile(before)
