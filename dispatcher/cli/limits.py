"""`dispatcher limits`: how fast, how many and for how much letters may leave, and what of that is used."""

from __future__ import annotations

import typer

from .output import Json, as_json, local, table, utc
from .session import in_office, settings_of

app = typer.Typer(name="limits", help="What limits sending, and what of it is used.", no_args_is_help=True)


@app.callback()
def limits() -> None:
    """A noun with one verb stays a noun."""


@app.command()
def show(context: typer.Context, json: Json = False) -> None:
    """Every limit: what it is set to, what is used, what is left, when there is more. Money is that of faxes."""
    from dispatcher.usecases.limits import uses

    found = in_office(context, uses)
    if json:
        listed = [
            {"what": one.what, "limit": one.limit or None, "used": one.used, "left": one.left, "more": utc(one.until)}
            for one in found
        ]
        as_json(limits=listed)
        return
    zone = settings_of(context).office.timezone
    rows = [(one.what, one.limit or "none", one.used, one.left, local(one.until, zone)) for one in found]
    table(("what", "limit", "used", "left", "more at"), rows, "none")
