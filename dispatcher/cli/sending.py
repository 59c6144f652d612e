"""`dispatcher sending`: stops everything at one word, lets it go on, and says whether letters may leave."""

from __future__ import annotations

import typer

from .output import Json, Reason, as_json, say, utc
from .session import in_office, operator

app = typer.Typer(name="sending", help="Stop all sending at once, and let it go on.", no_args_is_help=True)


@app.command()
def stop(context: typer.Context, reason: Reason) -> None:
    """Nothing more leaves, of any campaign, by any worker on any machine, until it is resumed."""
    from dispatcher.usecases import halt

    done = in_office(context, lambda office: halt.stop(office, reason, operator()))
    typer.echo("sending is stopped: nothing more leaves")
    if done.leaving:
        say(f"{done.leaving} had their leave before that, and are leaving or have left: see deliveries list")


@app.command()
def resume(context: typer.Context, reason: Reason) -> None:
    """Letters may leave again; what was due meanwhile is due now."""
    from dispatcher.usecases import halt

    in_office(context, lambda office: halt.resume(office, reason, operator()), banner=False)
    typer.echo("sending goes on")


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Whether letters may leave, and how many are leaving at this moment."""
    from dispatcher.usecases import halt

    found = in_office(context, halt.status, banner=False)
    if json:
        stop = found.stopped
        told = {"since": utc(stop.since), "by": stop.by, "reason": stop.reason} if stop else None
        as_json(stopped=told, leaving=found.leaving)
        return
    typer.echo(halt.told(found.stopped) if found.stopped else "letters may leave")
    typer.echo(f"leaving at this moment: {found.leaving}")
