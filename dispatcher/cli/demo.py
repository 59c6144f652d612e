"""`dispatcher demo`: the first campaign goes to its missions before the reader's eyes, on this machine alone."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dispatcher.domain.audit import AuditCheck
from dispatcher.domain.errors import AuditBroken
from dispatcher.domain.words import Kind, State
from dispatcher.usecases import audit_log, review
from dispatcher.usecases.review import Listed, Wanted

from .output import Json, as_json, say
from .progress import progress
from .session import Serve, session_of
from .stage import CAMPAIGN, Stage, open_stage
from .words import STATES, cause_text

GENEVA = ZoneInfo("Europe/Zurich")
_COLOURS = {
    State.DELIVERED: "green",
    State.PRESUMED: "green",
    State.FAILED: "red",
    State.IN_DOUBT: "yellow",
    State.CANCELLED: "dim",
}


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Everything is kept here; the next demo empties it.")] = Path("demo"),
    json: Json = False,
) -> None:
    """Send the first campaign to its missions, on this machine alone, in under a minute."""
    asyncio.run(_demo(folder, session_of(context).serve, json=json))


_LINE = {
    True: "Faxes go over a telephone line in software (T.30, libspandsp): what the far machine kept is what you see.",
    False: "Fax calls are acted here: with the package libspandsp2 they are made, over a telephone line in software.",
}


async def _demo(folder: Path, serve: Serve, *, json: bool) -> None:
    async with open_stage(folder, serve) as stage:
        say(f"An office of its own in {stage.folder}; mail server and fax gateway on loopback, nothing leaves it.")
        say(_LINE[stage.gateway.makes_calls])
        with progress("preparing letters") as step:
            _campaign, letters = await stage.prepare(step)
        say(f"{letters} letters prepared and frozen, approved by the director, launched. It is 1 October 2015.")
        with _live(quiet=json) as show:
            await stage.run(show)
        outbox = await stage.lay_out()
        audit = await audit_log.verify_audit(stage.office)
        await audit_log.export_audit(stage.office, stage.folder / "audit.jsonl")
        rows = await review.list_deliveries(stage.office, Wanted(CAMPAIGN))
        _show_json(stage, rows, letters, outbox, audit) if json else _show(stage, rows, outbox, audit)
        if not audit.sound:
            raise AuditBroken("the demo's own audit log does not hold together")


# -- while it runs -----------------------------------------------------------------------------------------------------


@contextmanager
def _live(*, quiet: bool) -> Iterator[Callable[[dict[State, int], datetime], None]]:
    """On a terminal, the counts by state as they change; elsewhere a line whenever a day has passed."""
    console = Console(stderr=True)
    if console.is_terminal and not quiet:
        with Live(console=console, transient=True, auto_refresh=False) as live:
            yield lambda counts, now: live.update(_board(counts, now), refresh=True)
    else:
        yield _Diary().note


def _board(counts: dict[State, int], now: datetime) -> Table:
    table = Table(title=f"{now.astimezone(GENEVA):%A %d %B %Y, %H:%M} in Geneva", title_justify="left", box=None)
    most = max(counts.values(), default=1)
    for state, count in counts.items():
        bar = Text("█" * max(1, round(30 * count / most)), style=_COLOURS.get(state, "blue"))
        table.add_row(STATES[state], str(count), bar)
    return table


class _Diary:
    """Plain lines for a pipe: the counts, at most once for each day of the demo, and only when they have changed."""

    def __init__(self) -> None:
        self._day = ""
        self._said = ""

    def note(self, counts: dict[State, int], now: datetime) -> None:
        day = f"{now.astimezone(GENEVA):%d %B %Y}"
        said = ", ".join(f"{count} {STATES[state].lower()}" for state, count in counts.items())
        if day != self._day and said != self._said:
            self._day, self._said = day, said
            sys.stderr.write(f"{day}: {said}\n")


# -- at the end --------------------------------------------------------------------------------------------------------


def _show_json(stage: Stage, rows: list[Listed], letters: int, outbox: Path, audit: AuditCheck) -> None:
    counts = Counter(row.delivery.state.value for row in rows)
    as_json(
        campaign=CAMPAIGN,
        states=dict(sorted(counts.items())),
        deliveries=len(rows),
        letters=letters,
        follow_ups=sum(row.delivery.step > 0 for row in rows),
        answered=[stage.answered] if stage.answered else [],
        outbox=str(outbox),
        config=str(stage.folder / "config" / "dispatcher.toml"),
        audit={"entries": audit.entries, "verdict": audit.verdict, "head": audit.head, "seals": audit.compared},
    )


def _show(stage: Stage, rows: list[Listed], outbox: Path, audit: AuditCheck) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(_table(stage, rows))
    counts = Counter(row.delivery.state for row in rows)
    console.print("  ".join(f"{STATES[state]}: {counts[state]}" for state in State if counts[state]) + "\n")
    _show_files(console, outbox)
    held = f"the chain holds from the first entry to the last, and to what was sealed {audit.compared} times"
    verdict = held if audit.sound else audit.verdict.upper()
    console.print(
        f"Audit log: {audit.entries} entries, {verdict}; exported to {_short(stage.folder / 'audit.jsonl')}\n"
    )
    _show_next(console, stage, rows)


def _table(stage: Stage, rows: list[Listed]) -> Table:
    table = Table(title="What became of every letter", title_justify="left", box=None, header_style="bold")
    for column in ("recipient", "letter", "by", "tries", "state", "why"):
        table.add_column(column, overflow="fold")
    for row in rows:
        one = row.delivery
        state = Text(STATES[one.state], style=_COLOURS.get(one.state, ""))
        letter = "first" if one.step == 0 else "follow-up"
        copy = " (cc)" if one.role == "cc" else ""
        why = "answered" if one.id == stage.answered else cause_text(one.cause)
        table.add_row(f"{one.contact_id}{copy}", letter, one.kind.value, str(row.attempts), state, why)
    return table


def _short(path: Path) -> Path:
    """As seen from where the reader stands, where that is shorter."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _show_files(console: Console, outbox: Path) -> None:
    outbox = _short(outbox)
    console.print(f"The letters, as approved (.pdf) and as they arrived (.eml, .tif), are in {outbox}:")
    for name in ("ru-president-1.pdf", "ru-president-1.eml", "ru-president-1.tif"):
        if (outbox / name).exists():
            console.print(f"  {outbox / name}", highlight=False, soft_wrap=True)
    console.print(f"  … and {sum(1 for _ in outbox.iterdir()) - 3} more\n", highlight=False)


def _show_next(console: Console, stage: Stage, rows: list[Listed]) -> None:
    config = _short(stage.folder / "config" / "dispatcher.toml")
    doubtful = next((row.delivery for row in rows if row.delivery.state is State.IN_DOUBT), None)
    fax = next((row.delivery for row in rows if row.delivery.kind is Kind.FAX and row.attempts > 1), None)
    lines = ["campaigns show air-strikes", "failures list", "audit tail"]
    lines += ["evidence bundle evidence.zip --campaign air-strikes --reason 'to see what it holds'"]
    lines += [f"deliveries show {fax.id}"] if fax else []
    lines += [f"doubts settle {doubtful.id} --arrived --note 'They confirmed by telephone'"] if doubtful else []
    console.print("What to try next:")
    for line in lines:
        console.print(f"  .venv/bin/dispatcher --config {config} {line}", highlight=False, soft_wrap=True)
