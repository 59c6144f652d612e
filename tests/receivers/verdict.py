"""Holds the receiver's ledger against our record of every delivery. Judges; changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select

from dispatcher.domain.lifecycle import ARRIVED
from dispatcher.domain.model import Attempt, Delivery
from dispatcher.domain.words import State, Verdict
from dispatcher.store import attempts, views
from dispatcher.store.schema import delivery
from dispatcher.usecases import audit_log
from dispatcher.usecases.office import Office

TAKEN = (*ARRIVED, State.ACCEPTED)
WAITING = (State.QUEUED, State.SENDING, State.DEFERRED, State.HELD)


class Wrong(StrEnum):
    """What must not be."""

    LOST = "lost"  # accepted with us, and not in the ledger
    TWICE = "twice"  # in the ledger more often than once
    FAILED_THOUGH_TAKEN = "failed though taken"  # said not to have gone, and the ledger has it
    STRANGE = "strange"  # in the ledger, and no letter of ours
    MISNAMED = "other queue id"  # accepted under a name that the receiver did not give it
    STUCK = "undecided"  # neither gone, nor failed, nor in doubt


@dataclass(frozen=True, slots=True)
class Found:
    """What a run came to."""

    states: Counter[State]
    tries: int
    verdicts: Counter[str]  #: of all tries
    ledger: int  #: entries
    doubts_taken: int  #: in doubt with us, and in the ledger
    wrong: dict[Wrong, list[str]] = field(default_factory=dict)
    audit: str = ""

    @property
    def clean(self) -> bool:
        return not self.wrong and not self.audit


def wrongs(one: Delivery, taken: int) -> set[Wrong]:
    """All that is wrong with one delivery whose letter stands `taken` times in the ledger."""
    found = {
        Wrong.LOST: one.state in TAKEN and not taken,
        Wrong.TWICE: taken > 1,
        Wrong.FAILED_THOUGH_TAKEN: one.state in (State.FAILED, State.CANCELLED) and taken > 0,
        Wrong.STUCK: one.state in WAITING,
    }
    return {wrong for wrong, so in found.items() if so}


def misnamed(one: Delivery, tries: Sequence[Attempt], names: set[tuple[str, str]]) -> bool:
    """Did the receiver call the letter otherwise than its answer to us said?"""
    refs = {each.ref for each in tries if each.verdict == Verdict.ACCEPTED and each.ref}
    return any((one.message_id, ref) not in names for ref in refs)


async def find(office: Office, ledger: Mapping[str, int], names: set[tuple[str, str]] | None = None) -> Found:
    """Judge every delivery of the database. `ledger` counts by Message-ID; `names` are (Message-ID, queue id)."""

    async def query(connection: Any) -> list[tuple[Delivery, list[Attempt]]]:
        rows = [one.delivery for one in await views.list_deliveries(connection, views.Wanted())]
        return [(row, await attempts.of_delivery(connection, row.id)) for row in rows]

    cases = await office.store.read(query)
    wrong: dict[Wrong, list[str]] = {}
    for one, tries in cases:
        for each in wrongs(one, ledger.get(one.message_id, 0)):
            wrong.setdefault(each, []).append(one.id)
        if names is not None and misnamed(one, tries, names):
            wrong.setdefault(Wrong.MISNAMED, []).append(one.id)
    if strange := sorted(set(ledger) - {one.message_id for one, _ in cases}):
        wrong[Wrong.STRANGE] = strange
    return Found(
        states=Counter(one.state for one, _ in cases),
        tries=sum(len(tries) for _, tries in cases),
        verdicts=Counter(str(each.verdict) for _, tries in cases for each in tries),
        ledger=sum(ledger.values()),
        doubts_taken=sum(one.state is State.IN_DOUBT and ledger.get(one.message_id, 0) > 0 for one, _ in cases),
        wrong=wrong,
        audit="; ".join(f"{one.seq} {one.what}" for one in (await audit_log.verify_audit(office)).findings),
    )


async def undecided(office: Office) -> int:
    """Letters that are still under way with us."""
    query = select(func.count()).where(delivery.c.state.in_(WAITING))
    return int(await office.store.read(lambda connection: connection.scalar(query)) or 0)
