"""Holds what the database says of every delivery against what the far ends wrote down. Judges; changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from dispatcher.domain.lifecycle import ARRIVED
from dispatcher.domain.model import Attempt, Delivery
from dispatcher.domain.words import Cause, Kind, Stage, State, Verdict
from dispatcher.rehearsal.ledger import Entry
from dispatcher.store import attempts, views
from dispatcher.usecases import audit_log
from dispatcher.usecases.office import Office

#: A fax in doubt has been asked about when its next question is further away than this.
ASKED_ENOUGH = timedelta(minutes=1)
#: What a fax gateway wrote down of a call that surely brought no letter to anybody.
NO_LETTER = frozenset({"busy", "no_answer", "voice", "declined", "line_lost"})


class Wrong(StrEnum):
    """What must not be."""

    LOST = "lost"  # said to have gone, and no far end has it
    DUPLICATE = "silent duplicates"  # a far end has it more often than somebody asked for
    FAILED_THOUGH_SENT = "failed though sent"  # said not to have gone, and a far end has it
    STUCK = "stuck"  # undecided at the end
    UNKNOWN_LOST = "unknown, not in doubt"  # nobody knew what became of a try, and it was treated as if somebody did


@dataclass(frozen=True, slots=True)
class Case:
    """One delivery with all its tries, what was heard of them, and how often a far end has its letter."""

    delivery: Delivery
    tries: Sequence[Attempt]
    known_later: Collection[str] = ()  #: tries whose outcome was told later, by the far end or by their own worker
    taken: int = 0


def undecided(one: Delivery) -> bool:
    """Is the program not yet done with it, as far as a run waits?"""
    if one.state in (State.QUEUED, State.SENDING, State.DEFERRED, State.HELD):
        return True
    if one.kind is Kind.EMAIL:
        return False
    asking = one.state is State.IN_DOUBT and one.due is not None and one.due - one.changed_at <= ASKED_ENOUGH
    return asking or one.state is State.ACCEPTED


def judge(case: Case) -> set[Wrong]:
    """All that is wrong with one delivery; nothing when all is well."""
    state = case.delivery.state
    allowed = 1 + sum(one.knowingly for one in case.tries)
    found = {
        Wrong.STUCK: undecided(case.delivery),
        Wrong.LOST: state in (*ARRIVED, State.ACCEPTED) and not case.taken,
        Wrong.DUPLICATE: case.taken > allowed,
        Wrong.FAILED_THOUGH_SENT: state in (State.FAILED, State.CANCELLED) and case.taken > 0,
        Wrong.UNKNOWN_LOST: not all(_doubt_stands(case, one) for one in case.tries),
    }
    return {wrong for wrong, so in found.items() if so}


def _doubt_stands(case: Case, one: Attempt) -> bool:
    """A try of which nobody knows keeps its delivery in doubt, until its outcome is told or a person decides."""
    known = one.stage is Stage.CLOSED and one.verdict != Verdict.UNKNOWN
    if known or one.id in case.known_later:
        return True
    later = [other for other in case.tries if other.fence > one.fence]
    if later:
        return later[0].knowingly
    return case.delivery.state in (State.IN_DOUBT, State.SENDING, State.CANCELLED)


def took(mail: Iterable[Entry], fax: Iterable[Entry]) -> Counter[str]:
    """How often each delivery's letter is with a far end, by the delivery's id."""
    by_mail = (entry["message_id"].strip("<>").partition("@")[0] for entry in mail)
    brought = (entry for entry in fax if entry["event"] == "taken" and entry["outcome"] not in NO_LETTER)
    return Counter(by_mail) + Counter(entry["reference"].partition(".")[0] for entry in brought)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to."""

    letters: int
    attempts: int
    states: Counter[State]
    doubts_taken: int  #: deliveries in doubt that a far end truly has
    lost_before: int  #: tries whose worker was lost before anything had left
    lost_at: int  #: tries whose worker was lost at the commit point
    wrong: dict[Wrong, list[str]] = field(default_factory=dict)  #: with the ids
    audit: str = ""  #: what is wrong with the audit log

    @property
    def clean(self) -> bool:
        return not self.audit and not any(self.wrong.values())

    def count(self, wrong: Wrong) -> int:
        return len(self.wrong.get(wrong, []))


def report(cases: Sequence[Case], audit: str = "") -> Report:
    """Judge them all."""
    wrong: dict[Wrong, list[str]] = {}
    for case in cases:
        for one in judge(case):
            wrong.setdefault(one, []).append(case.delivery.id)
    causes = Counter(one.cause for case in cases for one in case.tries)
    return Report(
        letters=len(cases),
        attempts=sum(len(case.tries) for case in cases),
        states=Counter(case.delivery.state for case in cases),
        doubts_taken=sum(case.delivery.state is State.IN_DOUBT and case.taken > 0 for case in cases),
        lost_before=causes[Cause.WORKER_LOST],
        lost_at=causes[Cause.WORKER_LOST_TRANSMITTING],
        wrong=wrong,
        audit=audit,
    )


async def every_delivery(connection: Any) -> list[Delivery]:
    return [one.delivery for one in await views.list_deliveries(connection, views.Wanted())]


async def read(office: Office, taken: Counter[str]) -> list[Case]:
    """Every delivery of the database as a case."""

    async def query(connection: Any) -> list[Case]:
        return [await _case(connection, one, taken) for one in await every_delivery(connection)]

    return await office.store.read(query)


async def _case(connection: Any, one: Delivery, taken: Counter[str]) -> Case:
    heard = await attempts.evidence_of(connection, one.id)
    told = {item["attempt_id"] for item in heard if item["applied"] and item["verdict"] != Verdict.UNKNOWN}
    return Case(one, await attempts.of_delivery(connection, one.id), told, taken[one.id])


async def audit_faults(office: Office) -> str:
    """What is wrong with the audit log; '' when it is sound."""
    return "; ".join(f"{one.seq} {one.what}" for one in (await audit_log.verify_audit(office)).findings)
