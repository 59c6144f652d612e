"""Puts the estimate of time, money and hours into a plan, out of the very bytes that are to leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime

from dispatcher.domain.audit import canonical
from dispatcher.domain.estimate import Call, Estimate, estimate
from dispatcher.domain.model import Letter
from dispatcher.domain.words import Kind
from dispatcher.letters import tiff

from .office import Office
from .plan import Plan, Stop

#: What the header line adds to the code of a page, rounded up.
HEADER_BYTES = 1_300


async def estimated(office: Office, plan: Plan) -> Plan:
    """The plan with its estimate in it, so that whoever approves the plan has signed that too."""
    found = json.loads(canonical(asdict(await _estimate(office, plan))))  # as it reads when the plan is opened again
    return replace(plan, campaign={**plan.campaign, "estimate": found})


async def _estimate(office: Office, plan: Plan) -> Estimate:
    letters = {one.digest: one for one in plan.letters}
    faxed = {(stop.letter, gateway_of(office, stop.address)) for stop in plan.stops if stop.kind is Kind.FAX}
    pages = {(digest, way): await fax_pages(office, letters[digest], way) for digest, way in sorted(faxed)}
    mails = [letters[stop.letter].objects["entity"] for stop in plan.stops if stop.kind is Kind.EMAIL]
    return estimate(
        letters=len(plan.letters),
        mails=await asyncio.to_thread(lambda: [office.archive.path(one).stat().st_size for one in mails]),
        calls=[_call(office, plan, stop, pages) for stop in plan.stops if stop.kind is Kind.FAX],
        tariffs=office.tariffs,
        hours=plan.hours,
    )


def _call(office: Office, plan: Plan, stop: Stop, pages: Mapping[tuple[str, str], tuple[int, ...]]) -> Call:
    due, closed_days, way = datetime.fromisoformat(stop.due), plan.calendar_of(stop), gateway_of(office, stop.address)
    return Call(stop.address, pages[stop.letter, way], due, stop.zone, bool(stop.fallback_for), closed_days, way)


def gateway_of(office: Office, number: str) -> str:
    """The gateway that a fax to this number is offered first; '' where no way is set up."""
    return next(iter(office.ways(Kind.FAX, number)), "")


async def fax_pages(office: Office, letter: Letter, gateway: str) -> tuple[int, ...]:
    """The bytes of each page as the line will carry it."""
    found = tiff.pages_of(await office.archive.get(letter.objects["tiff"]))
    return tuple(page.size + page_extra(office, gateway) for page in found)


def page_extra(office: Office, gateway: str) -> int:
    """Bytes that the line at the top adds to each fax page, where we print it."""
    channel = office.channels.get(gateway)
    ours = office.fax_header is not None and channel is not None and not channel.abilities.prints_header
    return HEADER_BYTES if ours else 0
