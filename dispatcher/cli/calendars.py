"""`dispatcher calendars`: on which days an office is closed, and why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.calendars import WEEKDAYS, Calendar

from .output import Json, as_json, facts, heading, table
from .session import in_office

if TYPE_CHECKING:
    from dispatcher.usecases.closed_days import ClosedDays
    from dispatcher.usecases.office import Office

app = typer.Typer(name="calendars", help="Which days count as closed, and why.", no_args_is_help=True)


@app.callback()
def calendars() -> None:
    """A noun with one verb stays a noun."""


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="CONTACT|COUNTRY", help="A contact's id, or a country.")],
    year: Annotated[int | None, typer.Option(help="A year; without it, from today.", min=2000, max=2100)] = None,
    months: Annotated[int, typer.Option(help="How many months from today.", min=1, max=36)] = 12,
    json: Json = False,
) -> None:
    """The weekend, and every day that is closed besides: what a campaign that is prepared now would keep."""
    from dispatcher.usecases.closed_days import closed_days

    async def work(office: Office) -> ClosedDays:
        return await closed_days(office, name, *_span(office.clock.now().date(), year, months))

    _tell(in_office(context, work), json=json)


def _span(today: date, year: int | None, months: int) -> tuple[date, date]:
    if year is not None:
        return date(year, 1, 1), date(year, 12, 31)
    after = today.year * 12 + today.month - 1 + months
    return today, date(after // 12, after % 12 + 1, 1) - timedelta(days=1)


def _tell(found: ClosedDays, *, json: bool) -> None:
    days = [(day.isoformat(), WEEKDAYS[day.weekday()], reason) for day, reason in found.days]
    first, last, weekend = found.first.isoformat(), found.last.isoformat(), _weekend(found.calendar, found.first)
    opened = [one for one in found.calendar.opened if first <= one <= last]
    if json:
        listed = [dict(zip(("day", "weekday", "why"), one, strict=True)) for one in days]
        span = {"from": first, "until": last, "holidays_known": bool(found.calendar.known_until)}
        as_json(of=found.of, place=found.calendar.place, weekend=weekend, **span, closed=listed, opened=opened)
        return
    facts(
        [
            ("closed days of", found.of),
            ("stands in", found.calendar.place or "a country that is not known"),
            ("weekend", ", ".join(weekend)),
            ("from, until", f"{first}, {last}"),
            ("open after all", ", ".join(opened)),
            ("public holidays", "" if found.calendar.known_until else "not known"),
        ]
    )
    heading("Closed besides")
    table(("day", "weekday", "why"), days, "no day that is known")


def _weekend(calendar: Calendar, day: date) -> list[str]:
    week = (day + timedelta(days=number) for number in range(7))
    return [WEEKDAYS[number] for number in sorted(one.weekday() for one in week if calendar.is_weekend(one))]
