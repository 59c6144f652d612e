"""What to say to people about each cause: config/causes.toml, read and checked against `domain.words.Cause`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatcher.domain.errors import Problem, SettingsError
from dispatcher.domain.words import Cause
from dispatcher.resources import resource

from .sources import flatten


@dataclass(frozen=True, slots=True)
class CauseText:
    """How a cause is told to people."""

    text: str  #: what happened, in a few plain words
    next: str  #: the next step that is offered


def causes(path: Path | None = None) -> dict[Cause, CauseText]:
    """The text of every cause but NONE, from `path` or the shipped file; SettingsError tells all problems."""
    file = path or resource("config/causes.toml")
    try:
        tree = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problem = Problem(str(file), f"the causes cannot be read: {error}", "Restore the file", "E_CAUSES_FILE")
        raise SettingsError(problem) from error
    given = dict(flatten(tree))
    if problems := list(_problems(given, str(file))):
        raise SettingsError(problems)
    return {cause: _text(given, cause) for cause in Cause if cause}


def _text(given: dict[str, Any], cause: Cause) -> CauseText:
    return CauseText(given[f"{cause}.text"], given[f"{cause}.next"])


def _problems(given: dict[str, Any], place: str) -> Iterator[Problem]:
    wanted = {f"{cause}.{part}" for cause in Cause if cause for part in ("text", "next")}
    for key in sorted(wanted):
        value = given.get(key)
        if not isinstance(value, str) or not value.strip():
            yield Problem(place, f"'{key}' is missing", "Add it, in a few plain words", "E_CAUSE_TEXT")
    for key in sorted(given.keys() - wanted):
        yield Problem(place, f"'{key}' belongs to no cause", "Remove it, or correct its name", "E_CAUSE_UNKNOWN")
