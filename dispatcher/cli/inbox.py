"""`dispatcher inbox`: what came back by mail: taken in, and settled by a person where that is needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import NotFound
from dispatcher.domain.words import Settlement

from .output import Json, as_json, facts, local, say, shown, table, utc
from .session import in_office, operator, settings_of

if TYPE_CHECKING:
    from dispatcher.domain.incoming import About, Reading
    from dispatcher.usecases.pen import Item

#: sysexits.h: what a mail server makes of a pipe's end. It keeps the message, or gives it back.
EX_DATAERR, EX_TEMPFAIL = 65, 75
#: Bytes of a message that comes by the pipe, as by the other ways; mail servers bound theirs lower.
LARGEST = 64 * 1024 * 1024

app = typer.Typer(name="inbox", help="What comes back by mail.", no_args_is_help=True)


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


@app.command()
def receive(
    context: typer.Context,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", help="For whom it came, as the mail server says; several times for several."),
    ] = None,
) -> None:
    """Take one message from standard input, as a mail server's pipe hands it over.

    Ends with 0 once the message is kept, with 75 (try later) as long as it is not, whatever the reason, so that the
    mail server keeps it; with 65 for what is no message at all: nothing, or more than 64 MiB.
    """
    raw = sys.stdin.buffer.read(LARGEST + 1)
    if not raw.strip() or len(raw) > LARGEST:
        say("this is no message: it is empty" if not raw.strip() else "this is no message: it is larger than 64 MiB")
        raise typer.Exit(EX_DATAERR)
    try:
        from dispatcher.usecases.receive import take_in

        received = in_office(context, lambda office: take_in(office, raw, "pipe", to or ()), banner=False)
    except Exception as fault:  # whatever it is: what is not kept here must stay where it came from
        say(f"not kept, try later: {type(fault).__name__}: {fault}")
        raise typer.Exit(EX_TEMPFAIL) from fault
    typer.echo(f"{received.id[:12]} " + ("kept" if received.new else "kept before"))


@app.command()
def pen(context: typer.Context, json: Json = False) -> None:
    """What waits for a person to say what it is; the follow-ups of the letters that it may be about wait, too."""
    from dispatcher.usecases.pen import pen as find

    found = in_office(context, find)
    if json:
        as_json(messages=[_item(one) for one in found])
        return
    zone = settings_of(context).office.timezone
    rows = [
        (one.id[:12], local(one.at, zone), one.kind, one.sender, one.subject, one.delivery_id, _why(one))
        for one in found
    ]
    table(("id", "came", "kind", "from", "subject", "letter", "why"), rows, "nothing waits for a person")


@app.command()
def show(
    context: typer.Context,
    message: Annotated[str, typer.Argument(metavar="ID", help="The message's id, or its beginning.")],
    json: Json = False,
) -> None:
    """One message: what it is, what it says, what ties it to a letter, what was done with it, where it lies."""
    from dispatcher.usecases.pen import find_message

    item, path = in_office(context, lambda office: find_message(office, message))
    if json:
        as_json(**_item(item), file=str(path))
    else:
        facts(_item(item).items())
        facts([("file", path)])


@app.command()
def settle(
    context: typer.Context,
    message: Annotated[str, typer.Argument(metavar="ID", help="The message's id, or its beginning.")],
    said: Annotated[Settlement, typer.Option("--as", help="What it is.", show_default=False)],
    note: Annotated[str, typer.Option("--note", help="How you know; it stands in the audit log.", show_default=False)],
    letter: Annotated[str, typer.Option("--letter", help="The delivery that it is about; else the one guessed.")] = "",
    json: Json = False,
) -> None:
    """Say what one held message is; what waited for it goes on."""
    from dispatcher.usecases.pen import settle as act

    item = in_office(context, lambda office: act(office, message, said, letter, note, operator()))
    if json:
        as_json(**_item(item))
    else:
        typer.echo(f"message {item.id[:12]} is settled: {said.replace('_', ' ')}")


def _why(one: Item) -> str:
    return "; ".join((one.why, *(() if one.why in one.reasons or one.why == "; ".join(one.reasons) else one.reasons)))


def _item(one: Item) -> dict[str, object]:
    return {
        "id": one.id,
        "came": utc(one.at),
        "way": one.way,
        "filing": one.filing,
        "kind": one.kind,
        "from": one.sender,
        "subject": one.subject,
        "says": one.said,
        "letter": one.delivery_id,
        "tie": one.tie,
        "score": one.score,
        "reasons": list(one.reasons),
        "why": one.why,
        "away_until": utc(one.away_until),
        "settled_by": one.settled_by,
        "note": one.note,
    }
