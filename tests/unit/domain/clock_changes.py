"""Every change of clocks from 2024 to 2040 in the zones that do it strangest: found by asking the zone, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

#: Half an hour at Lord Howe; backwards in Dublin; around Ramadan in Casablanca; at midnight in Cairo, Santiago and
#: Beirut; none any more in Apia and São Paulo.
ZONES = (
    "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
    "America/Sao_Paulo", "Europe/Dublin", "Africa/Cairo", "America/Santiago", "Asia/Beirut",
)  # fmt: skip
#: Zones that have given their changes up.
STEADY = {"Pacific/Apia", "America/Sao_Paulo"}


@dataclass(frozen=True, slots=True)
class Change:
    """One change: local times from `first` on, for `by`, are skipped (a gap) or come twice (a fold)."""

    zone: str
    at: datetime  #: the instant, UTC
    by: timedelta  #: how far the clock moves; negative: backwards

    @property
    def gap(self) -> bool:
        return self.by > timedelta(0)

    @property
    def first(self) -> datetime:
        """The first local time that is skipped, or that comes twice; naive."""
        before = (self.at - timedelta(seconds=1)).astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        edge = before + timedelta(seconds=1)
        return edge if self.gap else edge + self.by

    def locals(self, step: timedelta) -> Iterator[datetime]:
        """The local times that are concerned."""
        local = self.first
        while local < self.first + abs(self.by):
            yield local
            local += step


@cache
def changes(zone: str) -> tuple[Change, ...]:
    """Of 2024 to 2040."""
    found, day = [], datetime(2024, 1, 1, tzinfo=UTC)
    while day < datetime(2041, 1, 1, tzinfo=UTC):
        after = day + timedelta(days=1)
        if _offset(zone, day) != _offset(zone, after):
            at = _edge(zone, day, after)
            found.append(Change(zone, at, _offset(zone, after) - _offset(zone, day)))
        day = after
    return tuple(found)


def _edge(zone: str, before: datetime, after: datetime) -> datetime:
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) / 2
        middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
        if middle <= before:
            break
        before, after = (middle, after) if _offset(zone, middle) == _offset(zone, before) else (before, middle)
    return after


def _offset(zone: str, instant: datetime) -> timedelta:
    offset = instant.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset


def every_change() -> list[Change]:
    return [one for zone in ZONES for one in changes(zone)]
