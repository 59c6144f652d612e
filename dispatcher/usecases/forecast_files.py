"""A forecast as a folder of files: calendars for a spreadsheet and a diary, what people have to do, the copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.words import Cause
from dispatcher.intake.tabular import Entry, write_calendar, write_table_csv, write_table_xlsx

from .forecast import Forecast, Sending

CALENDAR = (
    "day", "time", "there", "letter", "by", "recipient", "contact", "letter to", "role", "address", "tries",
    "occurrence",
)  # fmt: skip
TASKS = ("day", "what", "why", "by", "letters", "contacts", "next step")
COPIES = ("recipient", "contact", "letter to", "by", "letters", "first")
NAMES = ("calendar.csv", "calendar.xlsx", "calendar.ics", "to-do.csv", "copies.csv")
#: An entry of a diary that is shorter cannot be read there.
_SHORTEST = timedelta(minutes=30)

#: What a cause says, and what can be done about it.
Words = Callable[[Cause], tuple[str, str]]


def require_folder(folder: Path, *, force: bool) -> None:
    """Raises UserError where the folder cannot be made, Conflict where one of the files is there."""
    there = [name for name in NAMES if (folder / name).exists()]
    if there and not force:
        raise Conflict(f"{folder} has {', '.join(there)} already; choose another folder, or say --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise UserError(
            Problem(str(folder), f"no folder can be made there: {fault}", "Name another one", "E_FILE")
        ) from fault


def write_forecast(found: Forecast, folder: Path, zone: str, words: Words) -> tuple[Path, ...]:
    """All of them; their paths. Raises UserError where one cannot be written."""
    try:
        _write(found, folder, zone, words)
    except OSError as fault:
        raise UserError(
            Problem(str(folder), f"it cannot be written: {fault}", "Name another folder", "E_FILE")
        ) from fault
    return tuple(folder / name for name in NAMES)


def _write(found: Forecast, folder: Path, zone: str, words: Words) -> None:
    sendings = [_sending(one, zone) for one in found.sendings]
    write_table_csv(CALENDAR, sendings, folder / "calendar.csv")
    write_table_xlsx(CALENDAR, sendings, folder / "calendar.xlsx", "Calendar")
    write_table_csv(TASKS, _tasks(found, words), folder / "to-do.csv")
    write_table_csv(COPIES, _copies(found, zone), folder / "copies.csv")
    title = str(found.campaign["title"])
    write_calendar(title, _entries(found, zone), found.start, folder / "calendar.ics")


def letter_name(step: int) -> str:
    """As people call it: 'first', 'follow-up', 'follow-up 2'."""
    return "first" if step == 0 else "follow-up" if step == 1 else f"follow-up {step}"


def _sending(one: Sending, zone: str) -> list[str]:
    local, there, row = one.at.astimezone(ZoneInfo(zone)), one.at.astimezone(ZoneInfo(one.delivery.zone)), one.delivery
    return [
        f"{local:%Y-%m-%d}", f"{local:%H:%M}", f"{there:%Y-%m-%d %H:%M}", letter_name(row.step), row.kind.value,
        row.recipient, row.contact_id, row.addressee_id, row.role.value, row.address, str(one.tries), row.occurrence,
    ]  # fmt: skip


def _tasks(found: Forecast, words: Words) -> list[list[str]]:
    rows = []
    for one in found.tasks:
        why, following = words(one.cause)
        head = [one.day.isoformat(), one.state.value, why, one.kind.value]
        rows.append([*head, str(len(one.contacts)), " ".join(one.contacts), following])
    return rows


def _copies(found: Forecast, zone: str) -> list[list[str]]:
    return [
        [
            one.recipient, one.contact_id, one.addressee_id, ", ".join(one.kinds),
            ", ".join(map(letter_name, one.steps)),
            f"{one.first.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if one.first else "",
        ]
        for one in found.copies
    ]  # fmt: skip


def _entries(found: Forecast, zone: str) -> list[Entry]:
    """One entry for the letters of a step that leave by one way on one day."""
    groups: dict[tuple[str, int, str], list[Sending]] = {}
    for one in found.sendings:
        day = f"{one.at.astimezone(ZoneInfo(zone)):%Y-%m-%d}"
        groups.setdefault((day, one.delivery.step, one.delivery.kind.value), []).append(one)
    return [_entry(found.campaign, step, kind, some) for (_, step, kind), some in sorted(groups.items())]


def _entry(campaign: Mapping[str, object], step: int, kind: str, some: Sequence[Sending]) -> Entry:
    begins, ends = some[0].at, some[-1].at
    number = "1 letter" if len(some) == 1 else f"{len(some)} letters"
    title = f"{campaign['title']}: {number} by {kind} ({letter_name(step)})"
    lines = [f"{_there(one)} {one.delivery.recipient}" for one in some]
    return Entry(begins, _later(begins, ends), title, "\n".join(lines))


def _later(begins: datetime, ends: datetime) -> datetime:
    return max(ends, begins + _SHORTEST)


def _there(one: Sending) -> str:
    return f"{one.at.astimezone(ZoneInfo(one.delivery.zone)):%H:%M}"
