"""`dispatcher contacts`, whole lists: import with a dry run, undo, export; more commands of the same noun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .contacts import Files, app, as_record, pairs, tell_followed
from .output import Json, Reason, as_json, heading, local, say, table, utc, warn_by_code
from .session import in_office, operator, settings_of

if TYPE_CHECKING:
    from dispatcher.usecases.contact_import import Comparison, Wishes

#: How a column was found that has one of our own names: that needs no telling.
_OWN_NAME = "by its name"
#: So many changes are told field by field; more are a number.
_TOLD = 40


Words = list[str] | None
Mapped = Annotated[Words, typer.Option("--map", help="HEADER=FIELD: what a column holds (repeat it).")]
Ignored = Annotated[Words, typer.Option("--ignore", help="HEADER: do not read this column (repeat it).")]
Defaults = Annotated[Words, typer.Option("--default", help="FIELD=TEXT where neither list nor office has one.")]
Confirmed = Annotated[Words, typer.Option("--confirm", help="A code of a warning that you have looked at.")]
Encoding = Annotated[str, typer.Option("--encoding", help="Of CSV files that are not UTF-8, such as cp1252.")]
Sheet = Annotated[str, typer.Option("--sheet", help="The sheet of a workbook that has several.")]
Partial = Annotated[bool, typer.Option("--partial", help="Take the good rows, leave the bad ones out.")]
Rejects = Annotated[
    Path | None, typer.Option("--rejects", help="Write the bad rows to this .csv or .xlsx, to be mended.")
]
Retire = Annotated[
    bool, typer.Option("--retire-missing", help="The files are the whole list: retire whoever is not in them.")
]


@app.command("import")
def import_(
    context: typer.Context,
    files: Files = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")] = False,
    map_: Mapped = None,
    ignore: Ignored = None,
    default: Defaults = None,
    encoding: Encoding = "",
    sheet: Sheet = "",
    partial: Partial = False,
    rejects: Rejects = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of --rejects that is there.")] = False,
    retire_missing: Retire = False,
    confirm: Confirmed = None,
    json: Json = False,
) -> None:
    """Take contacts from CSV, Excel, ODS or vCard files: all or nothing, and it can be undone."""
    from dispatcher.intake.contacts import ReadOptions
    from dispatcher.usecases.contact_import import Wishes
    from dispatcher.usecases.contacts import contact_files

    paths = contact_files(files or [], settings_of(context).contacts.folder)
    options = ReadOptions(
        mapping=pairs("--map", map_ or []),
        ignore=tuple(ignore or ()),
        encoding=encoding,
        sheet=sheet,
        defaults=pairs("--default", default or []),
    )
    wishes = Wishes(options, partial, retire_missing, frozenset(confirm or ()))
    if rejects is not None:
        _write_rejects(context, paths, wishes, rejects, force=force)
    if dry_run:
        _try(context, paths, wishes, json=json)
    else:
        _import(context, paths, wishes, json=json)


def _write_rejects(context: typer.Context, paths: list[Path], wishes: Wishes, rejects: Path, *, force: bool) -> None:
    from dispatcher.usecases.contact_export import require_place_for_rejects, write_rejected
    from dispatcher.usecases.contact_import import compare

    require_place_for_rejects(rejects, paths, force=force)
    comparison = in_office(context, lambda office: compare(office, paths, wishes))
    count = write_rejected(comparison, rejects, force=force)
    say(f"{count} bad rows written to {rejects}" if count else f"there are no bad rows; {rejects} is not written")


def _try(context: typer.Context, paths: list[Path], wishes: Wishes, *, json: bool) -> None:
    from dispatcher.domain.errors import ImportError_
    from dispatcher.usecases.contact_import import compare, refusals

    comparison = in_office(context, lambda office: compare(office, paths, wishes))
    refused = refusals(comparison, wishes)
    if json:
        as_json(dry_run=True, **_record(comparison, comparison.waiting), refused=bool(refused))
    else:
        _tell_columns(comparison)
        _tell_changes(comparison)
        warn_by_code(comparison.reading.warnings)
        if not refused:
            _tell_left_out(comparison)
        typer.echo(f"would be{' if it were not refused' if refused else ''}: {_counted(comparison)}")
        if comparison.waiting:
            say(f"{comparison.waiting} letters that wait would follow their contacts, or be held")
    if refused:
        raise ImportError_(refused)


def _import(context: typer.Context, paths: list[Path], wishes: Wishes, *, json: bool) -> None:
    from dispatcher.usecases.contact_import import import_contacts

    done = in_office(context, lambda office: import_contacts(office, paths, operator(), wishes))
    if json:
        as_json(
            dry_run=False,
            number=done.number,
            **_record(done.comparison, len({one.delivery_id for one in done.followed})),
            letters=[as_record(one) for one in done.followed],
        )
        return
    warn_by_code(done.comparison.reading.warnings)
    _tell_left_out(done.comparison)
    typer.echo(_counted(done.comparison))
    for one in done.comparison.retired:
        say(f"retired, as no file names it any more: {one.contact_id}")
    tell_followed(done.followed)
    if done.number:
        say(f"this is import {done.number}; to take it back: dispatcher contacts undo {done.number} --reason …")


def _tell_left_out(comparison: Comparison) -> None:
    """What a partial import did not take: every row, so that nobody believes it went in."""
    for one in comparison.problems:
        say(f"left out: {one}")


def _counted(comparison: Comparison) -> str:
    counts = comparison.counts()
    words = f"{counts['added']} added, {counts['changed']} changed, {counts['same']} as before, "
    return words + f"{counts['retired']} retired, {counts['missing'] - counts['retired']} not in the files and kept"


def _record(comparison: Comparison, waiting: int) -> dict[str, Any]:
    from dispatcher.usecases.contact_fields import differences

    return {
        **comparison.counts(),
        "retired": [one.contact_id for one in comparison.retired],
        "missing": list(comparison.missing),
        "new_ids": [one.contact_id for one in comparison.new],
        "changes": [
            {
                "contact": one.contact_id,
                "fields": [
                    {"field": each.field, "before": each.before, "after": each.after}
                    for each in differences(one.before.person, one.after.person)
                ],
            }
            for one in comparison.changed
            if one.before and one.after
        ],
        "waiting_letters": waiting,
        "columns": [{"header": one.header, "field": one.field, "how": one.how} for one in comparison.reading.mapping],
        "problems": [str(one) for one in comparison.problems],
        "warnings": [str(one) for one in comparison.reading.warnings],
    }


def _tell_columns(comparison: Comparison) -> None:
    """What each column was taken for: a guess is shown, never silent."""
    guessed = [one for one in comparison.reading.mapping if one.how != _OWN_NAME]
    if guessed:
        heading("Columns")
        rows = [(one.header, one.field or "not read", one.how, "; ".join(one.samples)) for one in guessed]
        table(("header", "taken for", "how", "for example"), rows, "")


def _tell_changes(comparison: Comparison) -> None:
    from dispatcher.usecases.contact_fields import differences

    rows = [
        (one.contact_id, each.field.replace("_", " "), each.before, each.after)
        for one in comparison.changed
        if one.before and one.after
        for each in differences(one.before.person, one.after.person)
    ]
    if rows:
        heading("Changed")
        table(("contact", "field", "before", "after"), rows[:_TOLD], "")
        if len(rows) > _TOLD:
            say(f"and {len(rows) - _TOLD} more; --json shows all")


@app.command()
def undo(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The import's number; contacts imports shows them.")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Take an import back: every contact is exactly what it was before."""
    from dispatcher.usecases.contact_import import undo_import

    done = in_office(context, lambda office: undo_import(office, number, reason, operator()))
    if json:
        letters = [as_record(one) for one in done.followed]
        as_json(number=done.number, restored=list(done.restored), letters=letters)
        return
    typer.echo(f"import {done.number} undone: {len(done.restored)} contacts are as they were before")
    tell_followed(done.followed)


