"""The header line of faxes at each of its three moments: shown before approval, required at launch, then printed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from dispatcher.domain.errors import CampaignError, Problem
from dispatcher.domain.words import Kind
from dispatcher.letters.fax_pdf import as_pdf
from dispatcher.letters.header_line import HeaderWords, stamp

from .office import Office
from .plan import Plan


def words_for(
    office: Office, channel: str, sender: str, recipient: str, now: datetime, *, again: bool = False
) -> HeaderWords | None:
    """What the line of a fax says that leaves now; None where the line is switched off or the gateway prints its own.

    `again`: pages of it may be there already. Raises SettingsError when it cannot be printed so: then no fax may leave.
    """
    if office.fax_header is None or office.channels[channel].abilities.prints_header:
        return None
    return office.fax_header.words(sender, recipient, now, again=again)


async def with_header(pages: bytes, words: HeaderWords) -> tuple[bytes, bytes]:
    """The approved fax pages with the line at their top: as TIFF, and as a PDF of the same dots.

    Raises UserError when the strip for the line is not free on a page.
    """
    stamped = await asyncio.to_thread(stamp, pages, words)
    return stamped, as_pdf(stamped)


def header_problems(office: Office, plan: Plan) -> list[Problem]:
    """Why faxes of this plan could not leave: the line at their top cannot be printed. Empty when all can."""
    faxed = {stop.addressee_id for stop in plan.stops if stop.kind is Kind.FAX}
    ways = {way for stop in plan.stops if stop.kind is Kind.FAX for way in office.ways(Kind.FAX, stop.address)}
    ours = any(not office.channels[way].abilities.prints_header for way in ways if way in office.channels)
    if not faxed or office.fax_header is None or not ours:
        return []
    own = office.fax_header.problems(plan.campaign["sender"]["name"])
    return [*own, *(replace(one, code="E_FAX_STRIP") for one in plan.remarks if _strip_taken(one, faxed))]


def _strip_taken(remark: Problem, faxed: set[str]) -> bool:
    """The strip of a page is not free, of a letter that goes by fax; or of something that goes with all letters."""
    whose = remark.place.partition(",")[0].removeprefix("contact ")
    return remark.code == "W_LEGIBLE_STRIP" and (whose in faxed or not remark.place.startswith("contact "))


def header_warnings(office: Office, plan: Plan) -> list[Problem]:
    """The same, for whoever looks at the plan: it can be approved, and is not launched before this is mended."""
    return [replace(one, code=f"W{one.code[1:]}") for one in header_problems(office, plan)]


def require_header(office: Office, plan: Plan) -> None:
    """Raises CampaignError (E_FAX_HEADER, E_FAX_STRIP) when faxes of this plan could not carry the line."""
    if problems := header_problems(office, plan):
        raise CampaignError(problems)
