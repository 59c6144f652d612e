"""A campaign from its TOML file: every key is read and checked before one word of complaint is said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from dispatcher.domain.errors import CampaignError, Problem
from dispatcher.domain.model import Campaign, Copy, Sender, Step
from dispatcher.domain.words import Policy

from .addresses import read_email
from .attachments import FROM_OUTSIDE, Inspection, read_attachments, read_cover
from .audience import check_addresses, read_channels, read_copies, read_selection, standing_copies
from .contacts import LONGEST_ID, SLUG, ContactBook
from .findings import Findings, clip, did_you_mean, in_order, listing
from .own_limits import read_limits
from .recurrence import read_repeats
from .sheet import Sheet, open_sheet
from .text import Where
from .timing import read_hours, read_letter_date, read_when

#: Working days that an email waits for proof before the fax goes, where the file says nothing.
PROOF_AFTER = 3
_KEYS = (
    "id", "title", "organisation", "letter_date", "sender", "when", "select", "channels", "cc", "standing_copies",
    "fax", "steps", "fall_back", "limits",
)  # fmt: skip
_TIMING = ("at", "zone", "hours", "days", "expires_after", "repeat", "until", "count")
#: The languages in which a letter can be written: the six of the United Nations.
LETTER_LANGUAGES = ("ar", "en", "es", "fr", "ru", "zh")


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """What a file says, and what a person should look at before approving it."""

    campaign: Campaign
    warnings: tuple[Problem, ...]


def read_campaign(
    path: Path,
    book: ContactBook,
    letters: Collection[str],
    organisations: Collection[str],
    inspection: Inspection = FROM_OUTSIDE,
) -> CampaignFile:
    """The campaign in the file. `letters` and `organisations` are the names for which templates exist; `inspection`
    is the look that is taken at its attachments.

    Raises CampaignError with every problem, each with its line, cause and way out.
    """
    findings = Findings()
    opened = open_sheet(path, findings)
    campaign = _read(*opened, book, letters, organisations, inspection) if opened else None
    if findings.problems or campaign is None:
        raise CampaignError(in_order(findings.problems))
    return CampaignFile(campaign, tuple(findings.warnings))


def _read(
    sheet: Sheet,
    source: str,
    book: ContactBook,
    letters: Collection[str],
    organisations: Collection[str],
    inspection: Inspection,
) -> Campaign:
    sheet.allow(*_KEYS)
    timing, channels_sheet = _timing(sheet), sheet.table("channels")
    channels_sheet.allow("default", "proof_after", "by_contact")
    chosen = read_selection(sheet.table("select"), book)
    channels = read_channels(channels_sheet, book, chosen)
    check_addresses(channels_sheet, book, chosen, channels)
    when = read_when(timing)
    cover, remarks = read_cover(sheet.table("fax", required=False))
    copies = _read_copies(sheet, book, chosen, channels.default)
    ways = {channels.default, *dict(channels.by_contact).values(), *(one.policy for one in copies)}
    return Campaign(
        id=_read_id(sheet),
        title=sheet.text("title", 'Give the campaign a title, as in title = "Air strikes"'),
        organisation=_read_organisation(sheet, organisations),
        sender=_read_sender(sheet.table("sender")),
        letter_date=read_letter_date(sheet, when),
        when=when,
        hours=read_hours(timing),
        contact_ids=chosen,
        policy=channels.default,
        policy_by_contact=channels.by_contact,
        proof_after=channels_sheet.whole("proof_after", PROOF_AFTER, least=1),
        copies=copies,
        steps=_read_steps(sheet, letters, inspection.for_ways(ways)),
        expires_after=timing.whole("expires_after", 0, least=0),
        source=source,
        fax_cover=cover,
        fax_remarks=remarks,
        fall_back=_read_fall_back(sheet),
        repeats=read_repeats(timing, when, sheet),
        limits=read_limits(sheet.table("limits", required=False)),
    )


def _timing(sheet: Sheet) -> Sheet:
    timing = sheet.table("when")
    timing.allow(*_TIMING)
    return timing


def _read_copies(sheet: Sheet, book: ContactBook, chosen: tuple[str, ...], default: Policy) -> tuple[Copy, ...]:
    copies = read_copies(sheet.tables("cc"), book, chosen, default)
    if _wanted(sheet, "standing_copies"):
        return (*copies, *standing_copies(sheet, book, chosen, copies))
    return copies


def _wanted(sheet: Sheet, key: str) -> bool:
    """A switch that is on unless the file turns it off."""
    if not sheet.has(key) or not sheet.of_type(key, bool, f"Write {key} = false to do without"):
        return True
    return bool(sheet.values[key])


def _read_fall_back(sheet: Sheet) -> str:
    """The language for those in whose own a letter is not written; English where the file does not say."""
    if not sheet.has("fall_back"):
        return "en"
    way_out = f"Give one of: {', '.join(LETTER_LANGUAGES)}"
    tag = sheet.text("fall_back", way_out)
    if tag and tag not in LETTER_LANGUAGES:
        cause = f"fall_back: no letter is written in {clip(tag)}"
        sheet.fault("E_LANGUAGE", cause, did_you_mean(tag, LETTER_LANGUAGES, way_out), "fall_back")
    return tag


def _read_id(sheet: Sheet) -> str:
    way_out = f"Use small letters a-z, digits and single hyphens, at most {LONGEST_ID}, as in 'air-strikes'"
    value = sheet.text("id", way_out)
    if value and (len(value) > LONGEST_ID or not SLUG.fullmatch(value)):
        sheet.fault("E_ID", f"id: {clip(value)} is not a plain name", way_out, "id")
    return value


def _read_organisation(sheet: Sheet, organisations: Collection[str]) -> str:
    way_out = f"Letterheads that exist: {listing(organisations)}"
    value = sheet.text("organisation", way_out)
    if value and value not in organisations:
        cause = f"organisation: there is no letterhead {clip(value)}"
        sheet.fault("E_ORGANISATION", cause, did_you_mean(value, organisations, way_out), "organisation")
    return value


def _read_sender(sheet: Sheet) -> Sender:
    sheet.allow("name", "title", "email", "place")
    email = sheet.text("email", "Give the address that the letters come from")
    return Sender(
        name=sheet.text("name", "Give the name of the person who signs"),
        title=sheet.text("title", "Give the office of the person who signs"),
        email=email and read_email(email, Where(sheet.place("email"), "sender.email"), sheet.findings),
        place=sheet.text("place", 'Give the place before the date, as in place = "Geneva"'),
    )


def _read_steps(sheet: Sheet, letters: Collection[str], inspection: Inspection) -> tuple[Step, ...]:
    way_out = 'Begin each letter with [[steps]], then letter = "name"'
    sheets = sheet.tables("steps") if sheet.require("steps", way_out) else []
    if sheet.values.get("steps") == []:
        sheet.fault("E_VALUE", "steps: a campaign needs at least one letter", way_out, "steps")
    places: dict[str, str] = {}
    named = [_read_letter(step, letters, places) for step in sheets]
    return tuple(
        Step(number, letter, _read_after(number, step), read_attachments(step, inspection))
        for number, (letter, step) in enumerate(zip(named, sheets, strict=True))
    )


def _read_letter(sheet: Sheet, letters: Collection[str], places: dict[str, str]) -> str:
    sheet.allow("letter", "after", "attachments")
    way_out = f"Letters that exist: {listing(letters)}"
    letter = sheet.text("letter", way_out)
    if letter and letter not in letters:
        cause = f"{sheet.name('letter')}: there is no letter {clip(letter)}"
        sheet.fault("E_LETTER", cause, did_you_mean(letter, letters, way_out), "letter")
    if letter in places:
        cause = f"{sheet.name('letter')}: {clip(letter)} is sent already, at {places[letter]}"
        sheet.fault("E_DUP", cause, "Give each step a letter of its own", "letter")
    if letter:
        places.setdefault(letter, sheet.place("letter"))
    return letter


def _read_after(number: int, sheet: Sheet) -> int:
    if number == 0:
        if sheet.has("after"):
            cause = f"{sheet.name('after')}: the first letter waits for nothing"
            sheet.fault("E_STEP_AFTER", cause, "Take the line out; when.at says when it leaves", "after")
        return 0
    sheet.require("after", "Say after how many working days without an answer, as in after = 10", "E_STEP_AFTER")
    return sheet.whole("after", 1, least=1)
