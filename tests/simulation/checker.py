"""Holds every letter's record against what the far ends hold, and puts it into one class. Judges; changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.lifecycle import ARRIVED
from dispatcher.domain.model import Attempt, Delivery
from dispatcher.domain.words import Cause, Kind, Stage, State, Verdict


class Class(StrEnum):
    """What became of one letter, seen from outside."""

    OK = "ok"
    DOUBT = "doubt"  # it may have gone, and says so
    DUPLICATE_AUTHORISED = "duplicate, authorised"  # a person sent it again knowingly
    LOST = "lost"  # said to have gone, and nobody has it
    DUPLICATE_SILENT = "duplicate, silent"  # somebody has it more often than a person asked for
    FAILED_THOUGH_SENT = "failed though sent"  # said not to have gone, and somebody has it
    UNKNOWN_TREATED = "unknown, treated as known"  # tried again although nobody knew, and nobody decided
    STUCK = "stuck"  # undecided at the end, and nobody will look at it


ALLOWED = frozenset({Class.OK, Class.DOUBT, Class.DUPLICATE_AUTHORISED})
#: A person, or the end of the campaign, stopped it whatever had become of it.
_BY_WORD = frozenset({Cause.PERSON_CANCEL, Cause.GATE_STOPPED, Cause.GATE_ANSWERED, Cause.GATE_PROVEN})


@dataclass(frozen=True, slots=True)
class History:
    """One letter: its row, its tries, what was heard, what people said, and how many copies are with somebody."""

    delivery: Delivery
    tries: Sequence[Attempt]
    told: Collection[str] = ()  #: tries of which evidence came later
    retries: int = 0  #: a person's words 'once more', of whatever kind
    knowingly: int = 0  #: those of them that said 'although it may have arrived'
    given_up_in_doubt: bool = False
    copies: int = 0  #: with somebody: taken, and not returned


def classify(one: History) -> Class:
    """The worst that is to be said of it."""
    state = one.delivery.state
    if one.copies > 1 + one.knowingly:
        return Class.DUPLICATE_SILENT
    if state in (*ARRIVED, State.ACCEPTED) and not one.copies:
        return Class.LOST
    if one.copies and (state is State.FAILED or (state is State.CANCELLED and not _by_word(one))):
        return Class.FAILED_THOUGH_SENT
    if _unknown_treated(one):
        return Class.UNKNOWN_TREATED
    if undecided(one.delivery):
        return Class.STUCK
    if one.copies > 1:
        return Class.DUPLICATE_AUTHORISED
    return Class.DOUBT if state is State.IN_DOUBT else Class.OK


def gives_up_in_doubt(event: AuditEvent) -> bool:
    """A person gave a letter up of which nobody knew: that is no word on what had become of it."""
    told = (event.action, event.before, event.data.get("cause"))
    return told == ("delivery.cancel", State.IN_DOUBT, Cause.PERSON_GAVE_UP)


def _by_word(one: History) -> bool:
    """Was it stopped whatever had become of it?"""
    return one.delivery.cause in _BY_WORD or (one.delivery.cause is Cause.PERSON_GAVE_UP and one.given_up_in_doubt)


def undecided(one: Delivery) -> bool:
    """At the end of a run nothing waits any more, but for a person: held, failed and in doubt."""
    if one.state is State.ACCEPTED:
        return one.kind is Kind.FAX
    return one.state in (State.QUEUED, State.SENDING, State.DEFERRED)


def _unknown_treated(one: History) -> bool:
    """Of each try of which nobody knew, evidence came or a person decided before the next."""
    unknown = [each for each in one.tries if each.stage is Stage.CLOSED and each.verdict == Verdict.UNKNOWN]
    last = one.tries[-1].fence if one.tries else 0
    treated = [each for each in unknown if each.fence < last and each.id not in one.told]
    return len(treated) > one.retries
