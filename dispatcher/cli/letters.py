"""`dispatcher letters`: the frozen letter itself, in any of its forms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.domain.errors import Problem, UserError

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
    _write(output, found.data)
    typer.echo(str(output))
    as_sent = ", as it left" if found.as_sent else ""
    say(f"letter {found.letter.digest[:12]}… to {found.letter.contact_id}: {found.part}{as_sent}")


def _write(path: Path, data: bytes) -> None:
    """Raises UserError where the file cannot be written."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UserError(Problem(str(path), f"cannot be written: {error.strerror}", "Give another -o.")) from error
