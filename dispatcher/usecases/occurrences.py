"""The times of a campaign that repeats: what became of each, and a person's word about one that was missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, CountChanged, NotFound
from dispatcher.domain.model import Actor
from dispatcher.domain.words import Cause, Signal, State
from dispatcher.store import audit, campaigns, deliveries, views
from dispatcher.store.views import Wanted

from . import guard
from .moves import move
from .office import Office

_CHUNK = 100


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a launched campaign happens."""

    local_key: str  #: '2027-03-01T09:00 Europe/Zurich'
    at: datetime
    counts: Mapping[State, int]  #: of its deliveries
    late: int  #: of those, how many a person must release or cancel, because their hour had passed


async def occurrences(office: Office, campaign_id: str) -> list[Occurrence]:
    """In order. Raises NotFound for a campaign that is not there; one that was not launched has none."""
    return await office.store.read(lambda connection: _occurrences(connection, campaign_id))


async def _occurrences(connection: AsyncConnection, campaign_id: str) -> list[Occurrence]:
    await campaigns.get(connection, campaign_id)
    times = await campaigns.occurrences(connection, campaign_id)
    counts = await views.by_occurrence(connection, campaign_id)
    found = []
    for local_key, at in times.items():
        mine = counts.get(local_key) or (counts.get("", {}) if len(times) == 1 else {})
        found.append(Occurrence(local_key, at, mine, len(await _late(connection, campaign_id, local_key))))
    return found


async def _late(connection: AsyncConnection, campaign_id: str, local_key: str) -> Sequence[str]:
    wanted = Wanted(campaign_id, (State.HELD,), Cause.GATE_LATE, occurrence=local_key)
    return await views.ids(connection, wanted)


async def release_late(
    office: Office, campaign_id: str, local_key: str, expect: int, reason: str, actor: Actor
) -> list[str]:
    """Send now what was held because its hour had passed; in the recipients' hours. Which ones.

    Raises CountChanged when there are not `expect` of them, NotFound for an unknown time, Conflict for a stopped
    campaign, Quarantined.
    """
    await guard.enter(office)
    return await _settle(office, campaign_id, local_key, expect, Signal.RELEASE, reason, actor)


async def cancel_late(
    office: Office, campaign_id: str, local_key: str, expect: int, reason: str, actor: Actor
) -> list[str]:
    """Leave out what was missed. Raises the same."""
    return await _settle(office, campaign_id, local_key, expect, Signal.CANCEL, reason, actor)


async def _settle(
    office: Office, campaign_id: str, local_key: str, expect: int, signal: Signal, reason: str, actor: Actor
) -> list[str]:
    found = await office.store.read(lambda connection: _settleable(connection, campaign_id, local_key))
    if len(found) != expect:
        raise CountChanged(f"there are now {len(found)} late letters of {local_key}, not {expect}; look again")
    done: list[str] = []
    for start in range(0, len(found), _CHUNK):
        done += await _part(office, found[start : start + _CHUNK], signal, reason, actor)
    data = {"occurrence": local_key, "count": len(done)}
    event = AuditEvent(str(actor), f"late.{signal}", f"campaign:{campaign_id}", reason=reason, data=data)
    await office.store.write(lambda connection: audit.append(connection, event, office.clock.now()))
    return done


async def _settleable(connection: AsyncConnection, campaign_id: str, local_key: str) -> Sequence[str]:
    known = await campaigns.get(connection, campaign_id)
    times = await campaigns.occurrences(connection, campaign_id)
    if local_key not in times:
        raise NotFound(f"campaign '{campaign_id}' does not happen at '{local_key}'; it happens at: {', '.join(times)}")
    if known.stopped_at is not None:
        raise Conflict(f"campaign '{campaign_id}' was stopped; a stopped campaign sends nothing more")
    return await _late(connection, campaign_id, local_key)


async def _part(office: Office, part: Sequence[str], signal: Signal, reason: str, actor: Actor) -> list[str]:
    """Those of the part that are still held for being late, in one transaction."""

    async def unit(connection: AsyncConnection) -> list[str]:
        seen = [await deliveries.get(connection, name) for name in part]
        still = [one for one in seen if one.state is State.HELD and one.cause is Cause.GATE_LATE]
        for one in still:
            await move(connection, office, one, signal, actor, reason=reason, **_values(office, signal))
        return [one.id for one in still]

    return await office.store.write(unit)


def _values(office: Office, signal: Signal) -> dict[str, Any]:
    if signal is Signal.CANCEL:
        return {"cause": Cause.PERSON_CANCEL}
    return {"not_before": office.clock.now()}  # whoever releases them has said that they may leave now
