"""What a plan's faxes may cost against what may still be spent: told before the plan is approved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Problem
from dispatcher.domain.limits import day_of, money, month_of, units
from dispatcher.store import limits

from .office import Office
from .plan import Plan


@dataclass(frozen=True, slots=True)
class Purse:
    """One spending limit, and what is left of it."""

    what: str  #: 'a day', 'a month', 'for one campaign'
    limit: int  #: in ten-thousandths
    left: int


async def purses(connection: AsyncConnection, office: Office, campaign_id: str) -> list[Purse]:
    """The spending limits that are set, as they stand now."""
    given, now, zone = office.limits.spending, office.clock.now(), office.limits.zone
    asked = (
        ("a day", given.per_day, day_of(now, zone)[0], ""),
        ("a month", given.per_month, month_of(now, zone)[0], ""),
        ("for one campaign", given.per_campaign, None, campaign_id),
    )
    found = []
    for what, limit, since, of in asked:
        if limit:
            used = await limits.spent(connection, given.currency, since, of)
            found.append(Purse(what, units(limit), max(units(limit) - used, 0)))
    return found


def dearest(office: Office, plan: Plan) -> int:
    """What the plan's faxes cost at the most, in ten-thousandths of the limits' currency."""
    currency = office.limits.spending.currency
    costs = plan.campaign.get("estimate", {}).get("costs", ())
    return sum(units(Decimal(one["high"])) for one in costs if one["currency"] == currency)


def too_dear(office: Office, plan: Plan, known: list[Purse]) -> Iterator[Problem]:
    """W_SPENDING for each limit that the plan's faxes may pass: then some of them wait."""
    currency, cost = office.limits.spending.currency, dearest(office, plan)
    for one in known:
        if cost > one.left:
            limit = f"{money(one.limit, currency)} {one.what}"
            cause = f"its faxes may cost {money(cost, currency)}, and the limit is {limit}"
            way_out = (
                f"{money(one.left, currency)} are left: the other faxes wait; raise it (fax.spending), or fax less"
            )
            yield Problem(f"campaign {plan.campaign['id']}", cause, way_out, "W_SPENDING")


async def told(office: Office, plan: Plan) -> str:
    """The estimate against what is left, in one line; '' where nothing is limited or nothing is faxed."""
    known = await office.store.read(lambda connection: purses(connection, office, plan.campaign["id"]))
    currency, cost = office.limits.spending.currency, dearest(office, plan)
    left = ", ".join(f"{money(one.left, currency)} of {money(one.limit, currency)} {one.what}" for one in known)
    return f"faxes: at the most {money(cost, currency)}; left are {left}" if known and cost else ""
