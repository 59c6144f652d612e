"""The last look before a send: each reason, and which one is told when there are several."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from dispatcher.domain.calendars import Calendar
from dispatcher.domain.gate import GRACE, Answer, Facts, Say, look
from dispatcher.domain.model import Hours
from dispatcher.domain.schedule import DOUBT_WAIT
from dispatcher.domain.words import Cause, State

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FINE = Facts(
    now=NOON,
    running=True,
    stopped=False,
    suppressed=False,
    present=True,
    answered=False,
    follow_up=False,
    sister_in_doubt=False,
    waits_for=None,
    expires_at=None,
    hours=None,
    zone="Europe/Zurich",
)


def test_what_is_due_and_wanted_passes() -> None:
    assert look(FINE) == Answer(Say.PASS)


@pytest.mark.parametrize(
    ("facts", "say", "cause"),
    [
        ({"stopped": True}, Say.STOP, Cause.GATE_STOPPED),
        ({"suppressed": True}, Say.STOP, Cause.GATE_SUPPRESSED),
        ({"answered": True, "follow_up": True}, Say.STOP, Cause.GATE_ANSWERED),
        ({"waits_for": State.DELIVERED}, Say.STOP, Cause.GATE_PROVEN),
        ({"expires_at": NOON}, Say.FAIL, Cause.LETTER_EXPIRED),
        ({"present": False}, Say.HOLD, Cause.GATE_CONTACT),
        ({"running": False}, Say.WAIT, Cause.GATE_PAUSED),
        ({"sister_in_doubt": True, "follow_up": True}, Say.WAIT, Cause.GATE_DOUBT),
        ({"sister_in_doubt": True, "waits_for": State.IN_DOUBT}, Say.WAIT, Cause.GATE_DOUBT),
        ({"hours": Hours(time(14), time(18))}, Say.WAIT, Cause.GATE_WINDOW),
    ],
)
def test_each_reason_not_to_send(facts: dict[str, object], say: Say, cause: Cause) -> None:
    answer = look(replace(FINE, **facts))  # type: ignore[arg-type]  # the table names only what matters
    assert (answer.say, answer.cause) == (say, cause)


def test_an_answer_does_not_stop_the_first_letter_on_another_channel() -> None:
    assert look(replace(FINE, answered=True)).say is Say.PASS


def test_a_doubtful_sister_does_not_hold_up_the_first_letter() -> None:
    assert look(replace(FINE, sister_in_doubt=True)).say is Say.PASS


def test_a_fall_back_goes_when_the_email_failed_or_has_no_proof() -> None:
    for state in (State.FAILED, State.ACCEPTED, State.PRESUMED):
        assert look(replace(FINE, waits_for=state)).say is Say.PASS


def test_waiting_says_until_when() -> None:
    doubtful = look(replace(FINE, sister_in_doubt=True, follow_up=True))
    assert doubtful.until == NOON + DOUBT_WAIT
    closed = look(replace(FINE, hours=Hours(time(14), time(18))))
    assert closed.until == NOON + timedelta(hours=1)


def test_a_closed_day_is_told_by_its_reason() -> None:
    """24 November 2026 is a Tuesday."""
    office = replace(FINE, hours=Hours(time(8), time(18)))
    assert look(office).say is Say.PASS
    closed = look(replace(office, calendar=Calendar(closed={"2026-11-24": "UN holiday: Eid al-Fitr"})))
    assert (closed.cause, closed.detail) == (Cause.GATE_WINDOW, "UN holiday: Eid al-Fitr")
    assert closed.until == datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
    assert look(replace(FINE, hours=Hours(time(14), time(18)))).detail == "before 14:00"


def test_what_was_missed_by_more_than_a_day_waits_for_a_person() -> None:
    assert look(replace(FINE, late_by=GRACE)).say is Say.PASS
    late = look(replace(FINE, late_by=GRACE + timedelta(seconds=1)))
    assert (late.say, late.cause) == (Say.HOLD, Cause.GATE_LATE)
    assert look(replace(FINE, late_by=GRACE * 2, running=False)).cause is Cause.GATE_PAUSED


def test_unwanted_is_told_before_not_now() -> None:
    assert look(replace(FINE, stopped=True, running=False)).cause is Cause.GATE_STOPPED
