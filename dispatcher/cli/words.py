"""The words that people are shown for states and causes. The codes stay as they are in JSON."""

from __future__ import annotations

from dispatcher.domain.words import Cause, Fate, Health, RouteState, State

STATES: dict[State, str] = {
    State.QUEUED: "Queued",
    State.HELD: "Held",
    State.SENDING: "Sending",
    State.DEFERRED: "Will try again",
    State.ACCEPTED: "Accepted",
    State.IN_DOUBT: "In doubt",
    State.PRESUMED: "Presumed delivered",
    State.DELIVERED: "Delivered",
    State.FAILED: "Failed – needs you",
    State.CANCELLED: "Stopped",
}

HEALTH: dict[Health, str] = {
    Health.UNTRIED: "none yet",
    Health.GOOD: "arrived",
    Health.DOUBTFUL: "failed, may pass",
    Health.BAD: "failed: address is wrong",
}

ROUTES: dict[RouteState, str] = {
    RouteState.OPEN: "open",
    RouteState.CLOSED: "closed after faults",
    RouteState.TRIAL: "on trial with one letter",
    RouteState.PAUSED: "paused",
}

FATES: dict[Fate, str] = {
    Fate.MOVED: "goes to the new address",
    Fate.HELD: "held: it has nowhere to go, or names the former office-holder; release, readdress or cancel it",
    Fate.RELEASED: "goes on: what it was held for is gone",
    Fate.MET: "stopped here: the same letter goes to the new address already, or has arrived there",
    Fate.FAILED: "failed before; left as it is (deliveries readdress sends it to the new address)",
    Fate.UNCERTAIN: "is being sent or in doubt; left as it is",
}


def cause_text(cause: Cause) -> str:
    """What happened, in a few plain words; '' where nothing did."""
    from dispatcher.settings import causes

    return causes()[cause].text if cause else ""


def next_step(cause: Cause) -> str:
    """What can be done about it."""
    from dispatcher.settings import causes

    return causes()[cause].next if cause else ""
