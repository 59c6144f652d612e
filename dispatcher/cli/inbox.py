"""`dispatcher inbox`: what came back by mail. `classify` reads files alone: no settings, no database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import NotFound

from .output import say, shown, table

if TYPE_CHECKING:
    from dispatcher.domain.incoming import About, Reading

app = typer.Typer(name="inbox", help="What comes back by mail.", no_args_is_help=True)


@app.callback()
def inbox() -> None:
    """A noun with one verb stays a noun."""


@app.command()
def classify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Messages as they were received.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object a message, each on a line of its own.")] = False,
) -> None:
    """Say what messages are (bounce, delay, receipt, automatic reply, answer …), and what they say of whom.

    Nothing is kept, and no letter's state changes. A message that is too much to read is of the kind unknown.
    """
    if missing := [file for file in files if not file.is_file()]:
        raise NotFound("there is no file " + ", ".join(map(str, missing)))
    from dispatcher.inbox.reader import read_files

    rows: list[tuple[str, ...]] = []
    for file, reading, refused in read_files(files):
        if refused:
            say(f"warning: {shown(file)}: not read: {refused}")
        if json:
            _as_line(file, reading)
        else:
            rows += _rows(file, reading)
    if not json:
        table(("file", "kind", "about", "status", "verdict", "cause", "in their words"), rows, "no message")


def _as_line(file: Path, reading: Reading) -> None:
    """The one form that is promised to programs: these names, and no others."""
    from json import dumps

    recipients = [_recipient(one) for one in reading.recipients]
    ids = {"message_id": reading.message_id, "in_reply_to": reading.in_reply_to}
    typer.echo(dumps({"file": str(file), "kind": reading.kind.value, "recipients": recipients, **ids}))


def _recipient(one: About) -> dict[str, str]:
    return {
        "address": one.address,
        "status": one.status,
        "verdict": one.verdict.value,
        "cause": one.cause.value,
        "detail": one.detail,
    }


def _rows(file: Path, reading: Reading) -> list[tuple[str, ...]]:
    kind = reading.kind.value.replace("_", " ")
    if reading.returns:
        kind = f"{kind}, back {reading.returns.isoformat()}"
    about = [(one.address, one.status, one.verdict.value, one.cause.value, one.detail) for one in reading.recipients]
    heads = [(str(file), kind), *[("", "")] * (len(about) - 1)]
    return [(*head, *one) for head, one in zip(heads, about or [("",) * 5], strict=True)]
