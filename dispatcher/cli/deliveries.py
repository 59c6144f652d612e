"""`dispatcher deliveries`: each letter to each address, its whole story, and what a person may do with one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.verbs import Verb
from dispatcher.domain.words import Cause, Kind, State

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
    Why,
    act,
    add,
    wanted_of,
)
from .output import Json, Reason, as_json, aside, local, table
from .records import delivery_record
from .session import in_office, operator, settings_of
from .words import STATES, cause_text

if TYPE_CHECKING:
    from dispatcher.domain.model import Delivery
    from dispatcher.usecases.office import Office
    from dispatcher.usecases.review import Listed, Story
    from dispatcher.usecases.tries import Coming

app = typer.Typer(name="deliveries", help="One letter to one address, each.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The delivery's id.")]


@app.command("list")
def list_(
    context: typer.Context,
    campaign: Annotated[str, typer.Option("--campaign", help="Of this campaign.")] = "",
    state: Annotated[list[State] | None, typer.Option("--state", help="In this state; may be repeated.")] = None,
    cause: Annotated[Cause | None, typer.Option("--cause", metavar="CODE", help="As in fax.busy.")] = None,
    channel: Annotated[Kind | None, typer.Option("--channel", help="By this channel.")] = None,
    contact: Annotated[str, typer.Option("--contact", help="To this contact.")] = "",
    step: Annotated[int | None, typer.Option("--step", help="0 is the first letter.", min=0)] = None,
    domain: Domain = "",
    since: Since = "",
    snoozed: Annotated[bool, typer.Option("--snoozed", help="Only what is put aside.")] = False,
    limit: Annotated[int, typer.Option("--limit", help="So many at the most; 0 is all.", min=0)] = 0,
    json: Json = False,
) -> None:
    """Deliveries, as the filters say."""
    from dispatcher.usecases.review import list_deliveries

    choice = Choice("", campaign, cause, channel, contact, domain, step, since)
    wanted = replace(
        wanted_of(context, choice), states=tuple(state or ()), asleep_at=datetime.now(UTC) if snoozed else None
    )
    found = in_office(context, lambda office: list_deliveries(office, wanted, limit))
    if json:
        as_json(deliveries=[delivery_record(one.delivery, one.attempts) for one in found])
        return
    zone = settings_of(context).office.timezone
    columns = (
        "id",
        "campaign",
        "step",
        "recipient",
        "channel",
        "address",
        "state",
        "cause",
        "tries",
        "next",
        "aside until",
    )
    table(columns, [_line(one, zone) for one in found], "there is no such delivery")


def _line(one: Listed, zone: str) -> tuple[object, ...]:
    row = one.delivery
    return (
        row.id,
        row.campaign_id,
        row.step,
        row.recipient,
        row.kind,
        row.address,
        STATES[row.state],
        cause_text(row.cause),
        one.attempts,
        local(row.due, zone),
        aside(row.snoozed_until, zone),
    )


@app.command()
def show(
    context: typer.Context,
    delivery: Id,
    supposing: Annotated[
        Cause | None,
        typer.Option("--supposing", metavar="CODE", help="Tries to come if each ends so; else as the last one did."),
    ] = None,
    json: Json = False,
) -> None:
    """One delivery's whole story: every try, everything heard, every act, and the tries that are still to come."""
    from dispatcher.usecases.review import tell
    from dispatcher.usecases.tries import tries_of

    from .story import as_record, show_story

    async def work(office: Office) -> tuple[Story, Coming]:
        return await tell(office, delivery), await tries_of(office, delivery, supposing)

    story, coming = in_office(context, work)
    if json:
        as_json(**as_record(story, coming))
    else:
        show_story(story, coming, settings_of(context).office.timezone)


add(app, "hold", Verb.HOLD, "Freeze it until it is released: one, or all of a filter.")
add(app, "release", Verb.RELEASE, "Lift the hold: back to the queue, within the recipient's office hours.")
add(app, "cancel", Verb.CANCEL, "Stop it on purpose before it leaves; it does not start again.")
add(app, "switch", Verb.SWITCH, "Send the same letter by fax instead of email, or the reverse, to the same contact.")
add(app, "unsnooze", Verb.UNSNOOZE, "Take back what was put aside, before its hour.")


@app.command()
def snooze(
    context: typer.Context,
    until: Annotated[str, typer.Option("--until", help="'2026-12-01 09:00', 'monday', '3 days'.", show_default=False)],
    delivery: One = "",
    campaign: Campaign = "",
    cause: CauseCode = None,
    channel: Channel = None,
    contact: Contact = "",
    domain: Domain = "",
    since: Since = "",
    expect: Expect = None,
    dry_run: DryRun = False,
    reason: Why = "",
    json: Json = False,
) -> None:
    """Put what failed or is held aside until an hour; it comes back to the lists by itself, and sends nothing."""
    choice = Choice(
        delivery,
        campaign,
        cause,
        channel,
        contact,
        domain,
        since=since,
        expect=expect,
        dry_run=dry_run,
        reason=reason,
        json=json,
        until=until,
    )
    act(context, Verb.SNOOZE, choice)


@app.command()
def readdress(context: typer.Context, delivery: Id, reason: Reason) -> None:
    """Send a letter that failed or waits to its contact's corrected address, once that was imported."""
    from dispatcher.usecases import operate

    row = in_office(context, lambda office: operate.readdress(office, delivery, reason, operator()))
    typer.echo(f"{row.id}: {STATES[row.state]} to {row.address}, instead of {delivery}")


def say_state(row: Delivery) -> None:
    typer.echo(f"{row.id}: {STATES[row.state]}")


@app.command()
def answered(
    context: typer.Context,
    delivery: Id,
    note: Annotated[str, typer.Option("--note", help="Who answered, how, when.", show_default=False)],
    json: Json = False,
) -> None:
    """Somebody answered this letter: they have it, and no follow-up goes to them."""
    from dispatcher.usecases.answers import note_answer

    done = in_office(context, lambda office: note_answer(office, delivery, note, operator()))
    if json:
        as_json(contact=done.contact_id, stopped=list(done.stopped))
    else:
        typer.echo(f"{done.contact_id} has answered; {len(done.stopped)} follow-ups stopped")
