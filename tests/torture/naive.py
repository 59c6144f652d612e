"""The usual lease-and-retry design, put in place of ours in one process: what a run must catch, or it catches nothing.

A lease that has ended goes back to the queue whatever its attempt had come to; silence after the dot is tried again.
"""

from __future__ import annotations

from typing import Any

from dispatcher.domain import outcome
from dispatcher.domain.model import Delivery
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Signal, Verdict
from dispatcher.store import attempts
from dispatcher.usecases import sweep
from dispatcher.usecases.moves import move
from dispatcher.usecases.office import Office


async def _reap_by_age(connection: Any, office: Office, row: Delivery) -> None:
    seen = await sweep._unchanged(connection, office, row)
    attempt = await attempts.latest(connection, row.id)
    if seen is not None and attempt is not None:
        lost = Outcome(Verdict.UNSENT, Cause.WORKER_LOST)
        await attempts.close(connection, attempt.id, lost, office.clock.now())
        await move(connection, office, seen, Signal.REQUEUE, sweep.CLOCK, cause=lost.cause)


def take_defences_out() -> None:
    """In this process, from now on."""
    sweep._reap = _reap_by_age  # type: ignore[assignment]  # it takes the same
    outcome._SIGNALS[Verdict.UNKNOWN] = Signal.DEFER
