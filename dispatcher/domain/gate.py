"""The last look before a send. Decides on facts handed in; what it says is carried out by dispatch, not here.

Whether the number is busy, or the route unfit, is asked earlier: such rows are not claimed at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from .calendars import PLAIN, Calendar
from .model import Hours
from .schedule import DOUBT_WAIT, VOICE_WAIT, next_opening, why_closed
from .words import Cause, State

#: A campaign that repeats was to send a letter longer ago than this (the machine was off): nobody sends it unasked, and
#: what was missed never leaves in a burst.
GRACE = timedelta(hours=24)


class Say(Enum):
    """What the gate can say."""

    PASS = auto()  # send it
    WAIT = auto()  # not now: back to the queue until `until`; no try is spent
    STOP = auto()  # no longer wanted
    HOLD = auto()  # a person must see it, and say that it may still go
    FAIL = auto()  # can no longer be sent; a person must see it


@dataclass(frozen=True, slots=True)
class Answer:
    say: Say
    cause: Cause = Cause.NONE
    until: datetime | None = None
    detail: str = ""  #: more of the reason, for people: 'Sunday', 'national day of Norway'


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a claimed delivery at the moment of sending."""

    now: datetime
    running: bool  #: its campaign is launched, not paused
    stopped: bool  #: its campaign was stopped
    suppressed: bool  #: its address is on the suppression list
    present: bool  #: its contact is on the list and has this address still
    answered: bool  #: the contact has answered this campaign
    follow_up: bool  #: its step is not the first
    sister_in_doubt: bool  #: another delivery of the same letter may or may not have gone
    waits_for: State | None  #: the state of the email that this fax stands in for; None if it stands for itself
    expires_at: datetime | None
    hours: Hours | None
    zone: str  #: the recipient's
    calendar: Calendar = PLAIN  #: the recipient's closed days
    halted: bool = False  #: nothing is sent at all, by a person's word
    voice: str = ""  #: the failed fax to this number at which a person answered; '' where there is none
    unfiled: bool = False  #: a message that may be their answer waits for a person
    away_until: datetime | None = None  #: they said that they are away
    late_by: timedelta = timedelta()  #: how long ago this time of a campaign that repeats was to leave


def look(facts: Facts) -> Answer:
    """The first reason not to send, in the order in which a person would want to hear it; else PASS."""
    return _unwanted(facts) or _not_now(facts) or Answer(Say.PASS)


def _unwanted(facts: Facts) -> Answer | None:
    if facts.stopped:
        return Answer(Say.STOP, Cause.GATE_STOPPED)
    if facts.suppressed:
        return Answer(Say.STOP, Cause.GATE_SUPPRESSED)
    if facts.answered and facts.follow_up:
        return Answer(Say.STOP, Cause.GATE_ANSWERED)
    if facts.waits_for is State.DELIVERED:
        return Answer(Say.STOP, Cause.GATE_PROVEN)
    if facts.expires_at is not None and facts.now >= facts.expires_at:
        return Answer(Say.FAIL, Cause.LETTER_EXPIRED)
    if not facts.present:
        return Answer(Say.HOLD, Cause.GATE_CONTACT)
    if facts.late_by > GRACE and facts.running:
        return Answer(Say.HOLD, Cause.GATE_LATE)
    return None


def _not_now(facts: Facts) -> Answer | None:
    if facts.halted:
        return Answer(Say.WAIT, Cause.GATE_HALTED, facts.now)
    if not facts.running:
        return Answer(Say.WAIT, Cause.GATE_PAUSED, facts.now)
    if facts.sister_in_doubt and (facts.follow_up or facts.waits_for is not None):
        return Answer(Say.WAIT, Cause.GATE_DOUBT, facts.now + DOUBT_WAIT)
    if facts.voice:
        return Answer(Say.WAIT, Cause.GATE_VOICE, facts.now + VOICE_WAIT, f"delivery {facts.voice}")
    if facts.unfiled and facts.follow_up:
        return Answer(Say.WAIT, Cause.GATE_UNFILED, facts.now + DOUBT_WAIT)
    if facts.away_until is not None and facts.away_until > facts.now and facts.follow_up:
        return Answer(Say.WAIT, Cause.GATE_AWAY, facts.away_until)
    place = (facts.hours, facts.zone, facts.calendar)
    opening = next_opening(facts.now, *place)
    if opening > facts.now:
        return Answer(Say.WAIT, Cause.GATE_WINDOW, opening, why_closed(facts.now, *place))
    return None
