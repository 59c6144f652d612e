"""An office with two fax gateways: our own, where the number decides what happens, and fax by mail, which takes all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from desk.desk import SECRET, Desk, open_desk
from dispatcher.channels.mailfax import Gateway, MailFaxChannel
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.worker import Worker

ORDER = ("simulator", "mailfax")


@asynccontextmanager
async def two_gateways(
    database: str, folder: Path, *, ways: dict[str, tuple[str, ...]] | None = None, url: str = "", seconds: float = 5.0
) -> AsyncIterator[Desk]:
    async with open_desk(database, folder) as desk:
        second = MailFaxChannel(Gateway("mailfax", "FAX={e164}@gateway.example"), [desk.rogue.relay("post")])
        first = SimulatorChannel(
            url or desk.gateway.url, SECRET, desk.callback_url, timeout=seconds, now=desk.clock.now
        )
        await desk.office.channels["simulator"].aclose()
        channels = {**desk.office.channels, "simulator": first, "mailfax": second}
        desk.office = replace(desk.office, channels=channels, fax_gateways=ways or {"": ORDER})
        desk.worker = Worker(desk.office, name=desk.worker.name)
        yield desk
        await first.aclose()
        await second.aclose()
