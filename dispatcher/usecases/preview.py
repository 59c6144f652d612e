"""One letter to one contact, to look at: the frozen bytes of a prepared campaign, else what the templates give now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dispatcher.domain.errors import NotFound, Problem, UserError
from dispatcher.domain.model import Contact, Letter, Sender
from dispatcher.intake.contacts import ContactBook
from dispatcher.letters import Order
from dispatcher.letters.thumbnails import page_picture
from dispatcher.store import campaigns

from .campaign_files import find_campaign_file, letterheads_in, letters_in, read_campaign_file
from .closed_days import calendar_of
from .contacts import contact_book
from .enclose import read_enclosures
from .office import Office
from .plan import Plan, plan_from_bytes
from .prepare import copies_for, order_for

#: Which part of a letter a form is; 'png' is drawn from the PDF.
PART_BY_FORM = {"pdf": "pdf", "fax": "tiff", "html": "html", "text": "text", "eml": "entity"}
#: Who signs a letter that is looked at outside any campaign.
_NOBODY = Sender("[name of the sender]", "[office of the sender]", "", "[place]")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the project keeps its templates and its campaign files."""

    templates: Path
    campaigns: Path
    letterhead: str = ""  #: for a letter outside any campaign; '' takes the only one there is


@dataclass(frozen=True, slots=True)
class Sight:
    """A letter as it was asked for."""

    contact_id: str
    letter: str  #: the frozen letter's digest, or the name of the letter's template
    frozen: bool  #: these very bytes will be, or were, sent
    parts: Mapping[str, bytes]
    warnings: tuple[Problem, ...] = ()

    def form(self, name: str, page: int = 1) -> bytes:
        """The letter as 'pdf', 'fax', 'html', 'text', 'eml', or one page of it as 'png'. Raises NotFound, UserError."""
        if name == "png":
            return page_picture(self.parts["pdf"], page)
        part = PART_BY_FORM.get(name, name)
        if part not in self.parts:
            raise NotFound(f"the letter has no part '{name}'; it has: {', '.join(sorted(self.parts))}")
        return self.parts[part]


async def see(
    office: Office, name: str, contact_id: str, places: Places, *, step: int = 0, afresh: bool = False
) -> Sight:
    """The letter of a campaign (its id, its file, or its file's name) or of a template, to this contact.

    A prepared campaign gives its frozen bytes, unless `afresh` asks what the templates give now. Raises NotFound with
    the names that there are, TemplateError or CampaignError with every problem.
    """
    plan = None if afresh else await _prepared(office, name)
    if plan is not None:
        return await frozen_sight(office, letter_of(plan, contact_id, step))
    if name in letters_in(places.templates) and not _is_campaign(name, places):
        return await _template_sight(office, name, contact_id, places)
    return await fresh_sight(office, name, contact_id, places, step=step)


async def _prepared(office: Office, name: str) -> Plan | None:
    row = await office.store.read(lambda connection: campaigns.find(connection, name))
    return plan_from_bytes(await office.archive.get(row.plan)) if row and row.plan else None


def _is_campaign(name: str, places: Places) -> bool:
    return Path(name).is_file() or (places.campaigns / f"{name}.toml").is_file()


def letter_of(plan: Plan, contact_id: str, step: int = 0) -> Letter:
    """The plan's letter of that step to that contact. Raises NotFound, naming those who get one."""
    for one in plan.letters:
        if (one.contact_id, one.step) == (contact_id, step):
            return one
    known = sorted({one.contact_id for one in plan.letters})
    if contact_id in known:
        steps = ", ".join(str(one.step) for one in plan.letters if one.contact_id == contact_id)
        raise NotFound(f"the campaign has no letter of step {step}; its steps: {steps}")
    raise NotFound(f"the campaign has no letter to '{contact_id}'; it writes to: {_some(known)}")


def _some(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


async def frozen_sight(office: Office, letter: Letter) -> Sight:
    """A frozen letter out of the archive. Raises NotFound or CheckFailed when the archive has not kept it."""
    parts = {name: await office.archive.get(digest) for name, digest in letter.objects.items()}
    return Sight(letter.contact_id, letter.digest, frozen=True, parts=parts)


async def fresh_sight(office: Office, name: str, contact_id: str, places: Places, *, step: int = 0) -> Sight:
    """What the campaign's file, the templates and the contact give now; nothing is kept."""
    path = find_campaign_file(name, places.campaigns)
    read, book = await read_campaign_file(office, path, places.templates)
    campaign = read.campaign
    if step not in range(len(campaign.steps)):
        raise NotFound(f"the campaign has no letter of step {step}; its steps: 0 to {len(campaign.steps) - 1}")
    people = {one.id: one for one in book.contacts}
    contact = _contact(book, contact_id)
    enclosures = (await read_enclosures(campaign))[step]
    copies = copies_for(campaign, people, contact_id)
    calendar = calendar_of(office.almanac, campaign, contact)
    rendered = await office.render(order_for(campaign, campaign.steps[step], contact, copies, enclosures, calendar))
    return Sight(
        contact_id, campaign.steps[step].letter, frozen=False, parts=rendered.parts, warnings=rendered.warnings
    )


async def _template_sight(office: Office, letter: str, contact_id: str, places: Places) -> Sight:
    book = await contact_book(office)
    contact = _contact(book, contact_id)
    head = places.letterhead or await asyncio.to_thread(_only_letterhead, places.templates)
    today = office.clock.now().date()
    rendered = await office.render(Order(letter, head, contact, (), _NOBODY, today, first_date=today))
    return Sight(contact_id, letter, frozen=False, parts=rendered.parts, warnings=rendered.warnings)


def _contact(book: ContactBook, contact_id: str) -> Contact:
    for one in book.contacts:
        if one.id == contact_id:
            return one
    raise NotFound(f"there is no contact '{contact_id}'; `dispatcher contacts list` shows them all")


def _only_letterhead(templates: Path) -> str:
    known = letterheads_in(templates)
    if len(known) == 1:
        return known[0]
    way_out = f"Say --letterhead with one of: {', '.join(known) or 'none'}"
    raise UserError(Problem("", f"there are {len(known)} letterheads", way_out))
