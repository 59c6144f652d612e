"""The sheet of a campaign: the first page of every letter, with whom it goes to, how, and what to look at."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.domain.errors import NotFound, Problem
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


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a plan says of each addressee."""

    stops: Mapping[str, list[Stop]]
    remarks: Mapping[str, list[Problem]]  #: by 'contact <id>', as their places begin


async def campaign_sheet(office: Office, campaign_id: str, step: int = 0) -> CampaignSheet:
    """All letters of one step, out of the archive. Raises NotFound while nothing is prepared, for an unknown step."""
    digest, plan = await read_plan(office, campaign_id)
    letters = [one for one in plan.letters if one.step == step]
    if not letters:
        steps = sorted({one.step for one in plan.letters})
        raise NotFound(f"the campaign has no letter of step {step}; its steps: {', '.join(map(str, steps))}")
    known = _facts(plan)
    thumbs = [await _thumb(office, one, known) for one in letters]
    title = f"{plan.campaign['title']}" + (f", follow-up {step}" if step else "")
    note = f"{campaign_id} · plan {digest[:12]}… · {len(letters)} letters"
    return CampaignSheet(await asyncio.to_thread(sheet_of, title, note, thumbs), digest, len(letters))


def _facts(plan: Plan) -> _Facts:
    """The plan, sorted by addressee once: else every letter of a sheet would go through all of it."""
    stops: dict[str, list[Stop]] = defaultdict(list)
    remarks: dict[str, list[Problem]] = defaultdict(list)
    for stop in plan.stops:
        stops[stop.addressee_id].append(stop)
    for remark in plan.remarks:
        remarks[remark.place.partition(",")[0]].append(remark)
    return _Facts(stops, remarks)


async def _thumb(office: Office, letter: Letter, known: _Facts) -> Thumb:
    stops = known.stops[letter.contact_id]
    own = [one for one in stops if one.role is Role.TO]
    name = own[0].recipient if own else letter.contact_id
    warnings = tuple(f"{one.code} {one.cause}" for one in known.remarks[f"contact {letter.contact_id}"])
    return Thumb(await office.archive.get(letter.objects["pdf"]), name, _caption(letter, own, stops), warnings)


def _caption(letter: Letter, own: list[Stop], stops: list[Stop]) -> str:
    ways = [kind.value for kind in Kind if any(one.kind is kind for one in own)]
    copies = len({one.contact_id for one in stops if one.role is Role.CC})
    pages = f"{letter.pages} page{'s' if letter.pages > 1 else ''}"
    fax = f"{letter.fax_pages} by fax" if letter.fax_pages != letter.pages else ""
    shown = (letter.contact_id, ", ".join(ways), pages, fax, letter.language, f"{copies} cc" if copies else "")
    return " · ".join(filter(None, shown))
