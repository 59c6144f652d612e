"""`dispatcher campaigns occurrences`, `release` and `skip`: the times of a campaign that repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .campaigns import Id
from .output import Json, Reason, as_json, local, table, utc
from .session import in_office, operator, settings_of
from .words import STATES

if TYPE_CHECKING:
    from dispatcher.usecases.occurrences import Occurrence

Time = Annotated[str, typer.Option("--occurrence", help="Which time, as `campaigns occurrences` names it.")]
Expect = Annotated[int, typer.Option("--expect", help="How many you were shown; another number stops it.", min=0)]


def occurrences(context: typer.Context, campaign: Id, json: Json = False) -> None:
    """Every time that a launched campaign happens, and what became of its letters."""
    from dispatcher.usecases.occurrences import occurrences as find

    found = in_office(context, lambda office: find(office, campaign))
    if json:
        as_json(campaign=campaign, occurrences=[_record(one) for one in found])
        return
    zone = settings_of(context).office.timezone
    rows = [(one.local_key, local(one.at, zone), _counted(one), one.late) for one in found]
    table(("occurrence", "at", "letters", "late"), rows, "it was not launched yet")


def release(
    context: typer.Context, campaign: Id, occurrence: Time, expect: Expect, reason: Reason, json: Json = False
) -> None:
    """Send now what was missed at that time (the machine was off), within the recipients' hours."""
    from dispatcher.usecases.occurrences import release_late

    done = in_office(context, lambda office: release_late(office, campaign, occurrence, expect, reason, operator()))
    _tell(campaign, done, "queued", json=json)


def skip(
    context: typer.Context, campaign: Id, occurrence: Time, expect: Expect, reason: Reason, json: Json = False
) -> None:
    """Leave out what was missed at that time."""
    from dispatcher.usecases.occurrences import cancel_late

    done = in_office(context, lambda office: cancel_late(office, campaign, occurrence, expect, reason, operator()))
    _tell(campaign, done, "cancelled", json=json)


def _record(one: Occurrence) -> dict[str, object]:
    return {"occurrence": one.local_key, "at": utc(one.at), "counts": one.counts, "late": one.late}


def _counted(one: Occurrence) -> str:
    return ", ".join(f"{number} {STATES[state]}" for state, number in one.counts.items())


def _tell(campaign: str, done: list[str], word: str, *, json: bool) -> None:
    if json:
        as_json(campaign=campaign, **{word: done})
    else:
        typer.echo(f"{campaign}: {len(done)} deliveries {word}")
