"""`dispatcher contacts`: the list, one contact's story, its repair, and addresses that nothing may go to."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatcher.domain.errors import Problem, UserError
from dispatcher.domain.words import Kind

from .output import Json, Reason, as_json, facts, heading, local, say, shown, table, utc, warn
from .session import in_office, operator, settings_of
from .words import FATES, HEALTH

if TYPE_CHECKING:
    from dispatcher.usecases.contacts import ContactView, Repaired
    from dispatcher.usecases.follow import Followed

app = typer.Typer(name="contacts", help="To whom we write.", no_args_is_help=True)

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        help="CSV, Excel, ODS or vCard files; none is every file of the contacts' folder.", show_default=False
    ),
]
Id = Annotated[str, typer.Argument(metavar="ID", help="The contact's id.")]


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Everybody who may be written to."""
    from dispatcher.usecases.contacts import list_contacts

    people = in_office(context, list_contacts)
    if json:
        as_json(contacts=[record(one) for one in people])
        return
    rows = [(p.id, p.display_name, p.address(Kind.EMAIL), p.address(Kind.FAX), p.language, p.time_zone) for p in people]
    columns = ("id", "name", "email", "fax", "language", "time zone")
    table(columns, rows, "there are no contacts yet; run: dispatcher contacts import")


def record(one: Any) -> dict[str, object]:
    """A contact as JSON tells it."""
    return {
        "id": one.id,
        "name": one.display_name,
        "office": one.office,
        "organisation": one.organisation,
        "state": one.state or one.state_code,
        "language": one.language,
        "time_zone": one.time_zone,
        "email": one.address(Kind.EMAIL),
        "fax": one.address(Kind.FAX),
        "tags": list(one.tags),
    }


# -- one contact -------------------------------------------------------------------------------------------------------


@app.command()
def show(context: typer.Context, contact: Id, json: Json = False) -> None:
    """One contact: every field, what letters to it came to, who held the office, what was changed and by whom."""
    from dispatcher.usecases.contacts import show_contact

    view = in_office(context, lambda office: show_contact(office, contact))
    zone = settings_of(context).office.timezone
    if json:
        _show_as_json(view)
    else:
        _show_facts(view)
        _show_story(view, zone)


def _show_facts(view: ContactView) -> None:
    from dispatcher.usecases.contact_fields import field_values

    known = {one.address: one for one in view.kept.person.provenance}
    facts([("active", "yes" if view.kept.active else "no: retired, not written to"), ("came from", view.kept.source)])
    facts([(name.replace("_", " "), value) for name, value in field_values(view.kept.person).items()])
    heading("Addresses")
    rows = []
    for address, health in view.health():
        one = known.get(address)
        checked = f"{one.checked_on} by {one.checked_by}" if one and one.checked_on else "never"
        stopped = "suppressed" if address in view.suppressed else HEALTH[health]
        rows.append((address.kind, address.value, stopped, checked, one.source if one else ""))
    table(("channel", "address", "letters so far", "checked", "source"), rows, "none")


def _show_story(view: ContactView, zone: str) -> None:
    if len(view.holders) > 1:
        heading("Office-holders")
        rows = [(f"{h.honorific} {h.name}".strip(), h.since or "", h.until or "in office") for h in view.holders]
        table(("name", "since", "until"), rows, "")
    heading("Changes")
    lines = [
        (local(one.at, zone), one.by, f"import {one.import_number}" if one.import_number else one.reason, what)
        for one, what in view.told()
    ]
    table(("when", "who", "why", "what"), lines, "none since the list is kept")


def _show_as_json(view: ContactView) -> None:
    from dispatcher.usecases.contact_fields import field_values

    as_json(
        contact=field_values(view.kept.person),
        active=view.kept.active,
        source=view.kept.source,
        addresses=[
            {"channel": address.kind, "address": address.value, "health": health} for address, health in view.health()
        ],
        holders=[
            {"name": h.name, "honorific": h.honorific, "since": _day(h.since), "until": _day(h.until)}
            for h in view.holders
        ],
        changes=[
            {"at": utc(one.at), "by": one.by, "import": one.import_number, "reason": one.reason, "what": what}
            for one, what in view.told()
        ],
    )


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


