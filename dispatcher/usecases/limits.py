"""Tells of every limit: what it is, how much of it is used, when it is free again. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.limits import HOUR, MINUTE, Pace, day_of, money, month_of, units
from dispatcher.store import campaigns, limits

from .office import Office
from .pacing import calls_taken, used_routes


@dataclass(frozen=True, slots=True)
class Use:
    """One limit and its use, in words."""

    what: str  #: 'mail to one domain', 'fax: a month'
    limit: str  #: '' where there is none
    used: str
    left: str = ""
    until: datetime | None = None  #: when there is more


async def uses(office: Office) -> list[Use]:
    """Every limit that there can be, also those that nobody set."""
    return await office.store.read(lambda connection: _uses(connection, office))


async def _uses(connection: AsyncConnection, office: Office) -> list[Use]:
    now, rests = office.clock.now(), await limits.resting(connection, office.clock.now())
    return [
        *await _routes(connection, office),
        *_domains(office, rests),
        *await _days(connection, office),
        *_plain(office),
        *await _money(connection, office, now),
    ]


async def _routes(connection: AsyncConnection, office: Office) -> list[Use]:
    _, under_way = await limits.under_way(connection)
    taken, used = await calls_taken(connection, office), await used_routes(connection, office)
    found = []
    for name, pace in office.limits.routes.items():
        open_now = under_way.get(name, 0) + taken.get(name, 0)
        told = f"{open_now} under way{await _lately(connection, name, pace, office.clock.now())}"
        found.append(Use(f"by {name}", pace.words, told, "", used.get(name)))
    return found


async def _lately(connection: AsyncConnection, via: str, pace: Pace, now: datetime) -> str:
    told = ""
    for most, span, words in ((pace.per_minute, MINUTE, "last minute"), (pace.per_hour, HOUR, "last hour")):
        if most:
            count = len(await limits.starts(connection, "via", via, now - span, most))
            told += f", {count} in the {words}"
    return told


def _domains(office: Office, rests: Mapping[str, tuple[datetime, str]]) -> list[Use]:
    pace = office.limits.domain
    mine = {name: until for name, (until, by) in rests.items() if by == pace.words and ":" not in name and "." in name}
    used = f"{len(mine)} domains rest" if len(mine) != 1 else f"{next(iter(mine))} rests"
    return [Use("mail to one domain", pace.words, used if pace.spans else "", "", min(mine.values(), default=None))]


async def _days(connection: AsyncConnection, office: Office) -> list[Use]:
    since, after = day_of(office.clock.now(), office.limits.zone)
    found = []
    for one in await campaigns.every(connection):
        if (most := one.limits.a_day(office.limits)) and one.running:
            sent = len(await limits.letters_since(connection, one.id, since))
            until = after if sent >= most else None
            what = f"letters a day of {one.id}"
            found.append(Use(what, str(most), f"{sent} today", str(max(most - sent, 0)), until))
    return found


def _plain(office: Office) -> list[Use]:
    known = office.limits
    exceptions = "; ".join(f"{name}: {count}" for name, count in known.campaign_exceptions.items())
    gap = f"{known.courtesy.total_seconds() / 3600:g} hours" if known.courtesy else ""
    call = f"{known.call.total_seconds() / 60:g} minutes without news" if known.call else "until the gateway took it"
    return [
        Use("between two letters to one office", gap, ""),
        Use("letters of a campaign", str(known.campaign_letters or ""), "", exceptions),
        Use("calls to one fax number", "1 at once", "", f"a call lasts {call}, at most"),
    ]


async def _money(connection: AsyncConnection, office: Office, now: datetime) -> list[Use]:
    given, zone = office.limits.spending, office.limits.zone
    found = []
    for what, limit, (since, after) in (
        ("fax: a day", given.per_day, day_of(now, zone)),
        ("fax: a month", given.per_month, month_of(now, zone)),
    ):
        found.append(
            _account(what, limit, given.currency, await limits.spent(connection, given.currency, since), after)
        )
    for campaign_id, paid in await limits.campaigns_that_paid(connection, given.currency):
        found.append(_account(f"fax: {campaign_id}", given.per_campaign, given.currency, paid, None))
    return found


def _account(what: str, limit: Decimal, currency: str, spent: int, after: datetime | None) -> Use:
    most = units(limit)
    left = money(max(most - spent, 0), currency) if limit else ""
    return Use(what, money(most, currency) if limit else "", money(spent, currency), left, after if limit else None)
