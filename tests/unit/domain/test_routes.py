"""The breaker of a route, by itself: what closes it, how long it is left alone, what opens it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.domain.routes import (
    AT_ONCE,
    FAULTS,
    FIRST_WAIT,
    LONGEST_WAIT,
    WINDOW,
    Route,
    answered,
    failed,
    in_vain,
    let_in,
    paused,
)
from dispatcher.domain.words import CAUSES, Cause, RouteState, Who

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STEP = timedelta(seconds=10)


def after(faults: int, cause: Cause = Cause.SMTP_CONNECT, apart: timedelta = STEP) -> Route:
    known: Route | None = None
    for number in range(faults):
        known = failed(known, "main", cause, "no", NOON + number * apart) or known
    assert known is not None
    return known


def test_a_few_faults_in_a_row_close_a_route_and_not_one_fewer() -> None:
    assert after(FAULTS - 1).state is RouteState.OPEN
    closed = after(FAULTS)
    assert (closed.state, closed.until) == (RouteState.CLOSED, NOON + (FAULTS - 1) * STEP + FIRST_WAIT)


def test_faults_that_are_far_apart_close_nothing() -> None:
    assert after(20, apart=WINDOW + STEP).state is RouteState.OPEN


def test_an_answer_in_between_begins_the_count_anew() -> None:
    assert answered(after(FAULTS - 1))


@pytest.mark.parametrize("cause", sorted(AT_ONCE))
def test_what_does_not_pass_by_itself_closes_at_once_and_is_ours_to_mend(cause: Cause) -> None:
    assert after(1, cause).state is RouteState.CLOSED
    assert CAUSES[cause].who is Who.US


def test_faults_of_letters_that_were_under_way_change_nothing_more() -> None:
    assert failed(after(FAULTS), "main", Cause.SMTP_CONNECT, "no", NOON + STEP) is None


def test_each_look_in_vain_doubles_the_wait_up_to_a_ceiling() -> None:
    closed, waits = after(FAULTS), []
    for _ in range(6):
        closed = in_vain(closed, Cause.SMTP_CONNECT, "no", NOON)
        assert closed.until is not None
        waits.append(closed.until - NOON)
    assert waits[:2] == [2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert set(waits[3:]) == {LONGEST_WAIT}


def test_a_route_may_stay_closed_for_ever() -> None:
    closed = after(FAULTS)
    for number in range(5_000):
        closed = in_vain(closed, Cause.SMTP_CONNECT, "no", NOON + number * LONGEST_WAIT)
    assert closed.until == NOON + 5_000 * LONGEST_WAIT


def test_a_look_that_gets_through_lets_one_letter_go_and_its_fault_closes_the_route_for_longer() -> None:
    trial = let_in(in_vain(after(FAULTS), Cause.SMTP_CONNECT, "no", NOON), NOON)
    assert (trial.state, trial.trial_is_free(NOON)) == (RouteState.TRIAL, True)
    again = failed(trial, "main", Cause.SMTP_BUSY, "421", NOON)
    assert again is not None
    assert (again.state, again.until) == (RouteState.CLOSED, NOON + 4 * FIRST_WAIT)
    assert answered(trial)


def test_a_late_answer_does_not_open_a_closed_route() -> None:
    assert not answered(after(FAULTS))


def test_a_pause_is_a_persons_alone() -> None:
    quiet = paused(None, "main", "the office moves", "operator:ada", NOON)
    assert failed(quiet, "main", Cause.SMTP_AUTH, "no", NOON) is None
    assert not answered(quiet)
    assert not quiet.look_is_due(NOON + timedelta(days=30))
