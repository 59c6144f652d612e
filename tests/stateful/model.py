"""What is true, and what may be said: the model knows which copies are with somebody, and whose word it was.

It knows nothing of leases, stages, moves or schedules: what the program does is judged by what it says alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from simulation.checker import Class, History, classify

from dispatcher.domain.model import Attempt, Delivery
from dispatcher.domain.words import State

#: In the middle of a life much is undecided; at no moment may one of these be.
NEVER = frozenset({Class.LOST, Class.DUPLICATE_SILENT, Class.FAILED_THOUGH_SENT, Class.UNKNOWN_TREATED})


@dataclass(slots=True)
class Model:
    """By delivery, unless it says otherwise."""

    taken: Counter[str] = field(default_factory=Counter)
    returned: Counter[str] = field(default_factory=Counter)
    knowingly: Counter[str] = field(default_factory=Counter)  #: a person sent it again although it may have arrived
    retries: Counter[str] = field(default_factory=Counter)
    given_up_in_doubt: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)  #: somebody has said that they have it
    where: dict[str, bool] = field(default_factory=dict)  #: by attempt: was it taken?
    told: set[str] = field(default_factory=set)  #: attempts of which evidence was heard
    bounced: set[str] = field(default_factory=set)  #: attempts whose copy came back

    def take(self, attempt_id: str) -> None:
        self.taken[attempt_id.partition(".")[0]] += 1
        self.where[attempt_id] = True

    def said(self, delivery_id: str, knowingly: bool) -> None:
        """A person's word 'once more'."""
        self.retries[delivery_id] += 1
        self.knowingly[delivery_id] += knowingly

    def bounce(self, attempt_id: str) -> None:
        if attempt_id not in self.bounced:
            self.bounced.add(attempt_id)
            self.returned[attempt_id.partition(".")[0]] += 1

    def copies(self, delivery_id: str) -> int:
        return self.taken[delivery_id] - self.returned[delivery_id]

    def truth_of(self, delivery_id: str) -> tuple[int, int, int]:
        return self.copies(delivery_id), self.knowingly[delivery_id], self.retries[delivery_id]

    def faults(self, one: Delivery, tries: list[Attempt], told: set[str]) -> list[str]:
        """Everything that is wrong with what is said of this letter now."""
        history = History(
            one,
            tries,
            told,
            self.retries[one.id],
            self.knowingly[one.id],
            one.id in self.given_up_in_doubt,
            self.copies(one.id),
        )
        found = classify(history)
        faults = [str(found)] if found in NEVER else []
        if sum(each.closed_at is None for each in tries) > 1:
            faults.append("two open tries")
        if one.state is State.DELIVERED and not told and not self.copies(one.id):
            faults.append("delivered without evidence")
        if one.due is None and one.state in (State.QUEUED, State.DEFERRED, State.SENDING, State.ACCEPTED):
            faults.append(f"{one.state}, and nobody will look at it")
        return faults
