"""`dispatcher db`: the database's schema."""

from __future__ import annotations

import typer

from .output import Json, as_json
from .session import settings_of

app = typer.Typer(name="db", help="The database.", no_args_is_help=True)


@app.callback()
def database() -> None:
    """A noun with one verb stays a noun."""


@app.command()
def upgrade(context: typer.Context, json: Json = False) -> None:
    """Bring the database to the schema of this program; make it when there is none."""
    from dispatcher.settings import database_url
    from dispatcher.usecases.database import upgrade_database

    before, after = upgrade_database(database_url(settings_of(context)))
    if json:
        as_json(before=before, after=after)
    elif before == after:
        typer.echo(f"the database has schema {after} already")
    else:
        typer.echo(f"schema {before or 'none'} → {after}")
