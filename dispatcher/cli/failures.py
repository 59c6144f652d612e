"""`dispatcher failures`: what failed, by cause, with the next step; another try for one, or for many; giving up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import Problem, UserError
from dispatcher.domain.trial import Trial
from dispatcher.domain.verbs import Verb
from dispatcher.domain.words import CAUSES, Bulk

from .choosing import (
    Campaign,
    CauseCode,
    Channel,
    Choice,
    Contact,
    Domain,
    DryRun,
    Expect,
    One,
    Since,
    StepNumber,
    Why,
    act,
    add,
    wanted_of,
)
from .output import Json, as_json, local, say, table, utc
from .session import in_office, operator, settings_of
from .words import cause_text, next_step

if TYPE_CHECKING:
    from dispatcher.domain.schedule import Delays
    from dispatcher.usecases.office import Office
    from dispatcher.usecases.review import Wanted
    from dispatcher.usecases.todo import Failures
    from dispatcher.usecases.try_first import Tried

app = typer.Typer(name="failures", help="What failed and needs you.", no_args_is_help=True)

_TOGETHER = {
    Bulk.YES: "together",
    Bulk.FIRST: "one first, then the rest",
    Bulk.NO: "each by its id",
    Bulk.NEVER: "never here",
}


@app.command("list")
def list_(
    context: typer.Context,
    campaign: Campaign = "",
    channel: Channel = None,
    contact: Contact = "",
    domain: Domain = "",
    since: Since = "",
    json: Json = False,
) -> None:
    """Failures grouped by cause, the largest group first. What is put aside is counted beside."""
    from dispatcher.usecases.todo import failures

    choice = Choice(campaign=campaign, channel=channel, contact=contact, domain=domain, since=since)
    wanted = wanted_of(context, choice)
    groups = in_office(context, lambda office: failures(office, wanted))
    if json:
        as_json(failures=[_record(one) for one in groups])
        return
    zone = settings_of(context).office.timezone
    lines = [_line(one, zone) for one in groups]
    columns = ("number", "channel", "code", "cause", "next step", "retry", "tried first", "put aside")
    table(columns, lines, "nothing has failed")
    if lines:
        say("their ids: dispatcher deliveries list --state failed; what is put aside: deliveries list --snoozed")


def _line(one: Failures, zone: str) -> tuple[object, ...]:
    return (
        one.count,
        one.kind,
        one.cause,
        cause_text(one.cause),
        next_step(one.cause),
        _TOGETHER[CAUSES[one.cause].bulk],
        f"{local(one.tried.at, zone)}: {one.tried.fate}" if one.tried else "",
        one.snoozed or "",
    )


def _record(one: Failures) -> dict[str, object]:
    facts = CAUSES[one.cause]
    return {
        "cause": one.cause,
        "channel": one.kind,
        "count": one.count,
        "snoozed": one.snoozed,
        "text": cause_text(one.cause),
        "next": next_step(one.cause),
        "who": facts.who,
        "bulk": facts.bulk,
        "tried": tried_record(one.tried),
    }


def tried_record(tried: Tried | None) -> dict[str, object] | None:
    if tried is None:
        return None
    return {"id": tried.delivery.id, "at": utc(tried.at), "by": tried.by, "fate": tried.fate, "words": tried.words}


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
    delivery: One = "",
    campaign: Campaign = "",
    cause: CauseCode = None,
    channel: Channel = None,
    contact: Contact = "",
    domain: Domain = "",
    step: StepNumber = None,
    since: Since = "",
    try_one: Annotated[bool, typer.Option("--try-one", help="One of them; the rest goes when that one went.")] = False,
    wait: Annotated[int, typer.Option("--wait", help="So many seconds for what becomes of the one.", min=0)] = 0,
    expect: Expect = None,
    dry_run: DryRun = False,
    reason: Why = "",
    json: Json = False,
) -> None:
    """Another full set of tries for one failed letter, or for all of a cause or another filter."""
    choice = Choice(delivery, campaign, cause, channel, contact, domain, step, since, expect, dry_run, reason, json)
    if not try_one:
        act(context, Verb.RETRY, choice)
    elif delivery or dry_run or expect is not None:
        way_out = "Say --try-one with a filter alone, then --expect for the rest."
        raise UserError(Problem("--try-one", "goes with none of ID, --expect and --dry-run", way_out, "E_FILTER"))
    else:
        _try_one(context, choice, wait)


add(app, "give-up", Verb.GIVE_UP, "Leave it at that: one failure, or all of a filter, with a reason.")


def _try_one(context: typer.Context, choice: Choice, wait: int) -> None:
    from dispatcher.usecases.try_first import try_one

    wanted = wanted_of(context, choice)

    async def work(office: Office) -> Tried:
        await try_one(office, wanted, choice.reason, operator())
        return await _outcome(office, wanted, wait)

    tried = in_office(context, work)
    if choice.json:
        as_json(queued=[tried.delivery.id], tried=tried_record(tried))
        return
    typer.echo(tried.delivery.id)
    say(tried.words)
    again = f"dispatcher failures retry {choice.options()}"
    say(f"the rest stays as it is; it goes when this one went, with: {again} (--dry-run shows how many)")


async def _outcome(office: Office, wanted: Wanted, seconds: int) -> Tried:
    """What becomes of it within so many seconds; a worker elsewhere sends it."""
    import asyncio

    from dispatcher.usecases.try_first import tried

    for left in range(seconds, -1, -1):
        found = await tried(office, wanted)
        assert found is not None  # it was noted just before
        if found.fate is not Trial.WAITS or not left:
            return found
        await asyncio.sleep(1)
    raise AssertionError("the last round returns")
