"""Tells one delivery's story in words, in the order in which it happened, and as one JSON object."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dispatcher.domain.audit import as_record as audit_record
from dispatcher.domain.station import remark
from dispatcher.domain.words import Cause, Kind, State

from .output import aside, facts, heading, local, say, table, utc
from .records import delivery_record
from .words import STATES, cause_text, next_step

if TYPE_CHECKING:
    from dispatcher.domain.audit import AuditEvent
    from dispatcher.domain.model import Attempt
    from dispatcher.usecases.review import Story
    from dispatcher.usecases.tries import Coming, Try

WAITING = (State.QUEUED, State.HELD, State.DEFERRED, State.SENDING)
Moment = tuple[datetime, str, str, str]  #: when, who, what, why or how


def show_story(story: Story, coming: Coming, zone: str) -> None:
    """On standard output: what it is, where it stands, a line for everything that happened, and what is to come."""
    row = story.delivery
    facts(
        [
            ("delivery", row.id),
            ("campaign", f"{row.campaign_id}, letter {row.step + 1}"),
            ("subject", story.letter.subject),
            ("recipient", f"{row.recipient} ({row.role})"),
            ("address", f"{row.address} by {row.kind}"),
            ("state", STATES[row.state]),
            ("cause", cause_text(row.cause)),
            ("their words", row.detail),
            ("next step", next_step(row.cause)),
            ("pages confirmed", _pages(story)),
            ("answered by", _answered_by(story)),
            ("due", local(row.due, zone)),
            ("put aside until", aside(row.snoozed_until, zone)),
            ("takes the place of", row.instead_of),
            ("its place is taken by", ", ".join(story.replaced_by)),
            ("waits", _waits(story, zone)),
            ("may arrive twice", _twice(story)),
            ("answered", "yes" if story.answered else ""),
            ("message id", row.message_id),
            ("letter", row.letter),
        ]
    )
    heading("What happened")
    lines = [(local(at, zone, "seconds"), *rest) for at, *rest in sorted(_moments(story), key=lambda moment: moment[0])]
    table(("when", "who", "what", "more"), lines, "nothing yet")
    _show_tries(coming, zone)


def _show_tries(coming: Coming, zone: str) -> None:
    """The tries to come by both clocks; nothing where there are none."""
    if not coming.tries:
        return
    heading("Tries to come")
    lines = [
        (number, local(one.at, zone), f"{local(one.at, coming.delivery.zone)}, {_day(one, coming)}", *_why(one))
        for number, one in enumerate(coming.tries, start=1)
    ]
    table(("try", f"here ({zone})", f"there ({coming.delivery.zone})", "because"), lines, "")
    if coming.cause:
        say(f"if each of them ends with: {cause_text(coming.cause)}")
    for note in coming.notes:
        say(note)


def _day(one: Try, coming: Coming) -> str:
    return f"{one.at.astimezone(ZoneInfo(coming.delivery.zone)):%A}"


def _why(one: Try) -> tuple[str]:
    return ("; ".join(one.between),)


def _waits(story: Story, zone: str) -> str:
    """Why it has not left yet, and until when."""
    found = story.waiting
    if found is None:
        return ""
    until = f", until {local(found.until, zone)}" if found.until else ""
    why = ": ".join(part for part in (cause_text(found.cause), found.words) if part)
    return f"{why}{until}"


def _pages(story: Story) -> str:
    """'2 of 3', of a fax whose far end has confirmed some; '' where nothing is known of it."""
    known = [one["pages"] for one in story.evidence if one["pages"] is not None]
    return f"{known[-1]} of {story.letter.fax_pages}" if known and story.delivery.kind is Kind.FAX else ""


def _answered_by(story: Story) -> str:
    """The far machine's own name, with what is odd about it."""
    return remark(story.station, story.delivery.address, story.station_before) or story.station


