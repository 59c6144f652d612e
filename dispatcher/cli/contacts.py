"""`dispatcher contacts`: the office's list from files, the list itself, and addresses that nothing may go to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.words import Kind

from .output import Json, Reason, as_json, say, table, warn
from .session import in_office, operator, settings_of

if TYPE_CHECKING:
    from dispatcher.usecases.contacts import Imported

app = typer.Typer(name="contacts", help="To whom we write.", no_args_is_help=True)

Files = Annotated[
    list[Path] | None, typer.Argument(help="CSV files; none is every .csv of the contacts' folder.", show_default=False)
]


@app.command("import")
def import_(
    context: typer.Context,
    files: Files = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")] = False,
    json: Json = False,
) -> None:
    """Make the office's list what the files say, all or nothing."""
    from dispatcher.usecases import contacts

    paths = contacts.contact_files(files or [], settings_of(context).contacts.folder)
    done = in_office(
        context,
        lambda office: (
            contacts.try_import(office, paths) if dry_run else contacts.import_contacts(office, paths, operator())
        ),
    )
    _tell(done, dry_run=dry_run, json=json)


def _tell(done: Imported, *, dry_run: bool, json: bool) -> None:
    warn(done.warnings)
    if json:
        as_json(
            dry_run=dry_run,
            added=done.added,
            changed=done.changed,
            same=done.same,
            retired=list(done.retired),
            warnings=[str(problem) for problem in done.warnings],
        )
        return
    counts = f"{done.added} added, {done.changed} changed, {done.same} as before, {len(done.retired)} retired"
    typer.echo(f"{'would be: ' if dry_run else ''}{counts}")
    for contact_id in done.retired:
        say(f"retired, as no file names it any more: {contact_id}")


@app.command()
def check(context: typer.Context, files: Files = None, json: Json = False) -> None:
    """Read the files and tell everything that is wrong with them; change nothing."""
    from dispatcher.usecases import contacts

    paths = contacts.contact_files(files or [], settings_of(context).contacts.folder)
    book = contacts.check_contacts(paths)
    warn(book.warnings)
    if json:
        problems = [str(problem) for problem in book.warnings]
        as_json(files=[str(path) for path in paths], contacts=len(book.contacts), warnings=problems)
    else:
        typer.echo(f"{len(book.contacts)} contacts in {len(paths)} files: good")


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Everybody who may be written to."""
    from dispatcher.usecases.contacts import list_contacts

    people = in_office(context, list_contacts)
    if json:
        as_json(
            contacts=[
                {
                    "id": one.id,
                    "name": one.display_name,
                    "office": one.office,
                    "organisation": one.organisation,
                    "state": one.state,
                    "language": one.language,
                    "time_zone": one.time_zone,
                    "email": one.address(Kind.EMAIL),
                    "fax": one.address(Kind.FAX),
                    "tags": list(one.tags),
                }
                for one in people
            ]
        )
        return
    rows = [(p.id, p.display_name, p.address(Kind.EMAIL), p.address(Kind.FAX), p.language, p.time_zone) for p in people]
    columns = ("id", "name", "email", "fax", "language", "time zone")
    table(columns, rows, "there are no contacts yet; run: dispatcher contacts import")


@app.command()
def suppress(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="An email address, or a fax number as +41…")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Nothing more goes to this address."""
    from dispatcher.usecases import contacts

    given = contacts.read_address(address)
    added = in_office(context, lambda office: contacts.suppress(office, given, reason, operator()))
    if json:
        as_json(address=given.value, channel=given.kind, added=added)
    else:
        typer.echo(f"nothing more goes to {given.value}" + ("" if added else " (it stood on the list already)"))
