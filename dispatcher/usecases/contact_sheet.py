"""The sheet of a campaign: the first page of every letter, with whom it goes to, how, and what to look at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from dispatcher.domain.errors import NotFound
from dispatcher.domain.model import Letter
from dispatcher.domain.words import Kind, Role
from dispatcher.letters.thumbnails import Thumb, sheet_of

from .office import Office
from .plan import Plan, Stop
from .review import read_plan


@dataclass(frozen=True, slots=True)
class CampaignSheet:
    """A finished sheet."""

    pdf: bytes
    plan: str  #: digest of the plan whose letters these are
    letters: int


async def campaign_sheet(office: Office, campaign_id: str, step: int = 0) -> CampaignSheet:
    """All letters of one step, out of the archive. Raises NotFound while nothing is prepared, for an unknown step."""
    digest, plan = await read_plan(office, campaign_id)
    letters = [one for one in plan.letters if one.step == step]
    if not letters:
        steps = sorted({one.step for one in plan.letters})
        raise NotFound(f"the campaign has no letter of step {step}; its steps: {', '.join(map(str, steps))}")
    thumbs = [await _thumb(office, plan, one) for one in letters]
    title = f"{plan.campaign['title']}" + (f", follow-up {step}" if step else "")
    note = f"{campaign_id} · plan {digest[:12]}… · {len(letters)} letters"
    return CampaignSheet(await asyncio.to_thread(sheet_of, title, note, thumbs), digest, len(letters))


async def _thumb(office: Office, plan: Plan, letter: Letter) -> Thumb:
    stops = [one for one in plan.stops if one.addressee_id == letter.contact_id]
    own = [one for one in stops if one.role is Role.TO]
    name = own[0].recipient if own else letter.contact_id
    remarks = [one for one in plan.remarks if one.place.partition(",")[0] == f"contact {letter.contact_id}"]
    warnings = tuple(f"{one.code} {one.cause}" for one in remarks)
    return Thumb(await office.archive.get(letter.objects["pdf"]), name, _caption(letter, own, stops), warnings)


def _caption(letter: Letter, own: list[Stop], stops: list[Stop]) -> str:
    ways = [kind.value for kind in Kind if any(one.kind is kind for one in own)]
    copies = len({one.contact_id for one in stops if one.role is Role.CC})
    pages = f"{letter.pages} page{'s' if letter.pages > 1 else ''}"
    fax = f"{letter.fax_pages} by fax" if letter.fax_pages != letter.pages else ""
    shown = (letter.contact_id, ", ".join(ways), pages, fax, letter.language, f"{copies} cc" if copies else "")
    return " · ".join(filter(None, shown))
