"""The state table holds what the three promises need, and its copy in ARCHITECTURE.md is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.domain.errors import IllegalMove
from dispatcher.domain.lifecycle import ARRIVED, CLAIMABLE, OVER, TRANSITIONS, UNDECIDED, as_markdown, expects, follow
from dispatcher.domain.words import CAUSES, Bulk, Cause, Signal, State

ROOT = Path(__file__).parents[3]


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(State)


def test_a_doubt_is_never_claimed() -> None:
    assert not expects(State.IN_DOUBT, Signal.CLAIM)
    assert State.IN_DOUBT not in CLAIMABLE


def test_only_a_persons_retry_leads_from_doubt_back_to_the_queue() -> None:
    roads = {signal for signal, after in TRANSITIONS[State.IN_DOUBT].items() if after is State.QUEUED}
    assert roads == {Signal.RETRY}


def test_delivered_is_reached_by_evidence_alone() -> None:
    signals = {signal for moves in TRANSITIONS.values() for signal, after in moves.items() if after is State.DELIVERED}
    assert signals == {Signal.CONFIRM}


def test_nothing_follows_the_end() -> None:
    assert TRANSITIONS[State.DELIVERED] == {} == TRANSITIONS[State.CANCELLED]


def test_proof_of_an_earlier_try_stops_a_waiting_one() -> None:
    for state in (State.QUEUED, State.DEFERRED, State.HELD, State.SENDING):
        assert follow(state, Signal.CONFIRM) is State.DELIVERED


def test_what_may_not_follow_is_refused_with_what_may() -> None:
    with pytest.raises(IllegalMove, match=r"'claim' cannot follow 'failed' \(possible: confirm, retry, cancel\)"):
        follow(State.FAILED, Signal.CLAIM)


def test_groups_are_derived_from_the_table() -> None:
    assert {State.QUEUED, State.DEFERRED} == CLAIMABLE
    assert ARRIVED <= OVER
    assert OVER.isdisjoint(UNDECIDED)


def test_the_table_in_the_documents_is_the_table_in_the_code() -> None:
    assert as_markdown() in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_cause_says_who_acts_and_whether_all_may_be_retried_at_once() -> None:
    assert set(CAUSES) == set(Cause)


def test_a_cause_of_doubt_is_never_retried_in_bulk() -> None:
    for cause in (Cause.EMAIL_NO_ANSWER_AFTER_DATA, Cause.FAX_LOST_AFTER_LAST_PAGE, Cause.WORKER_LOST_TRANSMITTING):
        assert CAUSES[cause].bulk is Bulk.NEVER
