"""Prints what torture runs came to: one row a run, the mix of faults, and what may be said of it."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.domain.words import State
from dispatcher.rehearsal.exchange import script_for

from .letters import FAXES
from .runs import STOP_SHARE, STOPPED_FOR, Done, Wanted
from .server import STEPS
from .verdict import Report, Wrong

Row = tuple[Wanted, Done, Report]

_HEAD = (
    ("database", 17),
    ("letters", 7),
    ("kills", 5),
    ("stops", 5),
    ("crashes", 7),
    ("lost in hand", 12),
    ("attempts", 8),
    ("accepted", 8),
    ("delivered", 9),
    ("failed", 6),
    ("in doubt (taken)", 16),
    *((wrong.value, len(wrong.value)) for wrong in Wrong),
    ("audit", 6),
    ("seconds", 7),
)


def show(rows: Sequence[Row]) -> str:
    """The table of the runs."""
    lines = ["  ".join(name.rjust(width) for name, width in _HEAD)]
    for row in rows:
        cells = zip(_cells(*row), _HEAD, strict=True)
        lines.append("  ".join(str(cell).rjust(width) for cell, (_, width) in cells))
    return "\n".join(lines)


def _cells(wanted: Wanted, done: Done, found: Report) -> list[object]:
    states = found.states
    return [
        wanted.name,
        found.letters,
        done.kills,
        done.stops,
        done.crashes,
        f"{found.lost_before} + {found.lost_at}",
        found.attempts,
        states[State.ACCEPTED],
        states[State.DELIVERED],
        states[State.FAILED],
        f"{states[State.IN_DOUBT]} ({found.doubts_taken})",
        *(found.count(wrong) for wrong in Wrong),
        "broken" if found.audit else "sound",
        round(done.seconds),
    ]


def mix() -> str:
    """What the workers and the far ends met, in percent."""
    stops = 100 * STOP_SHARE
    lines = [f"  strikes  SIGKILL {100 - stops:g}, SIGSTOP {stops:g}, for {STOPPED_FOR[0]:g} to {STOPPED_FOR[1]:g} s"]
    for step, words in STEPS.items():
        bad = ", ".join(f"{word} {weight:g}" for word, weight in words.items() if word not in ("go", "take"))
        lines.append(f"  {step:9}{bad}")
    whole = sum(FAXES.values())
    faxes = [f"{script_for(ending).says} {100 * weight / whole:.1f}" for ending, weight in FAXES.items()]
    return "\n".join([*lines, *(f"  {'fax':9}{line}" for line in faxes)])


def claim(rows: Sequence[Row]) -> str:
    """What N clean letters allow to be said: the rule of three."""
    letters = sum(row[2].letters for row in rows)
    kills, stops, crashes = (sum(getattr(row[1], name) for row in rows) for name in ("kills", "stops", "crashes"))
    return (
        f"0 in {letters} letters under {kills} kills, {stops} stops and {crashes} crashes of the database's server:\n"
        f"at most 3/{letters} = {3 / letters:.1e} at 95 % are lost or silently doubled, under this mix of faults\n"
        "(percent: of strikes; of letters, by step of the mail server; of faxes):"
    )
