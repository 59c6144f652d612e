"""`dispatcher doubts`: letters of which nobody knows whether they arrived; each is settled by a person, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import Problem, UserError
from dispatcher.domain.words import State

from .deliveries import say_state
from .output import Json, as_json, confirm, local, table
from .records import delivery_record
from .session import in_office, operator, settings_of
from .words import cause_text, next_step

if TYPE_CHECKING:
    from dispatcher.usecases.doubts import Decision

app = typer.Typer(name="doubts", help="Letters that may or may not have gone.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    campaign: Annotated[str, typer.Option("--campaign", help="Of this campaign alone.")] = "",
    json: Json = False,
) -> None:
    """Everything in doubt, and how to find out."""
    from dispatcher.usecases.review import Wanted, list_deliveries

    wanted = Wanted(campaign, (State.IN_DOUBT,))
    found = in_office(context, lambda office: list_deliveries(office, wanted))
    if json:
        as_json(doubts=[delivery_record(one.delivery, one.attempts) for one in found])
        return
    zone = settings_of(context).office.timezone
    rows = [one.delivery for one in found]
    lines = [
        (
            row.id,
            row.recipient,
            row.kind,
            row.address,
            local(row.changed_at, zone),
            cause_text(row.cause),
            next_step(row.cause),
        )
        for row in rows
    ]
    table(("id", "recipient", "channel", "address", "since", "why", "next step"), lines, "nothing is in doubt")


@app.command()
def settle(
    context: typer.Context,
    delivery: Annotated[str, typer.Argument(metavar="ID", help="The delivery's id.")],
    note: Annotated[str, typer.Option("--note", help="How you know; it stands in the audit log.", show_default=False)],
    arrived: Annotated[bool, typer.Option("--arrived", help="They have it.")] = False,
    not_sent: Annotated[bool, typer.Option("--not-sent", help="It surely did not go: queue it again.")] = False,
    resend: Annotated[bool, typer.Option("--resend", help="Nobody can tell: send it again, perhaps twice.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Leave it at that.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a resend.")] = False,
    json: Json = False,
) -> None:
    """Say what became of one letter in doubt, and how you know."""
    from dispatcher.usecases.doubts import settle_doubt

    decision = _decision(arrived=arrived, not_sent=not_sent, resend=resend, give_up=give_up)
    if resend:
        confirm("It may arrive twice, and its record will say that you knew. Send it again?", yes=yes)
    row = in_office(context, lambda office: settle_doubt(office, delivery, decision, note, operator()))
    if json:
        as_json(id=row.id, state=row.state)
    else:
        say_state(row)


def _decision(**said: bool) -> Decision:
    """The one that was said. Raises UserError for none, or for several."""
    from dispatcher.usecases.doubts import Decision

    chosen = [name for name, given in said.items() if given]
    if len(chosen) != 1:
        raise UserError(Problem("", "say one thing", "Choose one of --arrived, --not-sent, --resend and --give-up."))
    return Decision(chosen[0])
