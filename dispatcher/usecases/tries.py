"""The tries that are still to come, as people are told them: by the functions that the worker itself goes by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.lifecycle import CLAIMABLE
from dispatcher.domain.model import Delivery
from dispatcher.domain.schedule import RETRYABLE, Delays, Try, tries_to_come
from dispatcher.domain.words import Cause, Kind, RouteState
from dispatcher.store import campaigns, deliveries, routes

from .moves import need_of
from .office import Office

__all__ = ["Coming", "Rhythm", "Try", "rhythms", "tries_of"]


@dataclass(frozen=True, slots=True)
class Coming:
    """A letter's tries to come, and what may keep them back."""

    delivery: Delivery
    cause: Cause  #: every try is supposed to end as with this one; NONE: only the next one is known
    tries: tuple[Try, ...]
    notes: tuple[str, ...]


async def tries_of(office: Office, delivery_id: str, supposing: Cause | None = None) -> Coming:
    """When it is tried, if each try at once meets the cause that the last one met (or `supposing`). Raises NotFound."""
    return await office.store.read(lambda connection: _tries_of(connection, office, delivery_id, supposing))


async def _tries_of(connection: AsyncConnection, office: Office, delivery_id: str, supposing: Cause | None) -> Coming:
    seen = await deliveries.get(connection, delivery_id)
    cause = supposing or (seen.cause if seen.cause in RETRYABLE else Cause.NONE)
    if seen.state not in CLAIMABLE or seen.due is None:
        return Coming(seen, cause, (), ())
    campaign = await campaigns.get(connection, seen.campaign_id)
    need = replace(await need_of(connection, office, campaign, seen, seen.state, {}), cause=cause)
    found = tries_to_come(need, seen.due, office.policy)
    last = seen.expires_at
    kept = [one for one in found if last is None or one.at < last]
    notes = [] if campaign.running else ["its campaign does not run: nothing leaves before it does"]
    if last is not None and len(kept) < len(found):
        notes.append(f"it may not leave after {last:%d %B %Y %H:%M} UTC: {len(found) - len(kept)} tries less")
    return Coming(seen, cause, tuple(kept), (*notes, *await _closed(connection, office, seen)))


async def _closed(connection: AsyncConnection, office: Office, seen: Delivery) -> list[str]:
    """Of its ways, those that take no letters now."""
    known = await routes.every(connection)
    ways = office.ways(seen.kind, seen.address)
    names = [one for way in ways if way in office.channels for one in (way, *office.channels[way].routes)]
    shut = [known[name] for name in names if name in known and not known[name].takes_letters]
    return [
        f"{one.name} is paused by a person: {one.detail}"
        if one.state is RouteState.PAUSED
        else f"{one.name} takes no letters now" + (f"; looked at again {one.until:%H:%M} UTC" if one.until else "")
        for one in shut
    ]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a cause is tried again."""

    cause: Cause
    kind: Kind
    waits: Delays


def rhythms(office: Office) -> list[Rhythm]:
    """Of every cause that is tried again, as the worker keeps it."""
    return [
        Rhythm(cause, kind, office.policy.delays(kind, cause)) for cause in sorted(RETRYABLE) for kind in _of(cause)
    ]


def _of(cause: Cause) -> tuple[Kind, ...]:
    """A mail server's causes also meet faxes by mail, in the rhythm of faxes."""
    return tuple(Kind) if cause.startswith("smtp.") else (Kind(cause.partition(".")[0]),)
