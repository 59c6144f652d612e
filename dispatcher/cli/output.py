"""How the command line shows things: JSON objects, tables and facts on standard output, talk on standard error."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from dispatcher.domain.errors import Problem, UserError
from dispatcher.domain.outcome import escape

#: Of every JSON object that the program prints. Grows when a name in one of them changes its meaning or goes.
SCHEMA_VERSION = 1

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit log.", show_default=False)]

#: A pipe has no width: nothing is cut or wrapped there.
_ENDLESS = 100_000
_LONGEST = 4000
#: Ids and codes are no longer than this, and are never broken; a path may be.
_WORD = 32


def as_json(**data: object) -> None:
    """One object, indented, on standard output."""
    typer.echo(json.dumps({"schema_version": SCHEMA_VERSION, **data}, ensure_ascii=False, indent=2))


def as_json_line(**data: object) -> None:
    """One object on one line, for commands that go on."""
    typer.echo(json.dumps({"schema_version": SCHEMA_VERSION, **data}, ensure_ascii=False))


def say(text: str) -> None:
    """Talk: never data, so that a pipe gets data alone."""
    typer.echo(text, err=True)


def say_if(text: str) -> None:
    """Nothing where there is nothing to say."""
    if text:
        say(text)


def warn(problems: Iterable[Problem]) -> None:
    for problem in problems:
        say(f"warning: {problem}")


#: Of one kind of warning, so many are told in full; the rest is a number.
_FEW = 5


def warn_by_code(problems: Sequence[Problem]) -> None:
    """Warnings of one kind together, the first few of each in full: two hundred missions have the same one."""
    groups: dict[str, list[Problem]] = {}
    for one in problems:
        groups.setdefault(one.code, []).append(one)
    for code, group in groups.items():
        warn(group[:_FEW])
        if len(group) > _FEW:
            say(f"warning: {code}: and {len(group) - _FEW} more like these")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """A table on standard output; `empty` is said when there are no rows."""
    from rich import box
    from rich.table import Table

    lines = [[shown(cell) for cell in row] for row in rows]
    if not lines:
        say(empty)
        return
    if sys.stdout.isatty() and not _fits(columns, lines):
        for line in lines:
            facts(zip(columns, line, strict=True))
            typer.echo()
        return
    made = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False, header_style="bold")
    for column, *cells in zip(columns, *lines, strict=True):
        made.add_column(column, overflow="fold", no_wrap=not any(" " in cell or len(cell) > _WORD for cell in cells))
    _fill(made, lines)


def _fits(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> bool:
    """Has the terminal room for a table in which no word is broken? An id in two halves cannot be copied."""
    words = ((word for cell in cells for word in cell.split()) for cells in zip(columns, *lines, strict=True))
    least = sum(max((min(len(word), _WORD) for word in column), default=0) for column in words)
    return least + 3 * len(columns) <= shutil.get_terminal_size().columns


def facts(rows: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; those without a value are left out."""
    from rich.table import Table

    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    _fill(made, [row for row in rows if row[1] not in ("", None)])


def _fill(made: object, rows: Iterable[Sequence[object]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    assert isinstance(made, Table)
    for row in rows:
        made.add_row(*(Text(shown(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else _ENDLESS, highlight=False).print(made)


def shown(cell: object) -> str:
    """A cell's text, harmless on a terminal whoever wrote it."""
    return "" if cell is None else escape(str(cell), _LONGEST)


def heading(text: str) -> None:
    typer.secho(f"\n{text}", bold=True)


# -- times -------------------------------------------------------------------------------------------------------------


def utc(instant: datetime | None) -> str | None:
    """For JSON: ISO 8601 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z") if instant else None


def local(instant: datetime | None, zone: str, to: str = "minutes") -> str:
    """For people, in the office's own time."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(" ", to) if instant else ""


def aside(until: datetime | None, zone: str) -> str:
    """Until when it is put aside; '' where that hour has come."""
    return local(until, zone) if until is not None and until > datetime.now(UTC) else ""


# -- questions ---------------------------------------------------------------------------------------------------------


def confirm(question: str, *, yes: bool) -> None:
    """Ask, where there is somebody to ask. Raises UserError where there is nobody and `--yes` was not said."""
    if yes:
        return
    if not asked_by_a_person():
        raise UserError(Problem("", f"nobody is there to be asked: {question}", "Say --yes."))
    typer.confirm(question, abort=True, err=True)


def ask(question: str, option: str) -> str:
    """Ask for a few words. Raises UserError where nobody is there to be asked, naming the option to say instead."""
    if not asked_by_a_person():
        raise UserError(
            Problem(option, "a reason is wanted", f"Say {option} '…'; it stands in the audit log.", "E_REASON")
        )
    return str(typer.prompt(question, err=True))


def asked_by_a_person() -> bool:
    """Is there a person at a terminal, who can be asked?"""
    return sys.stdin.isatty() and sys.stderr.isatty()
