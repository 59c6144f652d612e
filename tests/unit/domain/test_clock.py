"""A wall clock that is set is found, and trusted again once it has been steady."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dispatcher.domain.clock import HandClock, LeapClock, StepWatch, SystemClock, behind

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_a_clock_that_runs_is_steady() -> None:
    clock, watch = HandClock(NOON), StepWatch()
    for _ in range(5):
        assert watch.steady(clock)
        clock.turn(hours=3)


def test_a_step_back_or_ahead_is_found_and_rested_from() -> None:
    for by in (-3600, 3600):
        clock, watch = HandClock(NOON), StepWatch()
        assert watch.steady(clock)
        clock.step(seconds=by)
        assert not watch.steady(clock)
        assert watch.last_step == timedelta(seconds=by)
        clock.turn(minutes=9)
        assert not watch.steady(clock)
        clock.turn(minutes=1)
        assert watch.steady(clock)


def test_a_small_correction_is_no_step() -> None:
    clock, watch = HandClock(NOON), StepWatch()
    assert watch.steady(clock)
    clock.step(seconds=-20)
    assert watch.steady(clock)


def test_a_leap_moves_both_clocks_and_never_back() -> None:
    clock, watch = LeapClock(NOON), StepWatch()
    assert watch.steady(clock)
    clock.leap_to(NOON + timedelta(days=14))
    assert clock.now() >= NOON + timedelta(days=14)
    assert watch.steady(clock)
    clock.leap_to(NOON)
    assert clock.now() >= NOON + timedelta(days=14)


def test_a_clock_is_as_far_behind_as_no_slow_answer_explains() -> None:
    answered = NOON + timedelta(seconds=3)
    assert behind(NOON, NOON + timedelta(seconds=1), answered) == timedelta()
    assert behind(NOON, NOON + timedelta(seconds=10), answered) == timedelta(seconds=7)
    assert behind(NOON, NOON - timedelta(seconds=2), answered) == timedelta(seconds=-2)


def test_the_machines_clock_is_aware() -> None:
    assert SystemClock().now().utcoffset() == timedelta()
