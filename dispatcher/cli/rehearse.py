"""`dispatcher campaigns rehearse`: a whole campaign before it is launched, in seconds, with nobody at the far end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import Problem, UserError

from .forecast import forecast_json, show_forecast
from .output import Json, as_json, say, warn_by_code
from .session import in_office, settings_of

if TYPE_CHECKING:
    from dispatcher.app import Playhouse
    from dispatcher.rehearsal.faults import Mix
    from dispatcher.settings import Settings
    from dispatcher.usecases.forecast import Forecast
    from dispatcher.usecases.foresight import Limits
    from dispatcher.usecases.office import Office
    from dispatcher.usecases.plan import Plan
    from dispatcher.usecases.rehearse import Run, Script

#: More runs than this tell nothing more.
MOST_RUNS = 1000
#: Letters in the hand of a rehearsal's worker at once: nobody else is to be served.
ROOM = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for."""

    mix: Mix
    seed: int
    runs: int
    start: datetime | None
    limits: Limits


Name = Annotated[str, typer.Argument(metavar="ID|FILE", help="A prepared campaign, or a campaign file.")]
Faults = Annotated[str, typer.Option("--faults", help="none, usual, bad, or a .toml file.", metavar="MIX|FILE")]
Answers = Annotated[
    float | None, typer.Option("--answers", help="Share of addressees who answer, 0 to 1.", min=0, max=1)
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed foretells the same.", min=0)]
Runs = Annotated[int, typer.Option("--runs", help="Several runs give ranges.", min=1, max=MOST_RUNS)]
From = Annotated[
    str, typer.Option("--from", help="When it begins: 2026-12-01T09:00; else its own hour.", metavar="TIME")
]
Limit = Annotated[
    list[str] | None, typer.Option("--limit", help="Warn above this: CHF=50. May be repeated.", metavar="CUR=SUM")
]
PerDomain = Annotated[
    int, typer.Option("--per-domain", help="Warn above so many letters a day to one mail domain.", min=1)
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Write the calendar and the lists into this folder.", metavar="FOLDER")
]
Force = Annotated[bool, typer.Option("--force", help="Write over the files of an earlier rehearsal.")]


def rehearse(
    context: typer.Context,
    campaign: Name,
    faults: Faults = "usual",
    answers: Answers = None,
    seed: Seed = 1,
    runs: Runs = 1,
    start: From = "",
    limit: Limit = None,
    per_domain: PerDomain = 50,
    out: Out = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Run the whole campaign against far ends that are not there: what would leave when, at what cost, and what then.

    The real engine does it, over a database of its own; nothing of the office changes, and nothing leaves.
    """
    from dispatcher.rehearsal.faults import find_mix
    from dispatcher.usecases.forecast_files import require_folder
    from dispatcher.usecases.foresight import Limits

    settings = settings_of(context)
    mix = find_mix(faults)
    mix = mix if answers is None else replace(mix, answers=answers)
    limits = Limits(per_domain, _limits(limit or []))
    wish = Wish(mix, seed, runs, _instant(start, settings.office.timezone) if start else None, limits)
    if out is not None:
        require_folder(out, force=force)
    found = in_office(context, lambda office: _rehearse(office, settings, campaign, wish), banner=False)
    _tell(found, settings.office.timezone, out, json=json)


def _tell(found: Forecast, zone: str, out: Path | None, *, json: bool) -> None:
    if json:
        as_json(**forecast_json(found, zone))
    else:
        show_forecast(found, zone)
        warn_by_code(found.warnings)
    if out is not None:
        from dispatcher.usecases.forecast_files import write_forecast

        from .words import cause_text, next_step

        paths = write_forecast(found, out, zone, lambda cause: (cause_text(cause), next_step(cause)))
        say(f"written: {', '.join(path.name for path in paths)} in {out}")


async def _rehearse(office: Office, settings: Settings, name: str, wish: Wish) -> Forecast:
    from dispatcher.app import open_playhouse
    from dispatcher.usecases.rehearse import read_script

    script = await read_script(office, name, settings.campaigns.folder, settings.templates.folder)
    async with open_playhouse(office, wish.start or script.hour) as house:
        plan = await _open(house, script)
        runs = await _runs(house, plan, wish)
    return _forecast(office, settings, plan, script, runs, house.start, wish)


async def _open(house: Playhouse, script: Script) -> Plan:
    from dispatcher.usecases.rehearse import draw, furnish, open_play

    from .progress import progress

    async with house.opening() as office:
        await furnish(office, script)
        with progress("letters") as step:
            plan = await draw(office, script, step)
        await open_play(office, plan)
    return plan


async def _runs(house: Playhouse, plan: Plan, wish: Wish) -> list[Run]:
    from dispatcher.usecases.rehearse import may_answer, play, seed_of

    from .progress import progress

    found = []
    with progress("runs") as step:
        for number in range(wish.runs):
            async with house.stage(wish.mix, seed_of(wish.seed, number), may_answer(plan), working) as stage:
                found.append(await play(stage, plan))
            step(number + 1, wish.runs)
    return found


def working(office: Office) -> Callable[[], Awaitable[int]]:
    """A worker's own loop, one turn of it: what was due is done when it ends; how many rows were touched."""
    from dispatcher.worker import Worker

    worker = Worker(office, room=ROOM, batch=ROOM)

    async def work() -> int:
        done = await worker.tick() + await worker.ask()
        await worker.settle()
        return done

    return work


def _forecast(
    office: Office, settings: Settings, plan: Plan, script: Script, runs: list[Run], start: datetime, wish: Wish
) -> Forecast:
    from dispatcher.usecases.forecast import Frame, forecast
    from dispatcher.usecases.foresight import warnings_of
    from dispatcher.usecases.rehearse import remarks_of

    frame = Frame(plan, settings.office.timezone, office.tariffs)
    warnings = [*remarks_of(office, script, plan), *warnings_of(frame, runs, wish.limits)]
    return forecast(frame, runs, start=start, seed=wish.seed, mix=wish.mix.name, warnings=warnings)


# -- what was typed ----------------------------------------------------------------------------------------------------


def _instant(text: str, zone: str) -> datetime:
    """A local time of our own zone, or one that names its offset. Raises UserError."""
    from zoneinfo import ZoneInfo

    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        way_out = "Write it as 2026-12-01T09:00; it is read in your own time zone"
        raise UserError(Problem("--from", f"'{text}' is not a time", way_out, "E_TIME")) from None
    if not 1990 <= read.year <= 2200:
        raise UserError(Problem("--from", f"the year {read.year} is too far away", "Name one near now", "E_TIME_RANGE"))
    return (read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _limits(given: list[str]) -> Mapping[str, float]:
    """Raises UserError with every one that cannot be read."""
    found: dict[str, float] = {}
    problems = []
    for text in given:
        currency, _, amount = text.partition("=")
        try:
            found[currency.strip().upper()] = float(amount)
        except ValueError:
            found[""] = -1
        if not currency.strip().isalpha() or not found.get(currency.strip().upper(), -1) >= 0:
            problems.append(Problem("--limit", f"'{text}' is not a sum", "Write it as CHF=50", "E_LIMIT"))
    if problems:
        raise UserError(problems)
    return found