@app.command()
def repair(
    context: typer.Context,
    contact: Id,
    reason: Reason,
    email: Annotated[str | None, typer.Option(help="The new email address; '' takes it off.")] = None,
    fax: Annotated[str | None, typer.Option(help="The new fax number, as +41…; '' takes it off.")] = None,
    source: Annotated[str, typer.Option(help="Where the new address was learned.")] = "",
    checked: Annotated[bool, typer.Option("--checked", help="You made sure of its addresses today.")] = False,
    name: Annotated[str | None, typer.Option(help="Who holds the office now.")] = None,
    honorific: Annotated[str | None, typer.Option(help="Before the name; '' leaves it to the form of address.")] = None,
    gender: Annotated[str | None, typer.Option(help="f or m, as they state it; '' for not stated.")] = None,
    since: Annotated[str | None, typer.Option(help="First day of the term, as 2026-04-03.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day of the term.")] = None,
    field: Annotated[
        list[str] | None, typer.Option("--set", help="Any other field: --set office=Ambassador (repeat it).")
    ] = None,
    confirm: Annotated[
        list[str] | None, typer.Option("--confirm", help="A code of a warning that you have looked at.")
    ] = None,
    json: Json = False,
) -> None:
    """Correct a contact once. Its waiting letters follow: each to the new address, each with an entry in the log."""
    from dispatcher.usecases.contacts import Repair
    from dispatcher.usecases.contacts import repair as correct

    given = {"name": name, "honorific": honorific, "gender": gender, "since": since, "until": until}
    fields = pairs("--set", field or []) | {key: text for key, text in given.items() if text is not None}
    wanted = Repair(fields, email, fax, source, checked, frozenset(confirm or ()))
    done = in_office(context, lambda office: correct(office, contact, wanted, reason, operator()))
    _tell_repaired(done, json=json)


def pairs(option: str, given: list[str]) -> dict[str, str]:
    """What stands before and after the '=' of each. Raises UserError with every one that has none."""
    wrong = [pair for pair in given if "=" not in pair]
    if wrong:
        raise UserError([Problem(option, f"'{shown(pair)}' has no '='", f"Write {option} 'A=B'") for pair in wrong])
    return {left: right for left, _, right in (pair.partition("=") for pair in given)}


def _tell_repaired(done: Repaired, *, json: bool) -> None:
    letters = [as_record(one) for one in done.followed]
    if json:
        as_json(
            contact=done.after.id,
            differences=[vars_of(one) for one in done.differences()],
            letters=letters,
            warnings=[str(one) for one in done.warnings],
        )
        return
    warn(done.warnings)
    rows = [(one.field.replace("_", " "), one.before, one.after) for one in done.differences()]
    table(("field", "before", "after"), rows, "")
    tell_followed(done.followed)


def vars_of(difference: Any) -> dict[str, str]:
    return {"field": difference.field, "before": difference.before, "after": difference.after}


def as_record(one: Followed) -> dict[str, str]:
    return {"delivery": one.delivery_id, "fate": one.fate, "instead": one.instead}


def tell_followed(followed: tuple[Followed, ...]) -> None:
    """What became of letters that waited, one a line: each of them is somebody's business."""
    for one in followed:
        instead = f" as {one.instead}" if one.instead else ""
        say(f"letter {one.delivery_id}: {FATES[one.fate]}{instead}")


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


@app.command()
def allow(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="An email address, or a fax number as +41…")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Letters may go to this address again, whoever barred it."""
    from dispatcher.usecases import contacts

    given = contacts.read_address(address)
    lifted = in_office(context, lambda office: contacts.allow(office, given, reason, operator()))
    if json:
        as_json(address=given.value, channel=given.kind, lifted=lifted)
    else:
        typer.echo(f"letters may go to {given.value}" + ("" if lifted else " (it did not stand on the list)"))


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
