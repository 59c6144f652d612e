"""The letters of a run, put in as a launch would leave them: one tiny frozen letter for all, each with its own hour."""

from __future__ import annotations

from datetime import timedelta

from desk import bare
from desk.bare import ENTITY, letter_of, mission, queued
from torture.letters import CAMPAIGN, one_page

from dispatcher.domain.model import Address
from dispatcher.domain.words import Kind
from dispatcher.usecases.office import Office

PAGES = one_page()
#: Of all letters.
FAX_SHARE = 0.25


def address(number: int, *, fax: bool) -> Address:
    return Address(Kind.FAX, f"+4420794{number:05d}") if fax else Address(Kind.EMAIL, f"m@{number}.ardesia.example")


async def put_in(
    office: Office, faxes: list[bool], seconds: float, steps: tuple[tuple[int, int], ...] = ((0, 0),)
) -> None:
    """Queue a letter for each, which fall due evenly over so many seconds."""
    parts = {"entity": await office.archive.put(ENTITY)}
    parts |= dict.fromkeys(("tiff", "fax_pdf"), await office.archive.put(PAGES))
    people = [mission(number, address(number, fax=fax)) for number, fax in enumerate(faxes)]
    frozen = [letter_of(CAMPAIGN, parts, step) for step in range(len(steps))]
    now, pause = office.clock.now(), seconds / len(faxes)
    rows = [queued(one, frozen[0], now, now + timedelta(seconds=pause * at)) for at, one in enumerate(people)]
    listed = [list(step) for step in steps]
    await office.store.write(lambda one: bare.put_in(one, people, frozen, rows, now, steps=listed))
