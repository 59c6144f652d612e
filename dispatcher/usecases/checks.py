"""What the doctor says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Finding(StrEnum):
    """What came of a check."""

    GOOD = "good"
    NOTE = "note"  # nothing is wrong, but somebody may want to know
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    finding: Finding
    found: str
    fix: str = ""
