"""`dispatcher evidence`: everything about a letter or a campaign in one file, for a court, a minister or an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.domain.errors import BundleWrong, Problem, UserError

from .output import Json, Reason, as_json, say
from .session import in_office, operator

app = typer.Typer(
    name="evidence", help="What was sent and what came back, in a file that anybody can check.", no_args_is_help=True
)


@app.command()
def bundle(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The ZIP to write.")],
    reason: Reason,
    delivery: Annotated[
        str, typer.Option("--delivery", help="One letter to one address: its id, or a beginning.")
    ] = "",
    campaign: Annotated[str, typer.Option("--campaign", help="All that a campaign sent.")] = "",
    plan: Annotated[bool, typer.Option("--plan", help="With the approved plan, which names every recipient.")] = False,
    json: Json = False,
) -> None:
    """Pack the letter, the very bytes that left, every report, the story, and the signed part of the audit log.

    verify.py, which lies in it, checks all of it with nothing but Python. That evidence was taken out, by whom and why,
    stands in the audit log.
    """
    from dispatcher.usecases.bundle import Wanted
    from dispatcher.usecases.bundle import bundle as make

    if bool(delivery) == bool(campaign):
        raise UserError(Problem("", "say of what: --delivery or --campaign, one of them", "See: deliveries list"))
    wanted = Wanted(delivery, campaign, with_plan=plan or bool(campaign))
    made = in_office(context, lambda office: make(office, wanted, file, reason, operator()))
    if json:
        as_json(
            file=str(made.path),
            files=made.files,
            deliveries=made.deliveries,
            manifest=made.manifest,
            missing=list(made.missing),
        )
    else:
        for one in made.missing:
            say(f"missing: {one}")
        typer.echo(f"{made.path}: {made.files} files about {made.deliveries} deliveries; unpack it and run verify.py")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A bundle, packed or unpacked.")],
    key: Annotated[str, typer.Option("--key", help="The key that must have signed, as you were given it.")] = "",
    json: Json = False,
) -> None:
    """Check a bundle, as verify.py does. Ends with 3 when something does not hold, 7 when it cannot be checked."""
    from dispatcher import verify as checker

    try:
        lines = checker.verify(file, key)
    except checker.Wrong as error:
        raise BundleWrong(str(error), 3) from error
    except checker.Unreadable as error:
        raise BundleWrong(str(error), 7) from error
    if json:
        as_json(holds=lines)
    for line in () if json else lines:
        typer.echo(line)
