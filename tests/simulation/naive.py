"""The torture run's naive variant, put in place of our defences for a while: what a run must catch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from torture import naive

from dispatcher.domain import outcome
from dispatcher.domain.words import Signal, Verdict
from dispatcher.usecases import sweep


@contextmanager
def without_defences() -> Iterator[None]:
    """A lease that has ended goes back to the queue whatever it had come to; silence after the dot is tried again."""
    with (
        patch.object(sweep, "_reap", naive._reap_by_age),
        patch.dict(outcome._SIGNALS, {Verdict.UNKNOWN: Signal.DEFER}),
    ):
        yield