@app.command()
def imports(context: typer.Context, json: Json = False) -> None:
    """Every import: when, by whom, of which files, and whether it was undone."""
    from dispatcher.usecases.contact_import import list_imports

    rows = in_office(context, list_imports)
    if json:
        as_json(
            imports=[
                {
                    "number": one.number,
                    "at": utc(one.at),
                    "by": one.by,
                    "files": list(one.files),
                    **one.counts,
                    "undone": utc(one.undone_at),
                    "undone_by": one.undone_by,
                }
                for one in rows
            ]
        )
        return
    zone = settings_of(context).office.timezone
    lines = [
        (
            one.number,
            local(one.at, zone),
            one.by,
            ", ".join(one.files),
            one.counts["added"],
            one.counts["changed"],
            one.counts["retired"],
            f"{local(one.undone_at, zone)} by {one.undone_by}" if one.undone_at else "",
        )
        for one in rows
    ]
    table(
        ("number", "when", "who", "files", "added", "changed", "retired", "undone"), lines, "nothing was imported yet"
    )


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A .csv, .xlsx or .vcf file; it must not be there yet.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    json: Json = False,
) -> None:
    """Write the whole list to a file. What is exported and imported again changes nothing."""
    from dispatcher.usecases.contact_export import export_contacts

    count = in_office(context, lambda office: export_contacts(office, file, operator(), force=force))
    if json:
        as_json(file=str(file), contacts=count)
    else:
        typer.echo(f"{count} contacts written to {file}")


@app.command()
def template(
    file: Annotated[Path, typer.Argument(help="A .csv or .xlsx file; it must not be there yet.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write an empty list with every column and one row that shows how it is filled in."""
    from dispatcher.usecases.contact_export import write_template

    write_template(file, force=force)
    typer.echo(f"written to {file}")
