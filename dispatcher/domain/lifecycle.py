"""The life of a delivery: the one table of what may follow what, and the two questions asked of it."""

from __future__ import annotations

from .errors import IllegalMove
from .words import Signal, State

Q, H, S, D = State.QUEUED, State.HELD, State.SENDING, State.DEFERRED
A, I, P = State.ACCEPTED, State.IN_DOUBT, State.PRESUMED
OK, F, X = State.DELIVERED, State.FAILED, State.CANCELLED

TRANSITIONS: dict[State, dict[Signal, State]] = {
    # Evidence about an earlier try beats the wish for another one: without `confirm` here it would go out twice, and
    # without `accept` so would a letter whose doubtful try turns out to have been taken.
    Q: {Signal.CLAIM: S, Signal.HOLD: H, Signal.CANCEL: X, Signal.ACCEPT: A, Signal.CONFIRM: OK},
    H: {Signal.RELEASE: Q, Signal.CANCEL: X, Signal.ACCEPT: A, Signal.CONFIRM: OK},
    S: {
        Signal.ACCEPT: A,
        Signal.CONFIRM: OK,
        Signal.DEFER: D,
        Signal.EXHAUST: F,
        Signal.REFUSE: F,
        Signal.DOUBT: I,
        Signal.REQUEUE: Q,  # the gate or our own side stopped it before anything left: no try spent
        Signal.HOLD: H,  # the gate asks for a person
        Signal.CANCEL: X,  # the gate found that it is no longer wanted
    },
    D: {Signal.CLAIM: S, Signal.HOLD: H, Signal.CANCEL: X, Signal.CONFIRM: OK},
    A: {
        Signal.CONFIRM: OK,
        Signal.DEFER: D,
        Signal.EXHAUST: F,
        Signal.REFUSE: F,
        Signal.DOUBT: I,
        Signal.SETTLE: P,
    },
    I: {
        Signal.ACCEPT: A,
        Signal.CONFIRM: OK,
        Signal.DEFER: D,
        Signal.EXHAUST: F,
        Signal.REFUSE: F,
        Signal.DOUBT: I,
        Signal.RETRY: Q,
        Signal.CANCEL: X,
    },
    P: {
        Signal.CONFIRM: OK,
        Signal.REFUSE: F,
        Signal.DOUBT: I,  # a second try, made knowingly, came back: the first may have arrived
    },
    OK: {},
    F: {Signal.CONFIRM: OK, Signal.RETRY: Q, Signal.CANCEL: X},  # given up, or sent to a corrected address instead
    X: {},
}

#: Groups are derived, never kept by hand.
CLAIMABLE = frozenset(state for state, moves in TRANSITIONS.items() if Signal.CLAIM in moves)
ARRIVED = frozenset({State.PRESUMED, State.DELIVERED})
OVER = frozenset({State.PRESUMED, State.DELIVERED, State.FAILED, State.CANCELLED})
UNDECIDED = frozenset(State) - OVER


def expects(state: State, signal: Signal) -> bool:
    """May `signal` follow `state`? Machines ask this first; what is not expected is kept, not applied."""
    return signal in TRANSITIONS[state]


def follow(state: State, signal: Signal) -> State:
    """The state after `signal`. Raises IllegalMove, which is what a person is shown."""
    try:
        return TRANSITIONS[state][signal]
    except KeyError:
        possible = ", ".join(TRANSITIONS[state]) or "nothing"
        raise IllegalMove(f"'{signal}' cannot follow '{state}' (possible: {possible})") from None


def as_markdown() -> str:
    """The table for ARCHITECTURE.md; a test compares it with what stands there."""
    lines = ["| state | moves |", "|---|---|"]
    for state, moves in TRANSITIONS.items():
        text = " · ".join(f"{signal} → {after}" for signal, after in moves.items()) or "—"
        lines.append(f"| {state} | {text} |")
    return "\n".join(lines)
