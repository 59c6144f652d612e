"""Puts the estimate of time, money and hours into a plan, out of the very bytes that are to leave."""

from __future__ import annotations

import asyncio
import json
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
    faxed = {stop.letter for stop in plan.stops if stop.kind is Kind.FAX}
    pages = {digest: await fax_pages(office, letters[digest]) for digest in sorted(faxed)}
    mails = [letters[stop.letter].objects["entity"] for stop in plan.stops if stop.kind is Kind.EMAIL]
    return estimate(
        letters=len(plan.letters),
        mails=await asyncio.to_thread(lambda: [office.archive.path(one).stat().st_size for one in mails]),
        calls=[_call(plan, stop, pages[stop.letter]) for stop in plan.stops if stop.kind is Kind.FAX],
        tariffs=office.tariffs,
        gateway=office.outgoing.get(Kind.FAX, ""),
        hours=plan.hours,
    )


def _call(plan: Plan, stop: Stop, pages: tuple[int, ...]) -> Call:
    due, closed_days = datetime.fromisoformat(stop.due), plan.calendar_of(stop)
    return Call(stop.address, pages, due, stop.zone, bool(stop.fallback_for), closed_days)


async def fax_pages(office: Office, letter: Letter) -> tuple[int, ...]:
    """The bytes of each page as the line will carry it."""
    found = tiff.pages_of(await office.archive.get(letter.objects["tiff"]))
    return tuple(page.size + page_extra(office) for page in found)


def page_extra(office: Office) -> int:
    """Bytes that the line at the top adds to each fax page, where we print it."""
    return HEADER_BYTES if _prints_header(office) else 0


def _prints_header(office: Office) -> bool:
    channel = office.channels.get(office.outgoing.get(Kind.FAX, ""))
    return office.fax_header is not None and channel is not None and not channel.abilities.prints_header
