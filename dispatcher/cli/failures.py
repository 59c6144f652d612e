"""`dispatcher failures`: what failed, by cause, with the next step; another try for one, or for all of a cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import Problem, UserError
from dispatcher.domain.words import CAUSES, Bulk, Cause, Kind

from .output import Json, as_json, say, table
from .session import in_office, operator
from .words import cause_text, next_step

if TYPE_CHECKING:
    from dispatcher.domain.schedule import Delays
    from dispatcher.usecases.office import Office

app = typer.Typer(name="failures", help="What failed and needs you.", no_args_is_help=True)
Campaign = Annotated[str, typer.Option("--campaign", help="Of this campaign alone.")]

_TOGETHER = {
    Bulk.YES: "together",
    Bulk.FIRST: "one first, then the rest",
    Bulk.NO: "each by its id",
    Bulk.NEVER: "never here",
}


@app.command("list")
def list_(context: typer.Context, campaign: Campaign = "", json: Json = False) -> None:
    """Failures grouped by cause, the largest group first."""
    from dispatcher.usecases.review import failures_by_cause

    groups = in_office(context, lambda office: failures_by_cause(office, campaign))
    if json:
        as_json(failures=[_record(*group) for group in groups])
        return
    lines = [
        (count, kind, cause, cause_text(cause), next_step(cause), _TOGETHER[CAUSES[cause].bulk])
        for cause, kind, count in groups
    ]
    table(("number", "channel", "code", "cause", "next step", "retry"), lines, "nothing has failed")
    if lines:
        say("their ids: dispatcher deliveries list --state failed")


def _record(cause: Cause, kind: Kind, count: int) -> dict[str, object]:
    facts = CAUSES[cause]
    return {
        "cause": cause,
        "channel": kind,
        "count": count,
        "text": cause_text(cause),
        "next": next_step(cause),
        "who": facts.who,
        "bulk": facts.bulk,
    }


@app.command()
def rhythms(context: typer.Context, json: Json = False) -> None:
    """How often, and after which waits, each cause is tried again: what the worker keeps, by the settings."""
    from dispatcher.usecases import tries

    async def work(office: Office) -> list[tries.Rhythm]:
        return tries.rhythms(office)

    found = in_office(context, work)
    if json:
        as_json(rhythms=[{"cause": one.cause, "channel": one.kind, "minutes": _minutes(one.waits)} for one in found])
        return
    lines = [(one.cause, one.kind, cause_text(one.cause), _waits(one.waits)) for one in found]
    table(("code", "channel", "cause", "tried again after"), lines, "")
    say("counted from the end of a try, up to a tenth later, and then in the recipient's office hours")


def _minutes(waits: Delays) -> list[float]:
    return [wait.total_seconds() / 60 for wait in waits]


def _waits(waits: Delays) -> str:
    return ", ".join(f"{one / 60:g} h" if one >= 120 else f"{one:g} min" for one in _minutes(waits))


@app.command()
def retry(
    context: typer.Context,
    delivery: Annotated[str, typer.Argument(metavar="ID", help="One delivery's id.", show_default=False)] = "",
    cause: Annotated[
        Cause | None, typer.Option("--cause", metavar="CODE", help="All failures of this cause, as in fax.busy.")
    ] = None,
    campaign: Campaign = "",
    first: Annotated[int, typer.Option("--first", help="Only so many of them.", min=0)] = 0,
    expect: Annotated[int | None, typer.Option("--expect", help="Refuse when there are not so many.", min=0)] = None,
    after_trial: Annotated[bool, typer.Option("--after-trial", help="One was tried first, and it went.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the audit log.")] = "",
    json: Json = False,
) -> None:
    """Another full set of tries for one failed delivery, or for all failures of a cause."""
    from dispatcher.usecases import operate

    if bool(delivery) is (cause is not None):
        raise UserError(Problem("", "say what to retry", "Give one ID, or --cause CODE."))

    async def work(office: Office) -> list[str]:
        if cause is None:
            return [(await operate.retry(office, delivery, reason, operator())).id]
        return await operate.retry_all(
            office, cause, campaign, operator(), first=first, expect=expect, after_trial=after_trial, reason=reason
        )

    queued = in_office(context, work)
    if json:
        as_json(queued=queued)
        return
    for one in queued:
        typer.echo(one)
    say(f"{len(queued)} queued again")