def _twice(story: Story) -> str:
    """Who wanted a second try although the first may have arrived, and why; '' where there was none."""
    if any(one.knowingly for one in story.attempts):
        words = "sent again knowingly"
    elif story.delivery.knowingly and story.delivery.state in WAITING:
        words = "to be sent again knowingly"
    else:
        return ""
    wanted = [one.event for one in story.audit if one.event.data.get("knowingly") and one.event.reason]
    return "; ".join([words, *(f"{one.actor}: {one.reason}" for one in wanted)])


def _moments(story: Story) -> list[Moment]:
    moments = [moment for one in story.attempts for moment in _of_attempt(one)]
    for heard in story.evidence:
        words = f"{cause_text(Cause(heard['cause']))} {heard['detail']}".strip()
        used = "" if heard["applied"] else " (kept, not applied)"
        moments.append((heard["at"], heard["source"], f"report: {heard['verdict']}{used}", words))
    for entry in story.audit:
        event = entry.event
        change = f"{event.before} → {event.after}" if event.after else ""
        what = f"{event.action.partition('.')[2]} {change}".strip()
        moments.append((datetime.fromisoformat(entry.at), event.actor, what, _more(event)))
    return moments


#: What an entry names besides: how people read it.
_NAMED = {
    "replaces": "takes the place of",
    "instead": "its place is taken by",
    "until": "until",
    "bulk": "part of bulk:",
}


def _more(event: AuditEvent) -> str:
    """The reason, and the other deliveries or acts that the entry names."""
    named = [f"{words} {event.data[name]}".replace(": ", ":") for name, words in _NAMED.items() if name in event.data]
    return "; ".join(part for part in (event.reason, *named) if part)


def _of_attempt(one: Attempt) -> list[Moment]:
    number = f"try {one.fence}"
    moments = [(one.opened_at, one.worker, f"{number} by {one.channel}", "knowingly again" if one.knowingly else "")]
    if one.transmitting_at:
        moments.append((one.transmitting_at, one.worker, f"{number} transmits", f"sha256 {one.sent_digest[:12]}…"))
    if one.closed_at:
        words = f"{cause_text(one.cause)} {one.detail}".strip()
        moments.append((one.closed_at, one.channel, f"{number}: {one.verdict}", words))
    return moments


def as_record(story: Story, coming: Coming) -> dict[str, object]:
    """The same as one JSON object."""
    tries = [{"at": utc(one.at), "because": list(one.between)} for one in coming.tries]
    return {
        "delivery": delivery_record(story.delivery, len(story.attempts)),
        "subject": story.letter.subject,
        "answered": story.answered,
        "may_arrive_twice": bool(_twice(story)),
        "replaced_by": list(story.replaced_by),
        "waiting": _waiting_record(story),
        "pages_confirmed": _pages(story),
        "station": story.station,
        "station_remark": remark(story.station, story.delivery.address, story.station_before),
        "attempts": [_attempt_record(one) for one in story.attempts],
        "evidence": [_evidence_record(one) for one in story.evidence],
        "audit": [audit_record(entry) for entry in story.audit],
        "tries_to_come": {"supposing": coming.cause, "tries": tries, "notes": list(coming.notes)},
    }


def _waiting_record(story: Story) -> dict[str, object] | None:
    found = story.waiting
    return {"cause": found.cause, "detail": found.words, "until": utc(found.until)} if found else None


def _attempt_record(one: Attempt) -> dict[str, object]:
    return {
        "id": one.id,
        "channel": one.channel,
        "worker": one.worker,
        "stage": one.stage,
        "opened": utc(one.opened_at),
        "transmitting": utc(one.transmitting_at),
        "closed": utc(one.closed_at),
        "verdict": one.verdict,
        "cause": one.cause,
        "detail": one.detail,
        "ref": one.ref,
        "pages": one.pages,
        "sent": one.sent_digest,
        "facts": one.facts,
        "knowingly": one.knowingly,
    }


def _evidence_record(heard: dict[str, object]) -> dict[str, object]:
    return {name: utc(value) if isinstance(value, datetime) else value for name, value in heard.items()}
