"""Shows a prepared plan: every letter, every delivery, and the digest that an approval signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dispatcher.domain.errors import Problem
from dispatcher.domain.words import Days

from .estimate import estimate_facts
from .output import as_json, facts, heading, local, say, table, warn_by_code

if TYPE_CHECKING:
    from dispatcher.usecases.plan import Plan, Stop


def show_plan(digest: str, plan: Plan, remarks: Sequence[Problem], zone: str, *, json: bool) -> None:
    """On standard output, whole."""
    if json:
        letters = [asdict(letter) for letter in plan.letters]
        stops, noticed = [_stop(plan, one) for one in plan.stops], [_remark(one) for one in remarks]
        as_json(plan=digest, campaign=plan.campaign, letters=letters, deliveries=stops, remarks=noticed)
        return
    campaign = plan.campaign
    facts(
        [
            ("campaign", campaign["id"]),
            ("title", campaign["title"]),
            ("plan", digest),
            ("sender", f"{campaign['sender']['name']} <{campaign['sender']['email']}>"),
            ("leaves", campaign["local_key"].replace("T", " ")),
            ("repeats", f"{len(plan.instants)} times in all" if len(plan.instants) > 1 else ""),
            ("hours", _hours(campaign)),
            ("a day", f"{campaign['per_day']} letters at the most" if campaign.get("per_day") else ""),
            ("gap", _gap(campaign)),
            ("fax cover", "yes" if campaign["fax_cover"] else ""),
            *estimate_facts(campaign, zone),
        ]
    )
    _show_times(plan, zone)
    _show_letters(plan)
    _show_attachments(plan)
    _show_deliveries(plan, zone)
    warn_by_code(remarks)
    say(f"next: dispatcher campaigns approve {campaign['id']} --digest {digest[:12]}")


def _hours(campaign: Mapping[str, Any]) -> str:
    if not campaign["hours"]:
        return ""
    days = "every day" if campaign.get("days") == Days.EVERY else "working days"
    return "–".join(campaign["hours"]) + f" on {days}, in the recipient's time"


def _gap(campaign: Mapping[str, Any]) -> str:
    """Another gap to other letters than the settings', and why."""
    own = campaign.get("limits", {})
    return f"{own['courtesy_hours']} hours to other letters: {own['reason']}" if "courtesy_hours" in own else ""


def _stop(plan: Plan, stop: Stop) -> dict[str, object]:
    """A delivery of the plan, by the names that `deliveries list --json` uses."""
    from dispatcher.usecases.plan import why_moved

    renamed = {"contact_id": "contact", "addressee_id": "addressee", "kind": "channel"}
    fields = {renamed.get(name, name): value for name, value in asdict(stop).items()}
    return {**fields, "due_there": _there(stop), "moved_because": why_moved(plan, stop)}


def _there(stop: Stop) -> str:
    """When it leaves, by the clock at the recipient's."""
    return f"{datetime.fromisoformat(stop.due).astimezone(ZoneInfo(stop.zone)):%a %Y-%m-%d %H:%M}"


def _show_times(plan: Plan, zone: str) -> None:
    if len(plan.instants) > 1:
        heading(f"{len(plan.instants)} times")
        table(("occurrence", "at"), [(key, local(at, zone)) for key, at in plan.instants.items()], "")


def _remark(one: Problem) -> dict[str, str]:
    return {"place": one.place, "cause": one.cause, "way_out": one.way_out, "code": one.code}


def _show_letters(plan: Plan) -> None:
    heading(f"{len(plan.letters)} letters")
    rows: list[tuple[object, ...]] = [
        (one.digest[:12], one.step, one.contact_id, one.language, one.pages, one.fax_pages, one.subject)
        for one in plan.letters
    ]
    columns: tuple[str, ...] = ("letter", "step", "to", "language", "pages", "fax pages", "subject")
    if len(plan.instants) > 1:
        columns = (*columns, "of")
        rows = [(*row, one.occurrence) for row, one in zip(rows, plan.letters, strict=True)]
    table(columns, rows, "none")


def _show_attachments(plan: Plan) -> None:
    """The attachments of each step, in the order in which they follow its letters; nothing where there are none."""
    steps = {one.step: one.attachments for one in plan.letters}
    rows = [
        (step, place, name, digest[:12])
        for step, attached in sorted(steps.items())
        for place, (name, digest) in enumerate(attached, 1)
    ]
    if rows:
        heading(f"{len(rows)} attachments" if len(rows) > 1 else "1 attachment")
        table(("step", "place", "file", "sha256"), rows, "")


def _show_deliveries(plan: Plan, zone: str) -> None:
    from dispatcher.usecases.plan import why_moved

    heading(f"{len(plan.stops)} deliveries of the first letter")
    due = [local(datetime.fromisoformat(one.due), zone) for one in plan.stops]
    rows = [
        (one.id, one.recipient, one.role, one.kind, one.address, when, _there(one), one.letter[:12])
        for one, when in zip(plan.stops, due, strict=True)
    ]
    table(("delivery", "recipient", "role", "channel", "address", "due", "there", "letter"), rows, "none")
    moved = [
        (one.id, one.recipient, _there(one), "; ".join(why)) for one in plan.stops if (why := why_moved(plan, one))
    ]
    if moved:
        heading(f"{len(moved)} of them wait for a working day or hour at the recipient's")
        table(("delivery", "recipient", "leaves there", "because"), moved, "")
