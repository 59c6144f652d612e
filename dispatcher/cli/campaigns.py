"""`dispatcher campaigns`: from a file to a plan that is approved and launched, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import Problem, UserError
from dispatcher.domain.lifecycle import UNDECIDED

from .estimate import estimate_facts
from .output import (
    Json,
    Reason,
    as_json,
    asked_by_a_person,
    facts,
    heading,
    local,
    say,
    say_if,
    table,
    utc,
    warn_by_code,
)
from .session import in_office, operator, settings_of
from .watch import follow
from .words import STATES, cause_text, next_step

if TYPE_CHECKING:
    from dispatcher.usecases.office import Office
    from dispatcher.usecases.plan import Plan
    from dispatcher.usecases.prepare import Prepared
    from dispatcher.usecases.review import CampaignRow, CampaignView

app = typer.Typer(name="campaigns", help="What we write, to whom, and when.", no_args_is_help=True)
#: So many changed fields are shown of a plan whose approval is void.
_TOLD = 12
Id = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id.")]


@app.command()
def prepare(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A campaign file, or its name in the folder.")],
    json: Json = False,
) -> None:
    """Render and freeze every letter, and draw the plan that can be approved. Nothing is sent."""
    from dispatcher.usecases.campaign_files import find_campaign_file, read_campaign_file, without_a_way
    from dispatcher.usecases.fax_header import header_warnings
    from dispatcher.usecases.prepare import prepare as freeze

    from .progress import progress

    settings = settings_of(context)
    path = find_campaign_file(file, settings.campaigns.folder)

    async def work(office: Office) -> Prepared:
        read, book = await read_campaign_file(office, path, settings.templates.folder)
        with progress("letters") as step:
            done = await freeze(office, read.campaign, book, operator(), step, noted=read.warnings)
        warn_by_code([*done.plan.remarks, *without_a_way(office, done.plan), *header_warnings(office, done.plan)])
        return done

    _tell_prepared(in_office(context, work), settings.office.timezone, json=json)


def _tell_prepared(done: Prepared, zone: str, *, json: bool) -> None:
    campaign_id = done.plan.campaign["id"]
    by_channel = _by_channel(done.plan)
    if json:
        numbers = {
            "letters": len(done.plan.letters),
            "deliveries": by_channel,
            "voided": done.voided,
            "changed": [str(one) for one in done.changes],
        }
        as_json(campaign=campaign_id, plan=done.digest, **numbers, estimate=done.plan.campaign["estimate"])
        return
    facts(
        [
            ("campaign", campaign_id),
            ("plan", done.digest),
            ("letters", len(done.plan.letters)),
            ("deliveries", ", ".join(f"{count} by {kind}" for kind, count in by_channel.items())),
            ("leaves", done.plan.campaign["local_key"]),
            *estimate_facts(done.plan.campaign, zone),
        ]
    )
    if done.voided:
        say(f"the approval of the plan {done.voided[:12]}… is void; what was approved is not what stands here now:")
        for one in done.changes[:_TOLD]:
            say(f"  {one}")
        if len(done.changes) > _TOLD:
            say(f"  … and {len(done.changes) - _TOLD} more; letters compare shows both versions of a letter")
    say(f"next: dispatcher campaigns preview {campaign_id}")


def _by_channel(plan: Plan) -> dict[str, int]:
    """How many deliveries of the first letter go by each channel."""
    counts: dict[str, int] = {}
    for stop in plan.stops:
        counts[stop.kind.value] = counts.get(stop.kind.value, 0) + 1
    return counts


@app.command()
def preview(context: typer.Context, campaign: Id, json: Json = False) -> None:
    """The whole prepared plan: every letter, every delivery, and what an approver should know."""
    from dispatcher.usecases import purse
    from dispatcher.usecases.look import look
    from dispatcher.usecases.review import read_plan

    from .plan import show_plan

    async def work(office: Office) -> tuple[str, Plan, list[Problem]]:
        digest, plan = await read_plan(office, campaign)
        say_if(await purse.told(office, plan))
        return digest, plan, [*plan.remarks, *await look(office, plan)]

    digest, plan, remarks = in_office(context, work)
    show_plan(digest, plan, remarks, settings_of(context).office.timezone, json=json)


@app.command()
def approve(
    context: typer.Context,
    campaign: Id,
    digest: Annotated[
        str, typer.Option("--digest", help="The plan's digest, or its first eight or more characters.")
    ] = "",
    confirm: Annotated[
        list[str] | None, typer.Option("--confirm", help="A code that you have looked at, such as W_LANGUAGE.")
    ] = None,
    json: Json = False,
) -> None:
    """Sign the plan. Any change of it afterwards makes the approval void."""
    from dispatcher.usecases import purse
    from dispatcher.usecases.launch import approve as sign
    from dispatcher.usecases.look import BARRED, digest_of, look, require_possible
    from dispatcher.usecases.review import read_plan

    async def work(office: Office) -> CampaignRow:
        found, plan = await read_plan(office, campaign)
        remarks = [*plan.remarks, *await look(office, plan)]
        warn_by_code([one for one in remarks if one.code not in BARRED])
        say_if(await purse.told(office, plan))
        require_possible(remarks)
        shown = {digest_of(one) for one in remarks}
        if digest:
            return await sign(office, campaign, digest, operator(), confirm or (), shown=shown)
        _ask_to_sign(campaign, found, plan)
        meant = [*(confirm or ()), *_ask_to_confirm(remarks, confirm)]
        return await sign(office, campaign, found, operator(), meant, shown=shown)

    row = in_office(context, work)
    if json:
        as_json(campaign=_record(row))
    else:
        typer.echo(f"{row.id}: plan {row.approved_plan[:12]}… approved by {row.approved_by}")
        say(f"next: dispatcher campaigns launch {row.id}")


def _ask_to_sign(campaign: str, digest: str, plan: Plan) -> None:
    if not asked_by_a_person():
        way_out = f"Look at it (dispatcher campaigns preview {campaign}), then say --digest"
        raise UserError(Problem("", "an approval names the plan that it signs", way_out))
    say(f"plan {digest}: {len(plan.letters)} letters, {len(plan.stops)} deliveries, {plan.campaign['local_key']}")
    typer.confirm("Approve exactly this plan?", abort=True, err=True)


def _ask_to_confirm(remarks: list[Problem], confirmed: list[str] | None) -> list[str]:
    """One question for each kind of thing that nobody signs over unseen."""
    from dispatcher.usecases.look import TO_CONFIRM, unconfirmed

    left = unconfirmed(remarks, confirmed or ())
    for code, group in left.items():
        typer.confirm(f"{TO_CONFIRM[code]} ({code}, {len(group)}). Is it meant so?", abort=True, err=True)
    return list(left)


@app.command()
def launch(
    context: typer.Context,
    campaign: Id,
    late: Annotated[bool, typer.Option("--late", help="Its hour has passed; send it all the same.")] = False,
    json: Json = False,
) -> None:
    """Queue every delivery of the approved plan. Launching twice queues nothing twice."""
    from dispatcher.usecases.launch import launch as start

    queued = in_office(context, lambda office: start(office, campaign, operator(), late=late))
    if json:
        as_json(campaign=campaign, queued=queued)
    else:
        typer.echo(f"{campaign}: {queued} deliveries queued")
        say("they leave while `dispatcher up` runs")


@app.command()
def pause(context: typer.Context, campaign: Id, reason: Reason) -> None:
    """Nothing more leaves until it is resumed."""
    from dispatcher.usecases import launch as switch

    in_office(context, lambda office: switch.pause(office, campaign, reason, operator()))
    typer.echo(f"{campaign}: paused")


@app.command()
def resume(context: typer.Context, campaign: Id, reason: Reason) -> None:
    """Go on; what was due meanwhile is due now."""
    from dispatcher.usecases import launch as switch

    in_office(context, lambda office: switch.resume(office, campaign, reason, operator()))
    typer.echo(f"{campaign}: running")


@app.command()
def stop(context: typer.Context, campaign: Id, reason: Reason, json: Json = False) -> None:
    """End it for good: what has not left is cancelled, what is on its way is still watched."""
    from dispatcher.usecases.launch import stop as end

    cancelled = in_office(context, lambda office: end(office, campaign, reason, operator()))
    if json:
        as_json(campaign=campaign, cancelled=cancelled)
    else:
        typer.echo(f"{campaign}: stopped; {cancelled} deliveries cancelled")


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Every campaign that was ever prepared."""
    from dispatcher.usecases.review import list_campaigns

    rows = in_office(context, list_campaigns)
    if json:
        as_json(campaigns=[_record(row) for row in rows])
        return
    zone = settings_of(context).office.timezone
    lines = [(row.id, row.phase, row.title, local(row.launched_at, zone)) for row in rows]
    table(("id", "phase", "title", "launched"), lines, "no campaign is prepared; run: dispatcher campaigns prepare")


