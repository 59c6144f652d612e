"""`dispatcher workers`: who sends, from where, since when; and how to have one pause, go on, or end by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatcher.domain.errors import Problem, UserError
from dispatcher.domain.words import Asked

from .output import Json, Reason, as_json, local, say, table, utc
from .session import in_office, operator, settings_of

if TYPE_CHECKING:
    from dispatcher.usecases.crew import Member

app = typer.Typer(name="workers", help="The processes that send.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="[NAME]", help="As workers list shows it.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Every worker that is there now.")]


@app.command("list")
def list_(
    context: typer.Context,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that ended in the last seven days.")] = False,
    json: Json = False,
) -> None:
    """Who is there, since when, when they were last heard of, how many letters they have in hand."""
    from dispatcher.usecases.crew import roster

    found = in_office(context, lambda office: roster(office, ended=ended))
    if json:
        as_json(workers=[_record(one) for one in found])
        return
    zone = settings_of(context).office.timezone
    columns = ("name", "host", "process", "version", "since", "last heard of", "in hand", "clock", "state", "why")
    table(columns, [_line(one, zone) for one in found], "no worker is there: dispatcher up starts one")


def _line(one: Member, zone: str) -> tuple[object, ...]:
    row = one.row
    since, heard = local(row.started_at, zone), local(row.heartbeat_at, zone, "seconds")
    why = f"{row.reason} ({row.asked_by})" if row.asked_by else ""
    seat, clock = row.seat, _clock(row.skew)
    return (row.name, seat.host, seat.pid, row.version, since, heard, row.held, clock, one.state, why)


def _clock(skew: int) -> str:
    """Against the database server's; skew in microseconds."""
    return f"{abs(skew) / 1_000_000:.1f} s {'behind' if skew > 0 else 'ahead'}" if abs(skew) >= 50_000 else ""


def _record(one: Member) -> dict[str, Any]:
    row = one.row
    return {
        "name": row.name,
        "host": row.seat.host,
        "pid": row.seat.pid,
        "version": row.version,
        "started_at": utc(row.started_at),
        "heartbeat_at": utc(row.heartbeat_at),
        "ended_at": utc(row.ended_at),
        "in_hand": row.held,
        "clock_behind_seconds": row.skew / 1_000_000,
        "state": one.state,
        "asked": row.asked,
        "asked_by": row.asked_by,
        "reason": row.reason,
    }


@app.command()
def pause(context: typer.Context, reason: Reason, name: Name = "", every: All = False) -> None:
    """It finishes what it has in hand, and takes nothing new until it is resumed."""
    _ask(context, name, Asked.PAUSE, reason, every=every)


@app.command()
def resume(context: typer.Context, name: Name = "", every: All = False, reason: Reason = "") -> None:
    """It takes letters again."""
    _ask(context, name, Asked.RUN, reason, every=every)


@app.command()
def drain(context: typer.Context, reason: Reason, name: Name = "", every: All = False) -> None:
    """It finishes what it has in hand, and then its process ends by itself."""
    _ask(context, name, Asked.DRAIN, reason, every=every)


_SAID = {
    Asked.PAUSE: "takes nothing new until it is resumed",
    Asked.RUN: "takes letters",
    Asked.DRAIN: "ends when nothing is left in its hands",
}


def _ask(context: typer.Context, name: str, what: Asked, reason: str, *, every: bool) -> None:
    from dispatcher.usecases import crew

    if bool(name) == every:
        raise UserError(Problem("", "name one worker, or say --all", "workers list shows their names."))
    asked = in_office(context, lambda office: crew.ask(office, name, what, reason, operator()))
    for one in asked:
        say(f"{one.name} {_SAID[what]}")
    if not asked:
        say("no worker is there")
