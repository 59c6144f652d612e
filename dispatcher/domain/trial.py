"""Try one first: what became of the one letter of a group that was tried, and whether the rest may follow it."""

from __future__ import annotations

from enum import StrEnum

from .lifecycle import ARRIVED
from .model import Delivery
from .words import State


class Trial(StrEnum):
    """What became of it."""

    WENT = "went"  # accepted, or arrived: the rest may follow
    WAITS = "waits"  # not tried yet, or being sent
    AGAIN = "again"  # failed for a cause that may pass; it will be tried again
    FAILED = "failed"  # failed again
    DOUBT = "doubt"  # nobody knows
    STOPPED = "stopped"  # held or stopped before it could be tried
    ELSEWISE = "elsewise"  # an earlier try turned out to have arrived: that says nothing about now


def fate(one: Delivery, fence: int) -> Trial:
    """What became of the trial letter `one`, whose fencing number was `fence` when it was chosen."""
    tried = one.fence > fence
    match one.state:
        case State.IN_DOUBT:
            return Trial.DOUBT
        case State.QUEUED | State.SENDING:
            return Trial.WAITS
        case State.DEFERRED:
            return Trial.AGAIN if tried else Trial.WAITS
        case State.HELD | State.CANCELLED:
            return Trial.STOPPED
        case State.FAILED:
            return Trial.FAILED
        case _:
            return Trial.WENT if tried and (one.state in ARRIVED or one.state is State.ACCEPTED) else Trial.ELSEWISE


#: What is said of it to people, after 'delivery 3f… '.
TOLD: dict[Trial, str] = {
    Trial.WENT: "went",
    Trial.WAITS: "waits for its turn; look again when it was sent",
    Trial.AGAIN: "did not get through yet and is tried again by itself; look again then, or try another one",
    Trial.FAILED: "failed again: repair what it says, then try one again",
    Trial.DOUBT: "is in doubt: settle that first, or try another one",
    Trial.STOPPED: "was held or stopped: try another one",
    Trial.ELSEWISE: "turned out to have arrived before: that says nothing about now, try another one",
}


def told(trial: Trial, one: Delivery) -> str:
    """One sentence about it, with what its far end said where it failed."""
    words = f" ({one.cause}: {one.detail})" if trial in (Trial.FAILED, Trial.AGAIN) and one.cause else ""
    return f"the one that was tried, {one.id}, {TOLD[trial]}{words}"
