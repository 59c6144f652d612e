"""`dispatcher audit`: the log of every act, its check, and its export."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.domain.audit import AuditCheck, as_record
from dispatcher.domain.errors import AuditBroken

from .output import Json, as_json, local, table
from .session import in_office, settings_of

app = typer.Typer(
    name="audit", help="Who did what, when, and the proof that it stands unaltered.", no_args_is_help=True
)


@app.command()
def tail(
    context: typer.Context,
    number: Annotated[int, typer.Option("-n", "--number", help="So many entries.", min=1)] = 20,
    about: Annotated[str, typer.Option("--about", help="As in delivery:3f… or campaign:air-strikes.")] = "",
    json: Json = False,
) -> None:
    """The last entries, oldest first."""
    from dispatcher.usecases.review import tail_audit

    found = in_office(context, lambda office: tail_audit(office, number, about))
    if json:
        as_json(entries=[as_record(entry) for entry in found])
        return
    zone = settings_of(context).office.timezone
    lines = []
    for entry in found:
        event = entry.event
        change = f"{event.before} → {event.after}" if event.after else ""
        lines.append((entry.seq, _when(entry.at, zone), event.actor, event.action, event.object, change, event.reason))
    table(("no.", "when", "who", "act", "about", "change", "reason"), lines, "the log is empty")


def _when(at: str, zone: str) -> str:
    return local(datetime.fromisoformat(at), zone, "seconds")


@app.command()
def verify(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="An export; none is the office's own log.", show_default=False)
    ] = (None),
    json: Json = False,
) -> None:
    """Follow the whole chain of the log, or of an export. Ends with 6 when it does not hold together."""
    from dispatcher.usecases.review import verify_audit, verify_export

    found = verify_export(file) if file else in_office(context, verify_audit)
    if json:
        findings = [{"seq": one.seq, "what": one.what} for one in found.findings]
        as_json(sound=found.sound, entries=found.entries, head=found.head, findings=findings)
    else:
        _tell(found)
    if not found.sound:
        raise AuditBroken(f"the audit log does not hold together: {len(found.findings)} findings")


def _tell(found: AuditCheck) -> None:
    for one in found.findings:
        typer.echo(f"entry {one.seq}: {one.what}")
    if found.sound:
        typer.echo(f"sound: {found.entries} entries, head {found.head}")


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write it, one JSON object a line.")],
    json: Json = False,
) -> None:
    """Write the whole log into a file that anybody can check, without us."""
    from dispatcher.usecases.review import export_audit

    count = in_office(context, lambda office: export_audit(office, file))
    if json:
        as_json(file=str(file), entries=count)
    else:
        typer.echo(f"{file}: {count} entries; check it anywhere with: dispatcher audit verify {file}")
