"""A verdict gives its signal; far ends' words are made safe."""

from __future__ import annotations

import pytest

from dispatcher.domain.outcome import broken_off, escape, signal_for
from dispatcher.domain.words import Cause, Signal, Verdict


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


@pytest.mark.parametrize(
    ("confirmed", "pages", "verdict", "cause"),
    [
        (0, 3, Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE),
        (1, 3, Verdict.DEFERRED, Cause.FAX_PARTIAL),
        (18, 20, Verdict.DEFERRED, Cause.FAX_PARTIAL),
        (2, 3, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
        (3, 3, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
        (0, 1, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
        (0, 0, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
        (None, 3, Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
    ],
)
def test_a_call_that_broke_off_is_a_doubt_where_the_last_page_may_be_there(
    confirmed: int | None, pages: int, verdict: Verdict, cause: Cause
) -> None:
    assert broken_off(confirmed, pages) == (verdict, cause)


def test_control_characters_are_escaped_and_long_words_cut() -> None:
    assert escape("550 no\r\nsuch\x1b[31m user") == r"550 no\r\nsuch\x1b[31m user"
    assert escape(b"caf\xe9") == r"caf\xe9"
    assert len(escape("x" * 2000)) == 512
