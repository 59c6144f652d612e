"""`dispatcher audit`: the log of every act, its check, and its export."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.domain.audit import AuditCheck, Verdict, as_record
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
    from dispatcher.usecases.audit_log import tail_audit

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


#: How `audit verify` ends, by what became of the log; 0 where it is whole.
_ENDS = {Verdict.BROKEN: 3, Verdict.CUT: 4, Verdict.REWRITTEN: 5}


@app.command()
def verify(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="An export; none is the office's own log.", show_default=False)
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="A signed checkpoint, or a file of seals; none is the office's own."),
    ] = None,
    key: Annotated[str, typer.Option("--key", help="The key that signed it, or a file with it.")] = "",
    json: Json = False,
) -> None:
    """Follow the whole chain of the log, or of an export, and hold it against what was sealed.

    Ends with 0 when it is whole, 3 broken (an entry was altered, taken out or moved), 4 cut (its end is missing),
    5 rewritten (it holds together, and is not what was sealed), 6 a seal is not its key's, 7 it cannot be checked.
    """
    from dispatcher.usecases.audit_log import Against, verify_audit, verify_export

    against = Against(checkpoint, key)
    found = verify_export(file, against) if file else in_office(context, lambda office: verify_audit(office, against))
    if json:
        findings = [{"seq": one.seq, "what": one.what, "verdict": one.verdict} for one in found.findings]
        root = found.tree.root.hex()
        as_json(
            verdict=found.verdict,
            entries=found.entries,
            head=found.head,
            root=root,
            seals=found.compared,
            findings=findings,
        )
    else:
        _tell(found)
    if not found.sound:
        words = f"the audit log is {found.verdict}: {len(found.findings)} findings"
        raise AuditBroken(words, _ENDS[found.verdict])


def _tell(found: AuditCheck) -> None:
    for one in found.findings:
        typer.echo(f"entry {one.seq}: {one.what}")
    if found.sound:
        held = f"held against {found.compared} seals" if found.compared else "held against no seal: nothing was given"
        typer.echo(f"whole: {found.entries} entries, {held}, head {found.head}")


@app.command()
def key(context: typer.Context, json: Json = False) -> None:
    """The key that seals of this log are checked with; give it to those who shall be able to check."""
    from dispatcher.app import seals_of

    public = seals_of(settings_of(context)).public()
    if json:
        as_json(key=str(public), name=public.name)
    else:
        typer.echo(public)


@app.command()
def seal(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="Write the checkpoint there too, for trustees.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Sign the present state of the log. Workers do it every 1,000 entries, every 10 minutes, and at each approval."""
    from dispatcher.usecases.audit_log import seal_now

    made = in_office(context, seal_now)
    if file is not None:
        file.write_text(made.note, "utf-8")
    if json:
        as_json(at=made.at, note=made.note)
    else:
        typer.echo(
            made.note if file is None else f"{file}: check it anywhere with dispatcher audit verify --checkpoint"
        )


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write it, one JSON object a line.")],
    json: Json = False,
) -> None:
    """Write the whole log into a file that anybody can check, without us."""
    from dispatcher.usecases.audit_log import export_audit

    count = in_office(context, lambda office: export_audit(office, file))
    if json:
        as_json(file=str(file), entries=count)
    else:
        typer.echo(f"{file}: {count} entries; check it anywhere with: dispatcher audit verify {file}")
