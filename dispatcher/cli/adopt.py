"""`dispatcher adopt`: takes a restored, copied or moved database into use, after listing what may have gone unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .output import Json, as_json, confirm, say, table
from .records import delivery_record
from .session import in_office, operator

if TYPE_CHECKING:
    from dispatcher.usecases.adopt import Adoption

_DOOMS = {"in_doubt": "in doubt", "held": "held", "stays": "stays as it is"}


def adopt(
    context: typer.Context,
    reason: Annotated[
        str, typer.Option("--reason", help="Why this is the right database; it stands in the audit log.")
    ] = "",
    moved: Annotated[
        bool, typer.Option("--moved", help="It was moved on purpose, whole, and the old one is switched off.")
    ] = False,
    trust_archive: Annotated[
        bool,
        typer.Option("--trust-archive", help="The archive is whole: a mail that it does not hold has not gone."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the letters; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before.")] = False,
    json: Json = False,
) -> None:
    """Take a restored, copied or moved database into use. What may have gone is held, or in doubt."""
    from dispatcher.usecases import adopt as use

    word = use.Word(reason, moved, trust_archive, operator())
    found = in_office(context, lambda office: use.survey(office, word), banner=False)
    if not json:
        _show(found)
    if not dry_run:
        confirm("Adopt this database, and let letters leave from it again?", yes=yes)
        found = in_office(context, lambda office: use.adopt(office, word), banner=False)
        say("adopted; release what surely did not go with: deliveries release, and settle doubts with: doubts settle")
    if json:
        _print(found, adopted=not dry_run)


def _print(found: Adoption, *, adopted: bool) -> None:
    as_json(
        adopted=adopted,
        moved=found.moved,
        signs=[{"sign": one.sign, "words": one.words} for one in found.standing.findings],
        log=found.standing.last,
        checkpoint=found.standing.note.seq if found.standing.note else None,
        letters=[
            {**delivery_record(one.delivery, one.delivery.tries), "becomes": one.doom, "evidence": one.evidence}
            for one in found.letters
        ],
        approvals_ended=list(found.approvals),
        unknown_mails=list(found.strangers),
    )


def _show(found: Adoption) -> None:
    for one in found.standing.findings:
        say(f"found: {one.words}")
    if found.moved:
        say("moved on purpose: every letter stays as it is")
        return
    lines = [
        (
            one.delivery.id,
            one.delivery.recipient,
            one.delivery.kind,
            one.delivery.address,
            one.delivery.state,
            _DOOMS[one.doom],
            one.evidence,
        )
        for one in found.letters
    ]
    table(("id", "recipient", "channel", "address", "state", "becomes", "why"), lines, "no letter is undecided")
    for campaign in found.approvals:
        say(f"campaign {campaign}: its approval ends, since it may have been launched; look at it again before that")
    for name in found.strangers:
        say(f"a mail left that this database does not know: {name}")
    say("answers, suppressions, contacts and settings of the time since the backup are not in this database either")
