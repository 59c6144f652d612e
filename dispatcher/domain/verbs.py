"""What a person may do with letters that wait or failed: which states each act reaches, and why not with this one.

Decides on facts handed in; the acts are in usecases. Nothing that is done to many letters at once reaches one that is
in doubt or being sent: no verb has those states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .lifecycle import ARRIVED
from .model import Delivery
from .words import CAUSES, Bulk, Cause, Kind, State


class Verb(StrEnum):
    """What a person does with one letter, or with all of a filter."""

    RETRY = "retry"  # another full set of tries for what failed
    GIVE_UP = "give_up"  # leave a failure at that
    HOLD = "hold"  # freeze what waits
    RELEASE = "release"  # lift the hold
    CANCEL = "cancel"  # stop what waits
    SNOOZE = "snooze"  # put a failed or held one aside until an hour; it does not send by itself then
    UNSNOOZE = "unsnooze"  # take it back before
    SWITCH = "switch"  # send the same letter by fax instead of email, or the reverse


_WAITING = frozenset({State.QUEUED, State.DEFERRED})
_NEEDS_A_PERSON = frozenset({State.FAILED, State.HELD})

#: The states that each verb reaches.
REACH: dict[Verb, frozenset[State]] = {
    Verb.RETRY: frozenset({State.FAILED}),
    Verb.GIVE_UP: frozenset({State.FAILED}),
    Verb.HOLD: _WAITING,
    Verb.RELEASE: frozenset({State.HELD}),
    Verb.CANCEL: _WAITING | {State.HELD},
    Verb.SNOOZE: _NEEDS_A_PERSON,
    Verb.UNSNOOZE: _NEEDS_A_PERSON,
    Verb.SWITCH: _WAITING | _NEEDS_A_PERSON,
}
#: No act on many reaches these; they are told among what is left out.
UNTOUCHED = frozenset({State.IN_DOUBT, State.SENDING})


@dataclass(frozen=True, slots=True)
class Case:
    """A delivery, and what else is known at this moment that decides what may be done with it."""

    delivery: Delivery
    now: datetime
    stopped: bool = False  #: its campaign was stopped
    suppressed: bool = False  #: nothing goes to its address
    present: bool = True  #: its contact is on the list and has this address still
    answered: bool = False  #: its addressee has answered
    proven: bool = False  #: it stands in for an email that has arrived
    doubtful_sister: str = ""  #: id of another delivery of the same letter to them that is in doubt
    other_address: str = ""  #: where the contact's letters of the other kind go
    other_suppressed: bool = False  #: nothing goes there
    other_sister: str = ""  #: id of a delivery of the same letter by the other kind that was not stopped

    @property
    def snoozed(self) -> bool:
        until = self.delivery.snoozed_until
        return until is not None and until > self.now


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: a stable name, and words that go on from 'delivery 3f… '."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody who acts on many said, and what came of the one that was tried first."""

    cause: Cause | None = None
    tried_at: datetime | None = None  #: when one of this group was last tried by itself
    went: bool = False  #: it was accepted, or arrived
    told: str = ""  #: what became of it, in words, where it did not go
    trying: bool = False  #: this is the try of one


def other_kind(kind: Kind) -> Kind:
    return Kind.FAX if kind is Kind.EMAIL else Kind.EMAIL


# -- one ---------------------------------------------------------------------------------------------------------------


def why_not(verb: Verb, case: Case) -> Refusal | None:
    """Why this cannot be done with this letter, even by itself; None where it can."""
    return _out_of_reach(verb, case) or _ALONE.get(verb, _nothing)(case)


def _nothing(_case: Case) -> Refusal | None:
    return None


def _out_of_reach(verb: Verb, case: Case) -> Refusal | None:
    state, name = case.delivery.state, case.delivery.id
    if state in REACH[verb]:
        return None
    if state is State.IN_DOUBT:
        return Refusal(
            "E_DOUBT", f"is in_doubt, not {_reach(verb)}; a doubt is settled one by one: doubts settle {name}"
        )
    if state is State.SENDING:
        return Refusal("E_TOO_LATE", "is being sent at this moment; see what comes of it first")
    if verb in _BEFORE_IT_LEAVES and state in ARRIVED | {State.ACCEPTED}:
        return Refusal("E_TOO_LATE", f"has left already: it is {state}")
    hint = f"; to leave it at that: failures give-up {name}" if (verb, state) == (Verb.CANCEL, State.FAILED) else ""
    return Refusal("E_STATE", f"is {state}, not {_reach(verb)}{hint}")


_BEFORE_IT_LEAVES = (Verb.HOLD, Verb.CANCEL, Verb.SWITCH)


def _reach(verb: Verb) -> str:
    return " or ".join(state for state in State if state in REACH[verb])


