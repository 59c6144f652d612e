"""Where time comes from. Everything else is handed an instant; only the composition root picks a clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

#: A wall clock that departs from the monotonic one by more than this stops sending (papers: reliability, section 1).
STEP_LIMIT = timedelta(seconds=30)
#: Sending goes on by itself once both clocks have agreed for so long.
STEP_REST = timedelta(minutes=10)


class Clock(Protocol):
    """Wall time (aware, UTC) and a monotonic count of seconds that never steps."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def behind(before: datetime, there: datetime, after: datetime) -> timedelta:
    """How far our clock is behind another one, which was read `there` between our own two looks; negative: ahead.

    What the time between the two looks may explain does not count: a slow answer makes no clock wrong.
    """
    if there < before:
        return there - before
    return max(there - after, timedelta())


@dataclass(slots=True)
class LeapClock:
    """A clock that runs on from `start` at the machine's pace and can be sent ahead: a fortnight in seconds."""

    start: datetime
    _ahead: timedelta = timedelta()
    _origin: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=time.monotonic() - self._origin) + self._ahead

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead.total_seconds()

    def leap_to(self, instant: datetime) -> None:
        """Go ahead to `instant`; never back."""
        self._ahead += max(instant - self.now(), timedelta())


@dataclass(slots=True)
class HandClock:
    """A clock that stands until it is turned, by a test or a rehearsal. `step` moves the wall alone, as a wrongly set
    clock does."""

    at: datetime
    ticks: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.ticks

    def turn(self, **by: float) -> None:
        delta = timedelta(**by)
        self.at += delta
        self.ticks += delta.total_seconds()

    def turn_to(self, instant: datetime) -> None:
        """Go ahead to exactly `instant`; never back."""
        ahead = max(instant - self.at, timedelta())
        self.at += ahead
        self.ticks += ahead.total_seconds()

    def step(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass(slots=True)
class StepWatch:
    """Finds a wall clock that was set: compares it with the monotonic one at every look."""

    _wall: datetime | None = None
    _mono: float = 0.0
    _stepped_at: float | None = None
    last_step: timedelta = timedelta()

    def steady(self, clock: Clock) -> bool:
        """False from the look that finds a step until both clocks have agreed for STEP_REST."""
        wall, mono = clock.now(), clock.monotonic()
        if self._wall is not None:
            step = (wall - self._wall) - timedelta(seconds=mono - self._mono)
            if abs(step) > STEP_LIMIT:
                self._stepped_at, self.last_step = mono, step
        self._wall, self._mono = wall, mono
        if self._stepped_at is not None and mono - self._stepped_at >= STEP_REST.total_seconds():
            self._stepped_at = None
        return self._stepped_at is None
