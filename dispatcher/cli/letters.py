"""`dispatcher letters`: the frozen letter itself, in any of its forms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .output import say
from .session import in_office

app = typer.Typer(name="letters", help="The letters themselves.", no_args_is_help=True)


@app.callback()
def letters() -> None:
    """A noun with one verb stays a noun."""


@app.command()
def preview(
    context: typer.Context,
    letter: Annotated[
        str, typer.Argument(metavar="ID", help="A letter's digest or its beginning, or a delivery's id.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write it: .pdf, .tif, .eml, .html or .txt.")],
    part: Annotated[str, typer.Option("--part", help="pdf, fax_pdf, tiff, entity, html or text.")] = "",
) -> None:
    """Write one form of a letter into a file: the very bytes that are, or were, sent."""
    from dispatcher.usecases.proofs import part_for, proof

    wanted = part or part_for(output.name)
    found = in_office(context, lambda office: proof(office, letter, wanted))
    output.write_bytes(found.data)
    typer.echo(str(output))
    as_sent = ", as it left" if found.as_sent else ""
    say(f"letter {found.letter.digest[:12]}… to {found.letter.contact_id}: {found.part}{as_sent}")