def stopped(case: Case) -> Refusal | None:
    """Nothing leaves for a campaign that was stopped, whoever asks for it."""
    words = f"belongs to campaign '{case.delivery.campaign_id}', which was stopped; it sends nothing more"
    return Refusal("E_STOPPED", words) if case.stopped else None


def _awake(case: Case) -> Refusal | None:
    return None if case.snoozed else Refusal("E_NOT_SNOOZED", "is not put aside")


def _no_other_way(case: Case) -> Refusal | None:
    """Why the same letter cannot go to the same contact by the other kind."""
    one, other = case.delivery, other_kind(case.delivery.kind)
    if case.other_sister:
        code, words = "E_SWITCH_TAKEN", f"has a sister: the same letter by {other} is delivery {case.other_sister}"
    elif case.doubtful_sister:
        code, words = "E_SISTER_DOUBT", f"may have gone another way: settle delivery {case.doubtful_sister} first"
    elif one.cause is Cause.RESTORED_HELD:
        code, words = "E_RESTORED", "may have gone before the database was restored; find out first"
    elif case.answered:
        code, words = "E_ANSWERED", "needs no other way: they have answered"
    elif not case.other_address:
        way_out = f"add one: contacts repair {one.contact_id} --{other} …"
        code, words = "E_SWITCH_NO_ADDRESS", f"cannot go by {other}: contact '{one.contact_id}' has none; {way_out}"
    elif case.other_suppressed:
        code, words = "E_SUPPRESSED", f"cannot go by {other}: nothing more goes to {case.other_address}"
    else:
        return None
    return Refusal(code, words)


_ALONE: dict[Verb, Callable[[Case], Refusal | None]] = {
    Verb.RETRY: stopped,
    Verb.RELEASE: stopped,
    Verb.UNSNOOZE: _awake,
    Verb.SWITCH: lambda case: stopped(case) or _no_other_way(case),
}


# -- many --------------------------------------------------------------------------------------------------------------


def why_not_together(verb: Verb, case: Case, asked: Asked) -> Refusal | None:
    """Why this letter is left out when the act is done to many; None where it is not."""
    return why_not(verb, case) or _put_aside(verb, case) or _TOGETHER.get(verb, _no_more)(case, asked)


def _no_more(_case: Case, _asked: Asked) -> Refusal | None:
    return None


def _put_aside(verb: Verb, case: Case) -> Refusal | None:
    """What somebody put aside stays so until its hour; a person may name it by itself."""
    if not case.snoozed or verb in (Verb.SNOOZE, Verb.UNSNOOZE):
        return None
    return Refusal("E_SNOOZED", f"is put aside until {case.delivery.snoozed_until:%Y-%m-%d %H:%M} UTC")


def _useless(case: Case, _asked: Asked) -> Refusal | None:
    """It would be turned back before it leaves."""
    name = case.delivery.id
    if case.answered:
        return Refusal("E_ANSWERED", "is not needed: they have answered")
    if case.proven:
        return Refusal("E_ARRIVED", "is not needed: the letter has arrived by email")
    if case.suppressed:
        return Refusal("E_SUPPRESSED", "goes nowhere: nothing more is sent to its address")
    if not case.present:
        return Refusal("E_ADDRESS_GONE", f"has an address that its contact has left: deliveries readdress {name}")
    return None


def _by_cause(case: Case, asked: Asked) -> Refusal | None:
    """What its cause lets be retried together with others."""
    one, bulk = case.delivery, CAUSES[case.delivery.cause].bulk
    if bulk is Bulk.NEVER:
        return Refusal("E_DOUBT", f"failed for a cause that leaves it open; by itself: failures retry {one.id}")
    if bulk is Bulk.NO:
        return Refusal("E_REPAIR_FIRST", f"needs a repair of its own first; then, by itself: failures retry {one.id}")
    if asked.trying:
        return None
    if asked.tried_at is None or one.changed_at > asked.tried_at:
        since = "" if asked.tried_at is None else " (this one failed after the last one that was tried)"
        words = f"waits for a try of one: one repair mends all of its cause{since}; say --try-one"
        return Refusal("E_TRY_ONE", words) if bulk is Bulk.FIRST else None
    return None if asked.went else Refusal("E_TRIAL", f"waits: {asked.told}")


def _still_frozen(case: Case, asked: Asked) -> Refusal | None:
    """What is not released together with others."""
    one = case.delivery
    if one.cause is Cause.RESTORED_HELD:
        return Refusal("E_RESTORED", "may have gone before the database was restored; release each by itself")
    if one.cause is Cause.GATE_LATE and asked.cause is not Cause.GATE_LATE:
        return Refusal("E_LATE", "was held because its hour had passed; say --cause gate.late, or release it by itself")
    return _useless(case, asked)


_TOGETHER: dict[Verb, Callable[[Case, Asked], Refusal | None]] = {
    Verb.RETRY: lambda case, asked: _useless(case, asked) or _by_cause(case, asked),
    Verb.RELEASE: _still_frozen,
}
