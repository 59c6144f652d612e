"""Shows a prepared plan: every letter, every delivery, and the digest that an approval signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from dispatcher.domain.errors import Problem

from .estimate import estimate_facts
from .output import as_json, facts, heading, local, say, table, warn_by_code

if TYPE_CHECKING:
    from dispatcher.usecases.plan import Plan


def show_plan(digest: str, plan: Plan, remarks: Sequence[Problem], zone: str, *, json: bool) -> None:
    """On standard output, whole."""
    if json:
        letters = [asdict(letter) for letter in plan.letters]
        stops, noticed = [_stop(one) for one in plan.stops], [_remark(one) for one in remarks]
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
            ("hours", "–".join(campaign["hours"]) + " in the recipient's time" if campaign["hours"] else ""),
            ("fax cover", "yes" if campaign["fax_cover"] else ""),
            *estimate_facts(campaign, zone),
        ]
    )
    _show_letters(plan)
    _show_attachments(plan)
    _show_deliveries(plan, zone)
    warn_by_code(remarks)
    say(f"next: dispatcher campaigns approve {campaign['id']} --digest {digest[:12]}")


def _stop(stop: object) -> dict[str, object]:
    """A delivery of the plan, by the names that `deliveries list --json` uses."""
    fields = asdict(stop)  # type: ignore[call-overload]
    renamed = {"contact_id": "contact", "addressee_id": "addressee", "kind": "channel"}
    return {renamed.get(name, name): value for name, value in fields.items()}


def _remark(one: Problem) -> dict[str, str]:
    return {"place": one.place, "cause": one.cause, "way_out": one.way_out, "code": one.code}


def _show_letters(plan: Plan) -> None:
    heading(f"{len(plan.letters)} letters")
    rows = [
        (one.digest[:12], one.step, one.contact_id, one.language, one.pages, one.fax_pages, one.subject)
        for one in plan.letters
    ]
    table(("letter", "step", "to", "language", "pages", "fax pages", "subject"), rows, "none")


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
    heading(f"{len(plan.stops)} deliveries of the first letter")
    due = [local(datetime.fromisoformat(one.due), zone) for one in plan.stops]
    rows = [
        (one.id, one.recipient, one.role, one.kind, one.address, when, one.letter[:12])
        for one, when in zip(plan.stops, due, strict=True)
    ]
    table(("delivery", "recipient", "role", "channel", "address", "due", "letter"), rows, "none")
