"""A verdict gives its signal; far ends' words are made safe."""

from __future__ import annotations

import pytest

from dispatcher.domain.outcome import escape, signal_for
from dispatcher.domain.words import Signal, Verdict


@pytest.mark.parametrize(
    ("verdict", "left", "signal"),
    [
        (Verdict.DELIVERED, 0, Signal.CONFIRM),
        (Verdict.ACCEPTED, 0, Signal.ACCEPT),
        (Verdict.DEFERRED, 1, Signal.DEFER),
        (Verdict.DEFERRED, 0, Signal.EXHAUST),
        (Verdict.REFUSED, 9, Signal.REFUSE),
        (Verdict.UNKNOWN, 9, Signal.DOUBT),
        (Verdict.UNSENT, 0, Signal.REQUEUE),
    ],
)
def test_each_verdict_has_its_signal(verdict: Verdict, left: int, signal: Signal) -> None:
    assert signal_for(verdict, left) is signal


def test_control_characters_are_escaped_and_long_words_cut() -> None:
    assert escape("550 no\r\nsuch\x1b[31m user") == r"550 no\r\nsuch\x1b[31m user"
    assert escape(b"caf\xe9") == r"caf\xe9"
    assert len(escape("x" * 2000)) == 512
