"""What people ask to see: lists, one letter's whole story, and counts. The audit log is `audit_log`'s affair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEntry
from dispatcher.domain.errors import NotFound
from dispatcher.domain.model import Attempt, Delivery, Letter
from dispatcher.domain.routes import Route
from dispatcher.domain.words import Cause, Kind, State
from dispatcher.store import attempts, audit, campaigns, contacts, deliveries, limits, routes, views
from dispatcher.store.campaigns import CampaignRow
from dispatcher.store.views import Listed, Wanted

from .office import Office
from .plan import Plan, plan_from_bytes
from .waiting import Waiting, why_waiting

#: With the shapes of the store that a door may hold, since it may not reach for the store itself.
__all__ = [
    "CampaignRow",
    "CampaignView",
    "Listed",
    "Story",
    "Wanted",
    "counts",
    "letter_part",
    "list_campaigns",
    "list_deliveries",
    "next_instant",
    "paused_routes",
    "read_plan",
    "show_campaign",
    "tell",
]


async def list_campaigns(office: Office) -> list[CampaignRow]:
    return await office.store.read(campaigns.every)


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign with its numbers."""

    campaign: CampaignRow
    counts: dict[State, int]
    failures: list[tuple[Cause, Kind, int]]


async def show_campaign(office: Office, campaign_id: str) -> CampaignView:
    """Raises NotFound."""

    async def query(connection: AsyncConnection) -> CampaignView:
        known = await campaigns.get(connection, campaign_id)
        numbers = await views.counts(connection, campaign_id)
        return CampaignView(known, numbers, await views.by_cause(connection, campaign_id))

    return await office.store.read(query)


async def read_plan(office: Office, campaign_id: str) -> tuple[str, Plan]:
    """The prepared plan and its digest. Raises NotFound when nothing is prepared."""
    known = await office.store.read(lambda connection: campaigns.get(connection, campaign_id))
    if not known.plan:
        raise NotFound(f"campaign '{campaign_id}' is not prepared yet; run: campaigns prepare")
    return known.plan, plan_from_bytes(await office.archive.get(known.plan))


async def list_deliveries(office: Office, wanted: Wanted, limit: int = 0) -> list[Listed]:
    return await office.store.read(lambda connection: views.list_deliveries(connection, wanted, limit))


async def counts(office: Office, campaign_id: str = "") -> dict[State, int]:
    return await office.store.read(lambda connection: views.counts(connection, campaign_id))


async def paused_routes(office: Office) -> dict[str, Route]:
    """The ways out that take no letters now, or only one on trial."""
    known = await office.store.read(routes.every)
    return {name: one for name, one in known.items() if not one.takes_letters}


async def next_instant(office: Office) -> datetime | None:
    """When something needs us next; None when nothing will. What waits for its turn needs us when its road is free."""
    now = office.clock.now()

    async def query(connection: AsyncConnection) -> datetime | None:
        coming, late = await deliveries.next_instant(connection, now)
        if not late:
            return coming
        free = await limits.next_free(connection, now, office.limits.call) or now
        return min(free, coming or free)

    return await office.store.read(query)


@dataclass(frozen=True, slots=True)
class Story:
    """One delivery, whole: its letter, every try, everything heard, every audit entry."""

    delivery: Delivery
    letter: Letter
    attempts: list[Attempt]
    evidence: list[dict[str, Any]]
    audit: list[AuditEntry]
    answered: bool
    replaced_by: tuple[str, ...] = ()  #: ids of the deliveries of the same letter that took its place
    waiting: Waiting | None = None  #: why it has not left yet
    station: str = ""  #: the name that the far fax machine gave itself
    station_before: str = ""  #: that of the machine which answered at this number before


async def tell(office: Office, delivery_id: str) -> Story:
    """Raises NotFound."""

    async def query(connection: AsyncConnection) -> Story:
        seen = await deliveries.get(connection, delivery_id)
        evidence = await attempts.evidence_of(connection, seen.id)
        return Story(
            delivery=seen,
            letter=await campaigns.get_letter(connection, seen.letter),
            attempts=await attempts.of_delivery(connection, seen.id),
            evidence=evidence,
            audit=await audit.tail(connection, 1000, f"delivery:{seen.id}"),
            answered=await contacts.has_answered(connection, seen),
            replaced_by=tuple(one.id for one in await deliveries.instead_of(connection, seen.id)),
            waiting=await why_waiting(connection, office, seen),
            station=next((one["facts"]["station_id"] for one in reversed(evidence) if _station(one)), ""),
            station_before=await attempts.station_before(connection, seen) if seen.kind is Kind.FAX else "",
        )

    return await office.store.read(query)


def _station(heard: dict[str, Any]) -> bool:
    return bool(heard["facts"].get("station_id"))


async def letter_part(office: Office, digest: str, part: str) -> bytes:
    """The frozen bytes of a letter's part ('pdf', 'tiff', 'entity' …). Raises NotFound, CheckFailed."""
    letter = await office.store.read(lambda connection: campaigns.get_letter(connection, digest))
    if part not in letter.objects:
        raise NotFound(f"the letter has no part '{part}'; it has: {', '.join(sorted(letter.objects))}")
    return await office.archive.get(letter.objects[part])
