"""Settings for people's eyes: each value with where it came from, secrets masked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .load import DEFAULT
from .model import Settings
from .sources import flatten


class Shown(NamedTuple):
    """One line of `dispatcher config show --origin`."""

    key: str
    value: str
    origin: str


def shown(settings: Settings) -> Iterator[Shown]:
    """Every setting in the order of the file. A secret is a file, so only its path is there to be shown."""
    for key, value in flatten(settings.model_dump(mode="json")):
        if value != []:
            yield Shown(key, _text(value), settings.origins.get(key, DEFAULT))


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)
