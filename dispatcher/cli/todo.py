"""`dispatcher todo`: what needs a person now, the most urgent first, each with the command that comes next."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from dispatcher.domain.trial import Trial
from dispatcher.domain.words import CAUSES, Bulk, Cause

from .failures import tried_record
from .output import Json, as_json, local, table, utc
from .session import in_office, settings_of
from .words import cause_text

if TYPE_CHECKING:
    from dispatcher.usecases.todo import Task


def todo(context: typer.Context, json: Json = False) -> None:
    """What needs you now, the most urgent first, and the command that comes next."""
    from dispatcher.usecases.todo import todo as find

    zone = settings_of(context).office.timezone
    found = in_office(context, lambda office: find(office, _end_of_day(zone)), banner=False)
    if json:
        as_json(todo=[_record(one) for one in found])
        return
    lines = [(one.count, _what(one), local(one.since, zone), _next(one)) for one in found]
    table(("number", "what", "since", "next"), lines, "nothing needs you")


def _end_of_day(zone: str) -> datetime:
    local_now = datetime.now(UTC).astimezone(ZoneInfo(zone))
    return datetime.combine(local_now.date() + timedelta(days=1), time(0), local_now.tzinfo).astimezone(UTC)


def _record(one: Task) -> dict[str, object]:
    return {
        "need": one.need,
        "count": one.count,
        "since": utc(one.since),
        "cause": one.cause,
        "channel": one.kind,
        "campaign": one.campaign_id,
        "occurrence": one.occurrence,
        "route": one.name,
        "together": one.together,
        "tried": tried_record(one.tried),
        "what": _what(one),
        "next": _next(one),
    }


def _what(one: Task) -> str:
    match one.need:
        case "quarantine":
            return one.detail
        case "stopped":
            return f"All sending was stopped by {one.by}: {one.detail}"
        case "route":
            who = f" (paused by {one.by})" if one.by else ""
            return f"No letters leave through '{one.name}'{who}: {cause_text(one.cause)} {one.detail}".strip()
        case "doubt":
            return "In doubt: nobody knows whether they arrived"
        case "overdue":
            return f"Due by {one.kind}, and nobody sends them: no worker runs, or it cannot keep up"
        case "late":
            return f"Held, because their hour had passed: {one.campaign_id}, {one.occurrence}"
        case "failed":
            return f"Failed by {one.kind}: {cause_text(one.cause)}"
        case "inbox":
            return "Came in, and nobody has said what it is: their follow-ups wait"
        case "held":
            return f"Held: {cause_text(one.cause)}"
        case _:
            return "Put aside, and back today"


_NEXT = {
    "quarantine": "dispatcher adopt --dry-run",
    "stopped": "dispatcher sending resume --reason …",
    "doubt": "dispatcher doubts list",
    "overdue": "dispatcher up",
    "inbox": "dispatcher inbox pen",
    "returning": "dispatcher deliveries list --snoozed",
}


def _next(one: Task) -> str:
    match one.need:
        case "late":
            key = f"--occurrence '{one.occurrence}'"
            return f"dispatcher campaigns release {one.campaign_id} {key} --expect {one.count} --reason …"
        case "route":
            verb = f"resume {one.name} --reason …" if one.by else f"probe {one.name}"
            return f"dispatcher routes {verb}"
        case "failed":
            return _after_failing(one)
        case "held":
            return f"dispatcher deliveries list --state held --cause {one.cause}"
        case _:
            return _NEXT[one.need]


def _after_failing(one: Task) -> str:
    """The exact command: the rest when the one went, the try of one before that, the list where each is repaired."""
    cause = f"--cause {one.cause}"
    if CAUSES[one.cause].bulk in (Bulk.NO, Bulk.NEVER) or one.cause is Cause.NONE:
        return f"dispatcher deliveries list --state failed {cause}"
    if one.together:
        return f"dispatcher failures retry {cause} --expect {one.together}"
    if one.tried is not None and one.tried.fate is Trial.WAITS:
        return f"dispatcher deliveries show {one.tried.delivery.id}"
    if CAUSES[one.cause].bulk is Bulk.FIRST or one.tried is not None:
        return f"dispatcher failures retry {cause} --try-one"
    return f"dispatcher failures retry {cause} --dry-run"
