"""What will still be heard in a rehearsal, and when: what far ends tell later, and who answers."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.domain.outcome import Report


@dataclass(frozen=True, slots=True)
class News:
    """One thing that is heard at an instant."""

    at: datetime
    source: str  #: 'channel:smtp', or 'answer'
    about: str  #: an attempt's id; of an answer, the delivery's
    report: Report | None = None  #: None: the addressee answers


@dataclass(slots=True)
class Post:
    """All news that are still to come, in an order that depends on nothing but their facts."""

    _coming: list[tuple[datetime, str, str, int]] = field(default_factory=list)
    _kept: list[News] = field(default_factory=list)

    def put(self, one: News) -> None:
        heapq.heappush(self._coming, (one.at, one.source, one.about, len(self._kept)))
        self._kept.append(one)

    def next_at(self) -> datetime | None:
        """When something is heard next; None where nothing more will be."""
        return self._coming[0][0] if self._coming else None

    def take(self, now: datetime) -> list[News]:
        """What is heard by now, once."""
        found = []
        while self._coming and self._coming[0][0] <= now:
            found.append(self._kept[heapq.heappop(self._coming)[3]])
        return found
