"""What one fax will cost: its tariff, over the very pages that are to leave, on a cautious line."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.estimate import CAUTIOUS, price, seconds, tariff_for
from dispatcher.domain.limits import units
from dispatcher.domain.model import Delivery
from dispatcher.store import campaigns
from dispatcher.store.attempts import Fare

from .estimate import fax_pages
from .office import Office
from .ways import Way


async def fare_of(connection: AsyncConnection, office: Office, row: Delivery, way: Way) -> Fare:
    """Free where no tariff speaks of the number."""
    tariff = tariff_for(row.address, way.channel, office.tariffs)
    if tariff is None:
        return Fare(way.via)
    pages = await fax_pages(office, await campaigns.get_letter(connection, row.letter), way.channel)
    cost: Decimal = price(tariff, len(pages), seconds(pages, CAUTIOUS))
    return Fare(way.via, units(cost), tariff.currency)
