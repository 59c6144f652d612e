"""How a command chooses letters: one by its id, or all of a filter, whose number is shown before and said back.

Every command that acts on letters is made of this, so that all of them ask, leave out and answer in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.verbs import Verb
from dispatcher.domain.words import Cause, Kind

from .output import Json, as_json, aside, ask, asked_by_a_person, confirm, say, table
from .session import in_office, operator, settings_of
from .words import STATES

if TYPE_CHECKING:
    from dispatcher.domain.model import Delivery
    from dispatcher.usecases.by_hand import By
    from dispatcher.usecases.review import Wanted
    from dispatcher.usecases.together import Done, LeftOut, Preview

One = Annotated[str, typer.Argument(metavar="ID", help="One delivery's id; none with a filter.", show_default=False)]
Campaign = Annotated[str, typer.Option("--campaign", help="All of this campaign.")]
CauseCode = Annotated[Cause | None, typer.Option("--cause", metavar="CODE", help="All with this cause: fax.busy.")]
Channel = Annotated[Kind | None, typer.Option("--channel", help="All by this channel.")]
Contact = Annotated[str, typer.Option("--contact", help="All to this contact.")]
Domain = Annotated[str, typer.Option("--domain", help="All to email addresses of this domain: ardesia.example.")]
StepNumber = Annotated[int | None, typer.Option("--step", help="All of this step; 0 is the first letter.", min=0)]
Since = Annotated[str, typer.Option("--since", help="All that came to this since then: 'monday', '3 days'.")]
Expect = Annotated[
    int | None, typer.Option("--expect", help="How many you were shown; another number changes nothing.", min=0)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show which ones, and what is left out; change nothing.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit log.")]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was said on the command line."""

    delivery: str = ""
    campaign: str = ""
    cause: Cause | None = None
    channel: Kind | None = None
    contact: str = ""
    domain: str = ""
    step: int | None = None
    since: str = ""
    expect: int | None = None
    dry_run: bool = False
    reason: str = ""
    json: bool = False
    until: str = ""

    def filters(self) -> tuple[tuple[str, object], ...]:
        said = [(name, getattr(self, name)) for name in _FILTERS]
        return tuple((name, value) for name, value in said if value not in ("", None))

    def options(self) -> str:
        """The filter as it is said on the command line."""
        return " ".join(f"--{name} {_quoted(str(value))}" for name, value in self.filters())


_FILTERS = ("campaign", "cause", "channel", "contact", "domain", "step", "since")


def _quoted(text: str) -> str:
    return f"'{text}'" if " " in text else text


def wanted_of(context: typer.Context, choice: Choice) -> Wanted:
    """The filter. Raises UserError for a domain or a time that is none."""
    from datetime import UTC

    from dispatcher.domain import plain_times
    from dispatcher.domain.address import parse_domain
    from dispatcher.usecases.review import Wanted

    zone = settings_of(context).office.timezone
    since = plain_times.since(choice.since, datetime.now(UTC), zone) if choice.since else None
    return Wanted(
        campaign_id=choice.campaign,
        cause=choice.cause,
        kind=choice.channel,
        contact_id=choice.contact,
        step=choice.step,
        domain=parse_domain(choice.domain) if choice.domain else "",
        since=since,
    )


# -- the act -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """How an act is spoken of."""

    noun: str  #: of its JSON list, and of the line that tells how many
    question: str
    reasoned: bool = True  #: it asks for a reason


WORDS: dict[Verb, Words] = {
    Verb.RETRY: Words("queued", "Try these again", reasoned=False),
    Verb.GIVE_UP: Words("given up", "Give these up"),
    Verb.HOLD: Words("held", "Hold these"),
    Verb.RELEASE: Words("released", "Release these"),
    Verb.CANCEL: Words("cancelled", "Cancel these"),
    Verb.SNOOZE: Words("put aside", "Put these aside"),
    Verb.UNSNOOZE: Words("back", "Take these back"),
    Verb.SWITCH: Words("switched", "Send these by their other channel"),
}


def act(context: typer.Context, verb: Verb, choice: Choice) -> None:
    """Do it to the one that is named, or to all of the filter."""
    if choice.delivery and choice.filters():
        raise UserError(Problem("", "an ID and a filter were given", "Give one ID, or a filter, not both.", "E_FILTER"))
    if choice.delivery:
        _one(context, verb, choice)
    else:
        _many(context, verb, choice)


def _by(context: typer.Context, verb: Verb, choice: Choice) -> By:
    from datetime import UTC

    from dispatcher.domain import plain_times
    from dispatcher.usecases.by_hand import By

    zone = settings_of(context).office.timezone
    until = plain_times.until(choice.until, datetime.now(UTC), zone) if choice.until else None
    reason = choice.reason or (ask("Why?", "--reason") if WORDS[verb].reasoned else "")
    return By(operator(), reason, until=until)


