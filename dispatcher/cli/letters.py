"""`dispatcher letters`: a letter in any form, before it leaves and after; tests of it, and what changed in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import CheckFailed, Problem, UserError

from .output import Json, as_json, say, shown, table, warn
from .session import in_office, operator, settings_of

if TYPE_CHECKING:
    from dispatcher.usecases.compare import Compared
    from dispatcher.usecases.preview import Places, Sight
    from dispatcher.usecases.trial import Trial

app = typer.Typer(name="letters", help="The letters themselves.", no_args_is_help=True)

Campaign = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The id of a prepared campaign.")]
Step = Annotated[int, typer.Option("--step", help="0 is the first letter, 1 the first follow-up.", min=0)]
Letterhead = Annotated[
    str, typer.Option("--letterhead", help="For a letter outside any campaign; not needed where there is only one.")
]
#: Endings of file names that ask for a form which `usecases.proofs` does not know.
_PICTURES = (".png",)
_FORMS = ("pdf", "fax", "html", "text", "eml", "png")


@app.command()
def preview(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID|CAMPAIGN|LETTER",
            help="A letter's digest or its beginning, or a delivery's id; with --contact, a campaign or a letter.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it: .pdf, .tif, .eml, .html, .txt or .png.")
    ] = None,
    contact: Annotated[str, typer.Option("--contact", metavar="ID", help="Whose letter, by the contact's id.")] = "",
    form: Annotated[
        str, typer.Option("--format", "--part", metavar="FORM", help=f"{', '.join(_FORMS)}, or a part's name.")
    ] = "",
    page: Annotated[int, typer.Option("--page", help="Of a .png: which page.", min=1)] = 1,
    step: Step = 0,
    now: Annotated[bool, typer.Option("--now", help="What the templates give now, prepared or not.")] = False,
    letterhead: Letterhead = "",
) -> None:
    """Look at one form of a letter: the very bytes that will be, or were, sent; or what the templates give now."""
    wanted = form or ("text" if output is None else _form_for(output))
    if not contact:
        data, told = _by_id(context, name, wanted, page)
    else:
        sight = _seen(context, name, contact, _places(context, letterhead), step=step, afresh=now)
        data, told = sight.form(wanted, page), _told(sight)
        warn(sight.warnings)
    _give(data, output, wanted)
    say(f"{told}: {wanted}")


def _form_for(output: Path) -> str:
    from dispatcher.usecases.proofs import part_for

    return "png" if output.suffix.lower() in _PICTURES else part_for(output.name)


def _by_id(context: typer.Context, name: str, wanted: str, page: int) -> tuple[bytes, str]:
    """By a digest or a delivery's id, as a letter that has left is found."""
    from dispatcher.letters.thumbnails import page_picture
    from dispatcher.usecases.preview import PART_BY_FORM
    from dispatcher.usecases.proofs import proof

    part = PART_BY_FORM.get(wanted, wanted)
    found = in_office(context, lambda office: proof(office, name, "pdf" if wanted == "png" else part))
    data = page_picture(found.data, page) if wanted == "png" else found.data
    as_sent = ", as it left" if found.as_sent else ""
    return data, f"letter {found.letter.digest[:12]}… to {found.letter.contact_id}{as_sent}"


def _seen(context: typer.Context, name: str, contact: str, places: Places, *, step: int, afresh: bool) -> Sight:
    from dispatcher.usecases.preview import see

    return in_office(context, lambda office: see(office, name, contact, places, step=step, afresh=afresh))


def _told(sight: Sight) -> str:
    if sight.frozen:
        return f"letter {sight.letter[:12]}… to {sight.contact_id}, as it was prepared"
    return f"letter {sight.letter} to {sight.contact_id}, as the templates give it now; nothing is prepared by this"


def _places(context: typer.Context, letterhead: str = "") -> Places:
    from dispatcher.usecases.preview import Places

    settings = settings_of(context)
    return Places(settings.templates.folder, settings.campaigns.folder, letterhead)


@app.command()
def sheet(
    context: typer.Context,
    campaign: Campaign,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the PDF.")],
    step: Step = 0,
) -> None:
    """The first pages of all letters of a campaign on a few sheets, with names, ways and warnings, as one PDF."""
    from dispatcher.usecases.contact_sheet import campaign_sheet

    made = in_office(context, lambda office: campaign_sheet(office, campaign, step))
    _give(made.pdf, output, "pdf")
    say(f"{made.letters} letters of plan {made.plan[:12]}…")


# -- tests -------------------------------------------------------------------------------------------------------------


