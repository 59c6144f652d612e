"""`dispatcher deliveries`: each letter to each address, its whole story, and what a person may do with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.words import Cause, Kind, Signal, State

from .output import Json, Reason, as_json, local, table
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
    limit: Annotated[int, typer.Option("--limit", help="So many at the most; 0 is all.", min=0)] = 0,
    json: Json = False,
) -> None:
    """Deliveries, as the filters say."""
    from dispatcher.usecases.review import Wanted, list_deliveries

    wanted = Wanted(campaign, tuple(state or ()), cause, channel, contact, step)
    found = in_office(context, lambda office: list_deliveries(office, wanted, limit))
    if json:
        as_json(deliveries=[delivery_record(one.delivery, one.attempts) for one in found])
        return
    zone = settings_of(context).office.timezone
    columns = ("id", "campaign", "step", "recipient", "channel", "address", "state", "cause", "tries", "next")
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


@app.command()
def hold(context: typer.Context, delivery: Id, reason: Reason) -> None:
    """Freeze it until it is released."""
    _by_hand(context, delivery, Signal.HOLD, reason)


@app.command()
def release(context: typer.Context, delivery: Id, reason: Reason) -> None:
    """Lift the hold: back to the queue."""
    _by_hand(context, delivery, Signal.RELEASE, reason)


@app.command()
def cancel(context: typer.Context, delivery: Id, reason: Reason) -> None:
    """Stop it on purpose; it does not start again."""
    _by_hand(context, delivery, Signal.CANCEL, reason)


@app.command()
def readdress(context: typer.Context, delivery: Id, reason: Reason) -> None:
    """Send a failed letter to its contact's corrected address, once that was imported."""
    from dispatcher.usecases import operate

    row = in_office(context, lambda office: operate.readdress(office, delivery, reason, operator()))
    typer.echo(f"{row.id}: {STATES[row.state]} to {row.address}, instead of {delivery}")


def _by_hand(context: typer.Context, delivery: str, signal: Signal, reason: str) -> None:
    from dispatcher.usecases.operate import apply_by_hand

    say_state(in_office(context, lambda office: apply_by_hand(office, delivery, signal, reason, operator())))


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
    from dispatcher.usecases.operate import note_answer

    done = in_office(context, lambda office: note_answer(office, delivery, note, operator()))
    if json:
        as_json(contact=done.contact_id, stopped=list(done.stopped))
    else:
        typer.echo(f"{done.contact_id} has answered; {len(done.stopped)} follow-ups stopped")