def _one(context: typer.Context, verb: Verb, choice: Choice) -> None:
    from dispatcher.usecases.operate import act as do

    by = _by(context, verb, choice)
    row = in_office(context, lambda office: do(office, verb, choice.delivery, by))
    if choice.json:
        as_json(**{_json_name(verb): [row.id]})
    else:
        typer.echo(f"{row.id}: {describe(context, row)}")


def describe(context: typer.Context, row: Delivery) -> str:
    """Where it stands now, in a few words."""
    zone = settings_of(context).office.timezone
    until = aside(row.snoozed_until, zone)
    instead = f" by {row.kind} to {row.address}, instead of {row.instead_of}" if row.instead_of else ""
    return f"{STATES[row.state]}{instead}" + (f", put aside until {until}" if until else "")


def _json_name(verb: Verb) -> str:
    return WORDS[verb].noun.replace(" ", "_")


def _many(context: typer.Context, verb: Verb, choice: Choice) -> None:
    from dispatcher.usecases import together

    wanted = wanted_of(context, choice)
    seen = in_office(context, lambda office: together.preview(office, verb, wanted))
    if choice.dry_run:
        _show(context, verb, seen, json=choice.json)
        return
    say_left_out(seen.left_out)
    if choice.expect is None:
        _ask(verb, choice, seen)
    expect, by = len(seen.going) if choice.expect is None else choice.expect, _by(context, verb, choice)
    done = in_office(context, lambda office: together.together(office, verb, wanted, expect, by), banner=False)
    _tell(context, verb, done, json=choice.json)


def _ask(verb: Verb, choice: Choice, seen: Preview) -> None:
    """Raises Conflict where there is nothing to do, UserError where nobody can be asked."""
    count = len(seen.going)
    if not count:
        raise Conflict(f"E_NONE there is no letter for this with {choice.options()}")
    if not asked_by_a_person():
        raise UserError(
            Problem(
                "--expect", f"this would touch {count} letters", f"If you mean them, say --expect {count}.", "E_COUNT"
            )
        )
    confirm(f"{WORDS[verb].question}: {count} letters?", yes=False)


# -- what is shown -----------------------------------------------------------------------------------------------------


def say_left_out(left_out: Sequence[LeftOut]) -> None:
    """How many are left out for which reason; on standard error."""
    from dispatcher.usecases.together import reasons

    for why, count in reasons(left_out).items():
        say(f"left out: {count} × {why.code}: {why.words}")


def _show(context: typer.Context, verb: Verb, seen: Preview, *, json: bool) -> None:
    rows = [one.delivery for one in seen.going]
    if json:
        as_json(verb=verb, count=len(rows), deliveries=[row.id for row in rows], left_out=_records(seen.left_out))
        return
    lines = [
        (row.id, row.campaign_id, row.recipient, row.kind, row.address, describe(context, row), row.cause)
        for row in rows
    ]
    table(("id", "campaign", "recipient", "channel", "address", "state", "cause"), lines, "there is no letter for this")
    say_left_out(seen.left_out)
    say(f"{len(rows)} letters; nothing was changed. To do it: the same with --expect {len(rows)}")


def _records(left_out: Sequence[LeftOut]) -> list[dict[str, object]]:
    return [{"id": one.delivery.id, "code": one.why.code, "why": one.why.words} for one in left_out]


def _tell(context: typer.Context, verb: Verb, done: Done, *, json: bool) -> None:
    if json:
        ids = [row.id for row in done.done]
        as_json(**{_json_name(verb): ids}, bulk=done.bulk, left_out=_records(done.left_out))
        return
    for row in done.done:
        typer.echo(f"{row.id}: {describe(context, row)}")
    named = f"; in the audit log as bulk:{done.bulk}" if done.bulk else ""
    say(f"{len(done.done)} {WORDS[verb].noun}{named}")


# -- commands that differ in their verb alone --------------------------------------------------------------------------


def add(app: typer.Typer, name: str, verb: Verb, does: str) -> None:
    """Give `app` the command `name`, which does `verb` to one letter or to many."""

    def command(
        context: typer.Context,
        delivery: One = "",
        campaign: Campaign = "",
        cause: CauseCode = None,
        channel: Channel = None,
        contact: Contact = "",
        domain: Domain = "",
        step: StepNumber = None,
        since: Since = "",
        expect: Expect = None,
        dry_run: DryRun = False,
        reason: Why = "",
        json: Json = False,
    ) -> None:
        choice = Choice(delivery, campaign, cause, channel, contact, domain, step, since, expect, dry_run, reason, json)
        act(context, verb, choice)

    command.__doc__ = does
    app.command(name)(command)