@app.command("test")
def try_out(
    context: typer.Context,
    campaign: Campaign,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="ADDRESS", help="Your own address; as often as needed.")
    ] = None,
    fax: Annotated[
        list[str] | None, typer.Option("--fax", metavar="NUMBER", help="Your own fax number, as in +41225550100.")
    ] = None,
    contact: Annotated[
        list[str] | None,
        typer.Option("--contact", metavar="ID", help="Whose letter; else the first, the longest and one at random."),
    ] = None,
    step: Step = 0,
    knowingly: Annotated[bool, typer.Option("--knowingly", help="Also to an address that is a contact's.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="With --knowingly: why; it stands in the audit log.")] = "",
    json: Json = False,
) -> None:
    """Send letters of a prepared campaign to yourself, marked as a test: by the real way, to nobody else.

    No contact and no copy gets anything, and the campaign's numbers do not change. Ends with 6 when one was not taken.
    """
    from dispatcher.usecases.contacts import read_address
    from dispatcher.usecases.trial import send_tests

    addresses = [read_address(text) for text in (*(to or ()), *(fax or ()))]
    if not addresses:
        raise UserError(Problem("", "nobody is named to send the test to", "Say --to with your own address."))
    if knowingly != bool(reason.strip()):
        raise UserError(Problem("", "--knowingly and --reason go together", "Say both, or neither."))
    ids, who = contact or (), operator()
    trials = in_office(
        context,
        lambda office: send_tests(office, campaign, addresses, who, contact_ids=ids, step=step, reason=reason.strip()),
    )
    _tell_trials(trials, json=json)


def _tell_trials(trials: list[Trial], *, json: bool) -> None:
    from dispatcher.domain.words import Verdict

    if json:
        as_json(tests=[_trial_data(one) for one in trials])
    else:
        rows = [(one.contact_id, one.address.value, one.outcome.verdict.value, _said(one)) for one in trials]
        table(("letter to", "sent to", "outcome", "in their words"), rows, "nothing was sent")
    if failed := [one for one in trials if one.outcome.verdict not in (Verdict.ACCEPTED, Verdict.DELIVERED)]:
        raise CheckFailed(f"{len(failed)} of {len(trials)} tests were not taken")


def _said(one: Trial) -> str:
    return " ".join(filter(None, (one.outcome.cause.value, one.outcome.detail)))


def _trial_data(one: Trial) -> dict[str, object]:
    return {
        "test": one.name,
        "contact": one.contact_id,
        "channel": one.address.kind.value,
        "address": one.address.value,
        "letter": one.letter,
        "subject": one.subject,
        "outcome": one.outcome.verdict.value,
        "cause": one.outcome.cause.value,
        "detail": one.outcome.detail,
        "ref": one.outcome.ref,
    }


# -- versions ----------------------------------------------------------------------------------------------------------


@app.command()
def diff(
    context: typer.Context,
    campaign: Campaign,
    contact: Annotated[str, typer.Option("--contact", metavar="ID", help="Whose letter, by the contact's id.")],
    old: Annotated[
        str, typer.Option("--from", metavar="DIGEST", help="The digest of a plan or letter, or its beginning.")
    ] = "",
    new: Annotated[str, typer.Option("--to", metavar="DIGEST", help="The same; without it, what is newer.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write a PDF with both side by side.")
    ] = None,
    step: Step = 0,
    json: Json = False,
) -> None:
    """What changed in the words of a letter: approved against prepared, or prepared against the templates of now."""
    from dispatcher.usecases.compare import compare

    places = _places(context)
    found = in_office(context, lambda office: compare(office, campaign, contact, places, old=old, new=new, step=step))
    if output is not None:
        _write(output, found.pages())
        say(str(output))
    if json:
        changes = [{"kind": one.kind, "words": one.words} for one in found.changes]
        as_json(old=found.old.caption, new=found.new.caption, same=found.same, changes=changes)
    else:
        _tell_difference(found)


#: Words on either side of a change that are shown with it.
_AROUND = 8


def _tell_difference(found: Compared) -> None:
    say(f"- {found.old.caption}\n+ {found.new.caption}")
    if found.same:
        say("The words are the same.")
        return
    pieces = []
    for number, one in enumerate(found.changes):
        if one.kind == "same":
            pieces.append(_shortened(one.words, first=number == 0, last=number == len(found.changes) - 1))
        else:
            sign, colour = ("[-", "red") if one.kind == "gone" else ("{+", "green")
            closing = "-]" if one.kind == "gone" else "+}"
            pieces.append(typer.style(f"{sign}{shown(one.words)}{closing}", fg=colour))
    typer.echo(" ".join(filter(None, pieces)))


def _shortened(words: str, *, first: bool, last: bool) -> str:
    """The words next to the changes; what lies far from any is left out."""
    every = words.split(" ")
    head, tail = ([] if first else every[:_AROUND]), ([] if last else every[-_AROUND:])
    if len(every) <= len(head) + len(tail):
        return shown(words)
    return shown(" ".join([*head, "…", *tail]))


# -- files -------------------------------------------------------------------------------------------------------------


def _give(data: bytes, output: Path | None, form: str) -> None:
    """Into the file, or a text onto standard output. Raises UserError where it cannot be written."""
    if output is None and form in ("text", "html"):
        typer.echo(data.decode(), nl=False)
        return
    if output is None:
        raise UserError(Problem("", f"{form} is no text for a terminal", "Say -o with a file's name."))
    _write(output, data)
    typer.echo(str(output))


def _write(output: Path, data: bytes) -> None:
    """Raises UserError where the file cannot be written."""
    try:
        output.write_bytes(data)
    except OSError as error:
        raise UserError(Problem(str(output), f"cannot be written: {error.strerror}", "Give another -o.")) from error