def _record(row: CampaignRow) -> dict[str, object]:
    return {
        "id": row.id,
        "title": row.title,
        "phase": row.phase,
        "plan": row.plan,
        "prepared_by": row.prepared_by,
        "prepared": utc(row.prepared_at),
        "approved_plan": row.approved_plan,
        "approved_by": row.approved_by,
        "approved": utc(row.approved_at),
        "launched": utc(row.launched_at),
        "paused": utc(row.paused_at),
        "stopped": utc(row.stopped_at),
    }


@app.command()
def show(context: typer.Context, campaign: Id, json: Json = False) -> None:
    """One campaign: where it stands, how many deliveries in which state, what failed and why."""
    from dispatcher.usecases.review import show_campaign

    view = in_office(context, lambda office: show_campaign(office, campaign))
    if json:
        failures = [{"cause": cause, "channel": kind, "count": count} for cause, kind, count in view.failures]
        undecided = sum(count for state, count in view.counts.items() if state in UNDECIDED)
        as_json(campaign=_record(view.campaign), counts=view.counts, undecided=undecided, failures=failures)
    else:
        _show(view, settings_of(context).office.timezone)


def _show(view: CampaignView, zone: str) -> None:
    row = view.campaign
    facts(
        [
            ("campaign", row.id),
            ("title", row.title),
            ("phase", row.phase),
            ("plan", row.plan),
            ("prepared", f"{local(row.prepared_at, zone)} by {row.prepared_by}"),
            ("approved", f"{local(row.approved_at, zone)} by {row.approved_by}" if row.approved else "not yet"),
            ("launched", local(row.launched_at, zone) or "not yet"),
        ]
    )
    if view.counts:
        heading("Deliveries")
        table(("state", "number"), [(STATES[state], count) for state, count in view.counts.items()], "")
    if view.failures:
        heading("Failed, by cause")
        lines = [(count, kind, cause_text(cause), next_step(cause)) for cause, kind, count in view.failures]
        table(("number", "channel", "cause", "next step"), lines, "")


@app.command()
def watch(
    context: typer.Context,
    campaign: Id,
    once: Annotated[bool, typer.Option("--once", help="Look once, then end.")] = False,
    seconds: Annotated[float, typer.Option("--seconds", help="Between two looks.", min=0.1)] = 1.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, at every change.")] = False,
) -> None:
    """Its numbers, live, until nothing is undecided."""
    in_office(context, lambda office: follow(office, campaign, seconds=seconds, once=once, json=json))
