"""What was found wrong while reading: collects problems and warnings, so that all are told at once, and words hints."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from dispatcher.domain.errors import Problem


@dataclass(slots=True)
class Findings:
    """The problems (they refuse the file) and the warnings (a person should look) of one reading."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def fault(self, place: str, code: str, cause: str, way_out: str = "") -> None:
        self.problems.append(Problem(place, cause, way_out, code))

    def warn(self, place: str, code: str, cause: str, way_out: str = "") -> None:
        self.warnings.append(Problem(place, cause, way_out, code))


def in_order(problems: Sequence[Problem], files: Sequence[str] = ()) -> list[Problem]:
    """By file, in this order or in that of their first problem, and by line or row within each."""
    ranks = {file: rank for rank, file in enumerate(files)}

    def key(problem: Problem) -> tuple[int, int]:
        match = _NUMBERED.fullmatch(problem.place)
        name = match[1] if match else problem.place
        file = next((one for one in files if name == one or name.startswith(f"{one}, sheet ")), name)
        return ranks.setdefault(file, len(ranks)), int(match[2]) if match else 0

    return sorted(problems, key=key)


#: 'missions.csv:7' and 'missions.xlsx, sheet Geneva, row 7'.
_NUMBERED = re.compile(r"(.*)(?::|, row )(\d+)", re.DOTALL)


def did_you_mean(word: str, known: Collection[str], otherwise: str) -> str:
    """A way out that names the nearest known word, or says `otherwise`."""
    near = nearest(word, known)
    return f"Did you mean {near!r}?" if near else otherwise


def nearest(word: str, known: Collection[str]) -> str:
    """The known word that `word` is most likely meant to be; '' where none is near."""
    by_folded = {fold(name): name for name in sorted(known, reverse=True)}
    close = get_close_matches(fold(word[:80]), list(by_folded), n=1, cutoff=0.6)
    return by_folded[close[0]] if close else ""


def fold(word: str) -> str:
    """Two names that differ only by case, spaces, hyphens or underscores fold to the same text."""
    return "_".join(word.casefold().replace("-", " ").replace("_", " ").split())


def listing(words: Collection[str], limit: int = 8) -> str:
    """'a, b, c and 4 more': never a wall of names."""
    shown = sorted(words)[:limit]
    more = len(words) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def clip(text: str, limit: int = 60) -> str:
    """A value as it is shown in a message: escaped, so that no control character reaches a terminal, and short."""
    shown = ascii(text) if not text.isprintable() else repr(text)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
