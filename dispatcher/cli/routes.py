"""`dispatcher routes`: the mail servers and fax gateways, whether letters go by them, and what a person may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.words import RouteState, Verdict

from .output import Json, Reason, as_json, local, say, table, utc
from .session import in_office, operator, settings_of
from .words import ROUTES, cause_text

if TYPE_CHECKING:
    from dispatcher.usecases.breaker import Route, RouteView

app = typer.Typer(name="routes", help="Mail servers and fax gateways.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of a mail server, a gateway, or a channel.")]


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Every way out: open, closed after faults, on trial, or paused by a person; and why."""
    from dispatcher.usecases.breaker import list_routes

    found = in_office(context, list_routes)
    if json:
        as_json(routes=[_record(one) for one in found])
        return
    zone = settings_of(context).office.timezone
    columns = ("route", "of", "state", "since", "next look", "why", "their words")
    table(columns, [_line(one, zone) for one in found], "no mail server and no gateway is set: see doctor")


def _line(one: RouteView, zone: str) -> tuple[object, ...]:
    known = one.route
    of = ", ".join(one.channels) or "no longer in the settings"
    if known is None:
        return (one.name, of, ROUTES[RouteState.OPEN], "", "", "", "")
    state = f"{ROUTES[known.state]}, {known.faults} faults" if known.takes_letters else ROUTES[known.state]
    why = f"{cause_text(known.cause)}{f' ({known.by})' if known.by else ''}"
    return (one.name, of, state, local(known.since, zone), local(known.until, zone), why, known.detail)


def _record(one: RouteView) -> dict[str, object]:
    known = one.route
    return {
        "name": one.name,
        "channels": list(one.channels),
        "state": known.state if known else RouteState.OPEN,
        "since": utc(known.since) if known else None,
        "until": utc(known.until) if known else None,
        "faults": known.faults if known else 0,
        "looks_in_vain": known.looks if known else 0,
        "cause": known.cause if known else "",
        "detail": known.detail if known else "",
        "by": known.by if known else "",
    }


@app.command()
def pause(context: typer.Context, name: Name, reason: Reason) -> None:
    """No letter goes by it until it is resumed; letters that have another way take that."""
    from dispatcher.usecases import breaker

    in_office(context, lambda office: breaker.pause(office, name, reason, operator()))
    typer.echo(f"{name}: {ROUTES[RouteState.PAUSED]}")


@app.command()
def resume(context: typer.Context, name: Name, reason: Reason) -> None:
    """Letters go by it again at once, whoever or whatever closed it."""
    from dispatcher.usecases import breaker

    done = in_office(context, lambda office: breaker.open_again(office, name, reason, operator()))
    typer.echo(f"{name}: {ROUTES[RouteState.OPEN]}{'' if done else ', as it was'}")


@app.command()
def probe(context: typer.Context, name: Name, json: Json = False) -> None:
    """Knock at it now, without a letter: connection, TLS, sign-in. A closed one that lets us in takes one on trial."""
    from dispatcher.usecases import breaker

    outcome, route = in_office(context, lambda office: breaker.look(office, name, operator()))
    fit = outcome.verdict is Verdict.ACCEPTED
    if json:
        as_json(name=name, fit=fit, cause=outcome.cause, detail=outcome.detail, state=_state(route))
    else:
        words = f"{cause_text(outcome.cause)}: {outcome.detail}" if outcome.cause else outcome.detail
        typer.echo(f"{name}: {words}; it is {ROUTES[_state(route)]}")
    if not fit:
        say("mend the cause, then look again")
        raise typer.Exit(75)


def _state(route: Route | None) -> RouteState:
    return route.state if route else RouteState.OPEN
