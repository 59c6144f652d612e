"""The closed days of a campaign's recipients, and of any contact or country: looked up once, before they are frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dispatcher.domain import states
from dispatcher.domain.calendars import Calendar
from dispatcher.domain.errors import NotFound, Problem
from dispatcher.domain.model import Campaign, Contact
from dispatcher.domain.words import Days
from dispatcher.intake.almanac import Almanac, country_of
from dispatcher.store import contacts

from .office import Office

#: A campaign knows the closed days of the years of its letters, and from the last of them on of so many in all.
YEARS = 3


def calendar_of(almanac: Almanac, campaign: Campaign, contact: Contact) -> Calendar:
    """The closed days of that office, as the campaign is to keep them."""
    last = max((campaign.when.local, *campaign.repeats)).year
    return almanac.of_contact(contact, tuple(range(campaign.when.local.year, last + YEARS)))


def calendars_of(almanac: Almanac, campaign: Campaign, people: Mapping[str, Contact]) -> dict[str, Calendar]:
    """The same for everybody who receives a letter or a copy, by id."""
    return {name: calendar_of(almanac, campaign, people[name]) for name in _recipients(campaign)}


def not_known(campaign: Campaign, people: Mapping[str, Contact], calendars: Mapping[str, Calendar]) -> list[Problem]:
    """Whose closed days are not known, where letters leave on working days alone."""
    if campaign.hours is None or campaign.hours.days is not Days.WORKING:
        return []
    day = campaign.when.local.date().isoformat()
    unsure = [name for name in _recipients(campaign) if calendars[name].known_until < day]
    return [_unsure(people[name], calendars[name], day[:4]) for name in unsure]


def _unsure(contact: Contact, calendar: Calendar, year: str) -> Problem:
    place = f"contact {contact.id}"
    if not country_of(contact):
        cause = "its country is not known, so only Saturdays and Sundays count as closed"
        way_out = "Give its seat, the last line of its address, or the state that it speaks for"
    else:
        cause = f"no public holidays of {calendar.place} are known for {year}"
        way_out = "Where there are any, put them into the file of closed days (calendars.closed_days)"
    return Problem(place, cause, way_out, "W_CALENDAR")


def _recipients(campaign: Campaign) -> list[str]:
    return list(dict.fromkeys((*campaign.contact_ids, *(copy.contact_id for copy in campaign.copies))))


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """What `calendars show` tells."""

    of: str  #: the contact's id, or the country's code
    calendar: Calendar
    first: date
    last: date
    days: tuple[tuple[date, str], ...]  #: closed for another reason than a weekend alone, with the reasons


async def closed_days(office: Office, name: str, first: date, last: date) -> ClosedDays:
    """The closed days of a contact, or of a country by any of its names, from `first` to `last`.

    Raises NotFound.
    """
    years = tuple(range(first.year, last.year + 1))
    kept = await office.store.read(lambda connection: contacts.get(connection, name))
    code = "" if kept else states.resolve(name)
    if kept is None and not code:
        raise NotFound(f"there is no contact and no country '{name}'; contacts list shows those that are known")
    calendar = office.almanac.of_contact(kept, years) if kept else office.almanac.of_country(code, years)
    return ClosedDays(kept.id if kept else code, calendar, first, last, tuple(calendar.closed_days(first, last)))
