"""The program `dispatcher`: its nouns, its global options, and what an error says and returns."""

from __future__ import annotations

import sys
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher import __version__
from dispatcher.domain.errors import DispatcherError

from . import (
    adopt,
    audit,
    calendars,
    campaigns,
    config,
    contact_lists,
    database,
    deliveries,
    doctor,
    doubts,
    evidence,
    failures,
    inbox,
    letters,
    limits,
    occurrences,
    rehearse,
    routes,
    sending,
    todo,
    work,
    workers,
)
from .output import say
from .session import Serve, Session, session_of

EPILOG = (
    "Exit codes: 0 good · 1 error · 2 usage, or something you gave cannot be used · 3 not found · 4 not allowed · "
    "5 changed meanwhile, or not in a state for it · 6 a check found something wrong · 7 it could not be checked · "
    "75 try later · 130 interrupted"
)

app = typer.Typer(
    name="dispatcher",
    help="Formal letters by email and by fax, with proof of what became of each.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help in plain text: Typer's boxes cost a third of a second of imports
)
_NOUNS = (
    contact_lists,
    campaigns,
    letters,
    deliveries,
    failures,
    doubts,
    sending,
    limits,
    routes,
    workers,
    audit,
    evidence,
)
for noun in (*_NOUNS, inbox, calendars, config, database):
    app.add_typer(noun.app)
for verb in (rehearse.rehearse, occurrences.occurrences, occurrences.release, occurrences.skip):
    campaigns.app.command()(verb)
app.command("up")(work.up)
app.command("worker")(work.worker)
app.command("doctor")(doctor.doctor)
app.command("adopt")(adopt.adopt)
app.command("todo")(todo.todo)


def main(serve: Serve) -> None:
    """Run the program on its arguments; ends the process. `serve` runs the site that gateways call back to."""
    session = Session(serve)
    try:
        _command().main(prog_name="dispatcher", obj=session)
    except DispatcherError as error:
        say(str(error))
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last door: a person gets one line, the makers get all of it
        _confess(error, verbose=session.verbose)
        sys.exit(1)


@cache
def _command() -> Any:
    """Typer's tree of all commands, which takes a tenth of a second to make and keeps nothing of a run."""
    return typer.main.get_command(app)


def _confess(error: Exception, *, verbose: bool) -> None:
    if verbose:
        say("".join(traceback.format_exception(error)).rstrip())
    else:
        words = (str(error).splitlines() or [""])[0]
        say(f"unexpected {type(error).__name__}: {words}. `dispatcher --verbose …` tells where.")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dispatcher {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="The settings file.", metavar="PATH", show_default=False)
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Tell more on standard error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Say the version.", callback=_version, is_eager=True)] = (
        False
    ),
) -> None:
    from . import logs

    session = session_of(context)
    session.config, session.verbose = config_file, verbose
    logs.start(verbose=verbose)


@app.command(
    "demo",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def demo(context: typer.Context) -> None:
    """Send the first campaign to its missions, on this machine alone, in under a minute."""
    inner = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    # By name, when it runs: the demo brings servers of its own, which no other command needs.
    inner.command()(import_module("dispatcher.cli.demo").demo)
    typer.main.get_command(inner).main(context.args, prog_name="dispatcher demo", obj=context.obj)
