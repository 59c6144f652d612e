"""The attachments of a campaign: looked at while its file is read, read once more and frozen when it is prepared."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from errno import ENOENT
from pathlib import Path

from dispatcher.domain.errors import CampaignError, Problem, TemplateError
from dispatcher.domain.model import Attachment, Campaign, Contact, attachment_part
from dispatcher.domain.words import Kind
from dispatcher.intake.attachments import LARGEST, Inspection
from dispatcher.letters import Rendered
from dispatcher.letters.address import CoverNote
from dispatcher.letters.attachments import look
from dispatcher.letters.check import too_much
from dispatcher.letters.enclosure import Enclosure
from dispatcher.letters.pdf import page_count

from .office import Office
from .plan import kinds_of


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What goes with every letter of a step: for the printer, and for the letter's manifest."""

    enclosures: tuple[Enclosure, ...]
    objects: Mapping[str, str]  #: part name → sha256


def inspection(office: Office) -> Inspection:
    """How attachments are looked at while a campaign file is read."""
    return Inspection(look, office.mail_bytes)


async def enclose(office: Office, campaign: Campaign) -> dict[int, Enclosed]:
    """By step, frozen: what changes on the disk from now on changes no letter.

    Raises CampaignError with everything that is wrong with any of the files.
    """
    return {number: await _frozen(office, some) for number, some in (await read_enclosures(campaign)).items()}


async def read_enclosures(campaign: Campaign) -> dict[int, tuple[Enclosure, ...]]:
    """By step, as the files are now; nothing is kept. Raises CampaignError with everything that is wrong with any."""
    read = {step.number: [await asyncio.to_thread(_read, one) for one in step.attachments] for step in campaign.steps}
    problems = [fault for faults, _ in (one for files in read.values() for one in files) for fault in faults]
    if problems:
        raise CampaignError(list(dict.fromkeys(problems)))
    return {number: tuple(one for _, one in files if one) for number, files in read.items()}


async def _frozen(office: Office, enclosures: tuple[Enclosure, ...]) -> Enclosed:
    parts = {attachment_part(number, one.name): one.data for number, one in enumerate(enclosures, 1)}
    return Enclosed(enclosures, {part: await office.archive.put(data) for part, data in parts.items()})


def _read(attachment: Attachment) -> tuple[list[Problem], Enclosure | None]:
    """The file as it is now, or everything that is wrong with it. Warnings were told when the campaign was read."""
    try:
        data = _bytes(Path(attachment.path))
    except OSError as error:
        way_out = "Put it back beside the campaign file"
        return [Problem(attachment.path, f"cannot be read: {error.strerror}", way_out, "E_ATT_MISSING")], None
    if len(data) > LARGEST:
        way_out = "Make it smaller: no mail server takes so much"
        return [Problem(attachment.path, f"has more than {LARGEST:,} bytes", way_out, "E_ATT_SIZE")], None
    faults = [replace(one, place=attachment.path) for one in look(attachment.name, data) if one.code.startswith("E_")]
    if faults:
        return faults, None
    return [], Enclosure(attachment.name, attachment.title, data, page_count(data))


def _bytes(path: Path) -> bytes:
    """At most one more than may be read: the file may have grown, or become another thing, since it was looked at."""
    if not path.is_file():  # a pipe would be waited for
        raise FileNotFoundError(ENOENT, "there is no such file")
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def kinds_for(campaign: Campaign, contact_id: str) -> frozenset[Kind]:
    """By which kinds the letter to this addressee goes, copies included."""
    policies = [campaign.policy_for(contact_id), *(copy.policy for copy in campaign.copies_for(contact_id))]
    return frozenset(kind for policy in policies for kind in kinds_of(policy))


def cover_note(campaign: Campaign, contact: Contact, copies: Sequence[Contact]) -> CoverNote | None:
    """What the fax cover page of this letter says; None where none is wanted, or the letter goes by no fax."""
    if not campaign.fax_cover or Kind.FAX not in kinds_for(campaign, contact.id):
        return None
    policies = {copy.contact_id: copy.policy for copy in campaign.copies_for(contact.id)}
    faxed = {name for name, policy in policies.items() if Kind.FAX in kinds_of(policy)}
    if Kind.FAX in kinds_of(campaign.policy_for(contact.id)):
        faxed.add(contact.id)
    number, *others = (one.address(Kind.FAX) or "" if one.id in faxed else "" for one in (contact, *copies))
    return CoverNote(number, tuple(others), campaign.fax_remarks)


def require_sendable(office: Office, campaign: Campaign, contact_id: str, rendered: Rendered) -> None:
    """Raises TemplateError where a letter is larger than any far end would take."""
    kinds, size = kinds_for(campaign, contact_id), len(rendered.parts["entity"])
    faults = list(too_much(f"contact {contact_id}", kinds, size, rendered.fax_pages, office.mail_bytes))
    if faults:
        raise TemplateError(faults)
