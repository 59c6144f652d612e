"""What a person may do with a letter: every verb in every state, alone and together, and why not."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatcher.domain.lifecycle import TRANSITIONS
from dispatcher.domain.model import Delivery
from dispatcher.domain.trial import Trial, fate
from dispatcher.domain.verbs import REACH, Asked, Case, Verb, why_not, why_not_together
from dispatcher.domain.words import CAUSES, Bulk, Cause, Kind, Role, Signal, State

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
#: What each verb does in the table of moves; the others leave the state as it is.
SIGNALS = {
    Verb.RETRY: Signal.RETRY,
    Verb.GIVE_UP: Signal.CANCEL,
    Verb.HOLD: Signal.HOLD,
    Verb.RELEASE: Signal.RELEASE,
    Verb.CANCEL: Signal.CANCEL,
    Verb.SWITCH: Signal.CANCEL,
}


def letter(state: State, cause: Cause = Cause.EMAIL_MAILBOX_FULL, **given: Any) -> Delivery:
    usual: dict[str, Any] = dict.fromkeys((field.name for field in fields(Delivery)), "")
    usual |= {"id": "3f", "kind": Kind.EMAIL, "role": Role.TO, "changed_at": NOW, "snoozed_until": None, "fence": 1}
    return Delivery(**(usual | {"state": state, "cause": cause} | given))


def case(state: State, cause: Cause = Cause.EMAIL_MAILBOX_FULL, **given: Any) -> Case:
    until = given.pop("snoozed_until", NOW + timedelta(days=1) if given.pop("aside", False) else None)
    return Case(letter(state, cause, snoozed_until=until), NOW, **({"other_address": "+442079460000"} | given))


@pytest.mark.parametrize("verb", SIGNALS)
def test_a_verb_reaches_only_states_from_which_its_move_is_possible(verb: Verb) -> None:
    assert [state for state in REACH[verb] if SIGNALS[verb] not in TRANSITIONS[state]] == []


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("verb", Verb)
def test_beyond_its_reach_a_verb_is_refused_with_what_is_so(verb: Verb, state: State) -> None:
    refusal = why_not(verb, case(state, aside=verb is Verb.UNSNOOZE))
    if state in REACH[verb]:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.code == {State.IN_DOUBT: "E_DOUBT", State.SENDING: "E_TOO_LATE"}.get(state, refusal.code)
        assert state in refusal.words or state is State.SENDING


@pytest.mark.parametrize("cause", CAUSES)
def test_what_its_cause_forbids_is_not_retried_together(cause: Cause) -> None:
    asked = Asked(cause)
    refusal = why_not_together(Verb.RETRY, case(State.FAILED, cause), asked)
    wanted = {Bulk.YES: None, Bulk.FIRST: "E_TRY_ONE", Bulk.NO: "E_REPAIR_FIRST", Bulk.NEVER: "E_DOUBT"}
    assert (refusal.code if refusal else None) == wanted[CAUSES[cause].bulk]


@pytest.mark.parametrize(
    ("verb", "facts", "code"),
    [
        (Verb.RETRY, {"stopped": True}, "E_STOPPED"),
        (Verb.RETRY, {"suppressed": True}, "E_SUPPRESSED"),
        (Verb.RETRY, {"present": False}, "E_ADDRESS_GONE"),
        (Verb.RETRY, {"answered": True}, "E_ANSWERED"),
        (Verb.RETRY, {"proven": True}, "E_ARRIVED"),
        (Verb.RETRY, {"aside": True}, "E_SNOOZED"),
        (Verb.GIVE_UP, {"aside": True}, "E_SNOOZED"),
        (Verb.SWITCH, {"stopped": True}, "E_STOPPED"),
        (Verb.SWITCH, {"other_address": ""}, "E_SWITCH_NO_ADDRESS"),
        (Verb.SWITCH, {"other_suppressed": True}, "E_SUPPRESSED"),
        (Verb.SWITCH, {"answered": True}, "E_ANSWERED"),
        (Verb.SWITCH, {"doubtful_sister": "4a"}, "E_SISTER_DOUBT"),
        (Verb.SWITCH, {"other_sister": "4a"}, "E_SWITCH_TAKEN"),
        (Verb.SNOOZE, {"aside": True}, None),
        (Verb.UNSNOOZE, {}, "E_NOT_SNOOZED"),
        (Verb.UNSNOOZE, {"snoozed_until": NOW}, "E_NOT_SNOOZED"),
    ],
)
def test_what_is_known_of_a_letter_leaves_it_out(verb: Verb, facts: dict[str, Any], code: str | None) -> None:
    refusal = why_not_together(verb, case(State.FAILED, **facts), Asked())
    assert (refusal.code if refusal else None) == code


def test_what_may_have_gone_before_a_restore_is_released_by_itself_alone() -> None:
    held = case(State.HELD, Cause.RESTORED_HELD)
    assert why_not(Verb.RELEASE, held) is None
    assert [one.code for verb in (Verb.RELEASE, Verb.SWITCH) if (one := why_not_together(verb, held, Asked()))] == [
        "E_RESTORED",
        "E_RESTORED",
    ]


@pytest.mark.parametrize(
    ("state", "tried", "expected"),
    [
        (State.QUEUED, False, Trial.WAITS),
        (State.SENDING, True, Trial.WAITS),
        (State.DEFERRED, True, Trial.AGAIN),
        (State.ACCEPTED, True, Trial.WENT),
        (State.DELIVERED, True, Trial.WENT),
        (State.PRESUMED, True, Trial.WENT),
        (State.DELIVERED, False, Trial.ELSEWISE),
        (State.FAILED, True, Trial.FAILED),
        (State.IN_DOUBT, True, Trial.DOUBT),
        (State.HELD, False, Trial.STOPPED),
        (State.CANCELLED, False, Trial.STOPPED),
    ],
)
def test_what_became_of_the_one_that_was_tried(state: State, tried: bool, expected: Trial) -> None:
    assert fate(letter(state, fence=2 if tried else 1), 1) is expected
