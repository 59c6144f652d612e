"""Shows what a rehearsal foretells: figures and tables for people, one object for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dispatcher.domain.words import Cause, State

from .output import facts, heading, local, table, utc
from .words import STATES, cause_text, next_step

if TYPE_CHECKING:
    from dispatcher.usecases.forecast import CopyRow, Count, Forecast, Row, Sending, Span, Task


def _letter(step: int) -> str:
    from dispatcher.usecases.forecast_files import letter_name

    return letter_name(step)


def ranged(one: Span, digits: int = 0) -> str:
    """'12', or over several runs '12 (10–15)'."""
    median, low, high = (f"{value:,.{digits}f}" for value in (one.median, one.low, one.high))
    return median if low == high else f"{median} ({low}–{high})"


def show_forecast(found: Forecast, zone: str) -> None:
    """On standard output, whole. Nothing in it depends on when or where it was rehearsed."""
    _show_head(found, zone)
    heading("Calendar")
    columns = ("day", "letter", "by", "letters", "further tries", "from", "to", "there")
    table(columns, [_day(one, zone) for one in found.calendar], "no letter leaves")
    if found.moved:
        heading("What letters wait for")
        rows = [(_letter(one.step), one.because, one.letters) for one in found.moved]
        table(("letter", "because", "letters"), rows, "")
    _show_tries(found)
    _show_tasks(found)
    if found.copies:
        heading("Copies")
        copies = [_copy(one, zone) for one in found.copies]
        table(("recipient", "contact", "letter to", "by", "letters", "first"), copies, "")


def _show_head(found: Forecast, zone: str) -> None:
    cost = found.cost
    facts(
        [
            ("campaign", found.campaign["id"]),
            ("title", found.campaign["title"]),
            ("rehearsed from", local(found.start, zone)),
            ("faults", f"{found.mix}, seed {found.seed}, {_runs(found.runs)}"),
            ("letters", f"{found.letters}, {found.deliveries} first deliveries"),
            ("first leaves", local(found.first, zone)),
            ("last leaves", local(found.last, zone)),
            ("answers", ranged(found.answered)),
            ("follow-ups", ranged(found.follow_ups)),
            ("expired", ranged(found.expired)),
            ("calls answered", ranged(cost.calls)),
            ("fax pages", ranged(cost.pages)),
            ("on the line", f"{ranged(cost.minutes, 1)} minutes" if cost.calls.high else ""),
            *((f"cost, {one.gateway}", f"{one.currency} {ranged(one.amount, 2)}") for one in cost.money),
        ]
    )


def _runs(number: int) -> str:
    return "one run" if number == 1 else f"{number} runs; in brackets, from the lowest tenth of them to the highest"


def _day(one: Row, zone: str) -> tuple[object, ...]:
    first, last = (f"{at.astimezone(ZoneInfo(zone)):%H:%M}" for at in (one.first, one.last))
    there = one.first_there if one.first_there == one.last_there else f"{one.first_there}–{one.last_there}"
    letters, further = ranged(one.letters), ranged(one.further_tries)
    return (f"{one.day:%a %Y-%m-%d}", _letter(one.step), one.kind, letters, further, first, last, there)


def _show_tries(found: Forecast) -> None:
    heading("Tries")
    rows = [(ranged(one.number), one.kind, cause_text(Cause(one.what)) or "went through") for one in found.tries]
    table(("number", "by", "what came of it"), rows, "none")
    heading("How letters end")
    ends = [(ranged(one.number), one.kind, STATES[State(one.what)]) for one in found.ended]
    table(("number", "by", "state"), ends, "")


def _show_tasks(found: Forecast) -> None:
    heading("What people would have to do" + (", in the first run" if found.runs > 1 else ""))
    rows = [_task(one) for one in found.tasks]
    table(("day", "letters", "by", "state", "why", "next step"), rows, "nothing")


def _task(one: Task) -> tuple[object, ...]:
    words = (STATES[one.state], cause_text(one.cause), next_step(one.cause))
    return (f"{one.day:%a %Y-%m-%d}", len(one.contacts), one.kind, *words)


def _copy(one: CopyRow, zone: str) -> tuple[object, ...]:
    letters = ", ".join(map(_letter, one.steps))
    return (one.recipient, one.contact_id, one.addressee_id, ", ".join(one.kinds), letters, local(one.first, zone))


# -- for programs ------------------------------------------------------------------------------------------------------


def forecast_json(found: Forecast, zone: str) -> dict[str, object]:
    """Everything that is shown, and every letter of the first run."""
    return {
        "campaign": found.campaign["id"],
        "from": utc(found.start),
        "faults": found.mix,
        "seed": found.seed,
        "runs": found.runs,
        "letters": found.letters,
        "deliveries": found.deliveries,
        "first": utc(found.first),
        "last": utc(found.last),
        "answers": _span(found.answered),
        "follow_ups": _span(found.follow_ups),
        "expired": _span(found.expired),
        "calendar": [_row_json(one, zone) for one in found.calendar],
        "moved": [{"step": one.step, "because": one.because, "letters": one.letters} for one in found.moved],
        "cost": _cost_json(found),
        "tries": _counts(found.tries, "cause"),
        "ended": _counts(found.ended, "state"),
        "tasks": [_task_json(one) for one in found.tasks],
        "copies": [_copy_json(one) for one in found.copies],
        "sendings": [_sending_json(one) for one in found.sendings],
        "warnings": [
            {"code": one.code, "place": one.place, "cause": one.cause, "way_out": one.way_out} for one in found.warnings
        ],
    }


def _span(one: Span) -> dict[str, float]:
    return {"median": one.median, "low": one.low, "high": one.high}


def _counts(some: Sequence[Count], name: str) -> list[Mapping[str, object]]:
    return [{name: one.what, "channel": one.kind, "number": _span(one.number)} for one in some]


def _row_json(one: Row, zone: str) -> dict[str, object]:
    own = [at.astimezone(ZoneInfo(zone)).isoformat() for at in (one.first, one.last)]
    return {
        "day": one.day.isoformat(),
        "step": one.step,
        "channel": one.kind,
        "letters": _span(one.letters),
        "further_tries": _span(one.further_tries),
        "first": own[0],
        "last": own[1],
        "there": [one.first_there, one.last_there],
    }


def _cost_json(found: Forecast) -> dict[str, object]:
    cost = found.cost
    money = [{"gateway": one.gateway, "currency": one.currency, "amount": _span(one.amount)} for one in cost.money]
    figures = {"calls": _span(cost.calls), "pages": _span(cost.pages), "minutes": _span(cost.minutes)}
    return {**figures, "money": money, "without_tariff": list(cost.without_tariff)}


def _task_json(one: Task) -> dict[str, object]:
    words = {"why": cause_text(one.cause), "next": next_step(one.cause)}
    head = {"day": one.day.isoformat(), "state": one.state, "cause": one.cause, "channel": one.kind}
    return {**head, "contacts": list(one.contacts), **words}


def _copy_json(one: CopyRow) -> dict[str, object]:
    names = {"contact": one.contact_id, "recipient": one.recipient, "letter_to": one.addressee_id}
    return {**names, "channels": list(one.kinds), "steps": list(one.steps), "first": utc(one.first)}


def _sending_json(one: Sending) -> dict[str, object]:
    row, there = one.delivery, ZoneInfo(one.delivery.zone)
    return {
        "delivery": row.id,
        "step": row.step,
        "channel": row.kind,
        "contact": row.contact_id,
        "addressee": row.addressee_id,
        "role": row.role,
        "address": row.address,
        "occurrence": row.occurrence,
        "at": utc(one.at),
        "there": one.at.astimezone(there).isoformat(),
        "tries": one.tries,
        "state": row.state,
        "cause": row.cause,
    }
