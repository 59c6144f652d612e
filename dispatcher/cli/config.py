"""`dispatcher config`: what counts, and where it comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import Json, as_json, table
from .session import settings_of

app = typer.Typer(name="config", help="The settings.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """A noun with one verb stays a noun."""


@app.command()
def show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    json: Json = False,
) -> None:
    """Every setting that counts. Secrets are files, and only their paths are shown."""
    from dispatcher.settings import shown

    found = list(shown(settings_of(context)))
    if json:
        as_json(settings=[one._asdict() for one in found])
    else:
        width = 3 if origin else 2
        table(("setting", "value", "from")[:width], [one[:width] for one in found], "")
