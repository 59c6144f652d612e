"""Follows a campaign's numbers: a live table on a terminal, a line at every change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import typer

from dispatcher.domain.lifecycle import UNDECIDED
from dispatcher.domain.words import State

from .output import as_json_line
from .words import STATES

if TYPE_CHECKING:
    from rich.table import Table

    from dispatcher.usecases.office import Office

Counts = dict[State, int]


async def follow(office: Office, campaign: str, *, seconds: float, once: bool, json: bool) -> None:
    """Show the numbers until nothing is undecided. Raises NotFound."""
    looks = _changes(office, campaign, seconds, once=once)
    if json:
        async for counts in looks:
            as_json_line(campaign=campaign, counts=counts, undecided=_undecided(counts))
    elif sys.stdout.isatty():
        await _live(campaign, looks)
    else:
        async for counts in looks:
            numbers = ", ".join(f"{STATES[state]} {count}" for state, count in counts.items()) or "nothing queued yet"
            typer.echo(f"{campaign}: {numbers}; undecided {_undecided(counts)}")


async def _changes(office: Office, campaign: str, seconds: float, *, once: bool) -> AsyncIterator[Counts]:
    import asyncio

    from dispatcher.usecases.review import show_campaign

    last: Counts | None = None
    while True:
        view = await show_campaign(office, campaign)
        if view.counts != last:
            last = view.counts
            yield last
        waits = view.campaign.launched_at is None or _undecided(last)
        if once or not waits:
            return
        await asyncio.sleep(seconds)


def _undecided(counts: Counts) -> int:
    return sum(count for state, count in counts.items() if state in UNDECIDED)


async def _live(campaign: str, looks: AsyncIterator[Counts]) -> None:
    from rich.live import Live

    with Live(_numbers(campaign, {}), refresh_per_second=4) as screen:
        async for counts in looks:
            screen.update(_numbers(campaign, counts))


def _numbers(campaign: str, counts: Counts) -> Table:
    from rich.table import Table

    made = Table("state", "number", title=campaign)
    for state, count in counts.items():
        made.add_row(STATES[state], str(count))
    return made
