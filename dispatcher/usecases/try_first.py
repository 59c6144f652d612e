"""Try one first: one letter of a group is sent, the rest stays as it is, and goes only when that one went."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent, canonical
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Actor, Delivery
from dispatcher.domain.trial import Trial, fate, told
from dispatcher.domain.verbs import Asked, Case, Verb, why_not_together
from dispatcher.domain.words import CAUSES, Bulk, State
from dispatcher.store import audit, cases, deliveries, trials
from dispatcher.store.views import Wanted

from . import guard
from .by_hand import ACTS, By
from .office import Office


@dataclass(frozen=True, slots=True)
class Tried:
    """The one letter of a group that was tried last, and what became of it."""

    delivery: Delivery
    at: datetime
    by: str
    fate: Trial

    @property
    def words(self) -> str:
        return told(self.fate, self.delivery)


async def tried(office: Office, wanted: Wanted) -> Tried | None:
    """What became of the one of this group that was tried last; None where none was."""
    return await office.store.read(lambda connection: tried_of(connection, wanted))


async def tried_of(connection: AsyncConnection, wanted: Wanted) -> Tried | None:
    row = await trials.latest(connection, scope(wanted))
    if row is None:
        return None
    one = await deliveries.get(connection, row.delivery_id)
    return Tried(one, row.at, row.by, fate(one, row.fence))


def scope(wanted: Wanted) -> str:
    """The name of a group: its filter, whatever the states."""
    record = wanted.as_record()
    return canonical({name: value for name, value in record.items() if name not in ("states", "awake_at", "asleep_at")})


async def asked(connection: AsyncConnection, wanted: Wanted) -> Asked:
    """What the rules for acts on many must know about this group."""
    last = await tried_of(connection, wanted) if wanted.cause is not None else None
    if last is None:
        return Asked(wanted.cause)
    went = last.fate is Trial.WENT
    # One that did not go holds back whatever failed until then, itself too; one that went frees what failed before it.
    at = last.at if went else max(last.at, last.delivery.changed_at)
    return Asked(wanted.cause, at, went, last.words)


async def try_one(office: Office, wanted: Wanted, reason: str, actor: Actor) -> Delivery:
    """Retry one letter of the failures of a cause; which one. The rest of the group stays as it is.

    Raises UserError for a group without a cause, or of one whose letters are repaired each by itself; Conflict when
    one of the group is being tried already, or none can be; Quarantined.
    """
    _require_cause(wanted)
    await guard.enter(office)
    return await office.store.write(lambda connection: _try_one(connection, office, wanted, reason, actor))


def _require_cause(wanted: Wanted) -> None:
    if wanted.cause is None:
        raise UserError(Problem("--try-one", "one of which cause?", "Give --cause CODE, as `failures list` shows it."))
    if CAUSES[wanted.cause].bulk in (Bulk.NO, Bulk.NEVER):
        raise UserError(
            Problem(str(wanted.cause), "these cannot be retried together", "Repair each one, then retry it by its id.")
        )


async def _try_one(connection: AsyncConnection, office: Office, wanted: Wanted, reason: str, actor: Actor) -> Delivery:
    before = await tried_of(connection, wanted)
    if before is not None and before.fate is Trial.WAITS:
        raise Conflict(f"E_TRIAL {before.words}")
    one = await _first(connection, office, wanted)
    await trials.note(connection, scope(wanted), one.delivery, str(actor), office.clock.now())
    data = {"filter": wanted.as_record()}
    event = AuditEvent(str(actor), "failures.try_one", f"delivery:{one.delivery.id}", reason=reason, data=data)
    await audit.append(connection, event, office.clock.now())
    return await ACTS[Verb.RETRY](connection, office, one, By(actor, reason or "one of its cause, to try"))


async def _first(connection: AsyncConnection, office: Office, wanted: Wanted) -> Case:
    trying = Asked(wanted.cause, trying=True)
    found = await cases.matching(connection, replace(wanted, states=(State.FAILED,)), office.clock.now())
    for one in found:
        if why_not_together(Verb.RETRY, one, trying) is None:
            return one
    why = "; ".join(sorted({refusal.words for one in found if (refusal := why_not_together(Verb.RETRY, one, trying))}))
    raise Conflict(f"E_NONE there is no failure of '{wanted.cause}' to try{f': each {why}' if why else ''}")
