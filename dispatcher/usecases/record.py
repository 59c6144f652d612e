"""Records what became of a try: outcome, move and audit entry in one transaction; if need be, in a spill file."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.archive import append_durably
from dispatcher.domain.audit import canonical
from dispatcher.domain.errors import Conflict, NotFound
from dispatcher.domain.model import Actor, Attempt, Delivery
from dispatcher.domain.outcome import Outcome, Report, signal_for
from dispatcher.domain.schedule import SHORT_WAIT
from dispatcher.domain.words import Cause, Signal, Stage, State, Verdict
from dispatcher.store import attempts, deliveries
from dispatcher.store.engine import StoreFault

from .breaker import note_routes
from .hear import apply, keep
from .moves import BY_SCHEDULE, move
from .office import Office
from .pacing import note_rests

log = logging.getLogger(__name__)

#: How often a sick database is asked to take an outcome before the outcome goes to the spill file.
TRIES = 3


async def record(office: Office, attempt_id: str, outcome: Outcome, actor: Actor) -> None:
    """Write down the outcome of our own try. When the database will not take it, keep it beside the database."""
    for _ in range(TRIES):
        try:
            await office.store.write(
                lambda connection: settle(connection, office, attempt_id, outcome, actor), beside=_is_plain(outcome)
            )
            return
        except StoreFault:
            continue
    await asyncio.to_thread(_spill, office.folder, attempt_id, outcome)


def _is_plain(outcome: Outcome) -> bool:
    """It was taken and nothing was learned about any route: only rows of this one try change."""
    return outcome.verdict in (Verdict.ACCEPTED, Verdict.DELIVERED) and not outcome.passed and not outcome.pause_route


async def settle(
    connection: AsyncConnection, office: Office, attempt_id: str, outcome: Outcome, actor: Actor
) -> Delivery | None:
    """Close the attempt and move its delivery; what comes after somebody else has closed it is a late report."""
    attempt = await attempts.find(connection, attempt_id)
    if attempt is None:
        return None
    seen = await deliveries.get(connection, attempt.delivery_id)
    if _stands(attempt, outcome):
        return seen
    if attempt.stage is Stage.CLOSED or seen.fence != attempt.fence or seen.state is not State.SENDING:
        return await _settle_late(connection, office, attempt, outcome, actor)
    await attempts.close(connection, attempt_id, outcome, office.clock.now())
    if outcome.verdict is Verdict.UNSENT:
        await note_rests(connection, office, seen, attempt.via)
    await note_routes(connection, office, outcome, actor)
    return await _settle_own(connection, office, seen, attempt, outcome, actor)


def _stands(attempt: Attempt, outcome: Outcome) -> bool:
    """Taken before, although nobody was told: the connection was lost during the commit. Told again, it is no news."""
    told = (attempt.verdict, attempt.cause, attempt.detail, attempt.ref)
    return attempt.stage is Stage.CLOSED and told == (outcome.verdict, outcome.cause, outcome.detail, outcome.ref)


async def _settle_own(
    connection: AsyncConnection, office: Office, seen: Delivery, attempt: Attempt, outcome: Outcome, actor: Actor
) -> Delivery:
    tries = seen.tries + (outcome.verdict is not Verdict.UNSENT)
    left = office.policy.tries_left(seen.kind, outcome.cause, tries)
    signal = signal_for(outcome.verdict, left, knowingly=attempt.knowingly)
    return await move(
        connection,
        office,
        seen,
        signal,
        actor,
        cause=outcome.cause,
        detail=outcome.detail,
        due=office.clock.now() + _rest(outcome) if signal is Signal.REQUEUE else BY_SCHEDULE,
        data={"attempt": attempt.id},
        asked=outcome.again_after,
        tries=tries,
    )


def _rest(outcome: Outcome) -> timedelta:
    """Lost leases go back at once; what our own side could not send waits a little."""
    return timedelta() if outcome.cause is Cause.WORKER_LOST else SHORT_WAIT


async def _settle_late(
    connection: AsyncConnection, office: Office, attempt: Attempt, outcome: Outcome, actor: Actor
) -> Delivery | None:
    await attempts.close(connection, attempt.id, outcome, office.clock.now())
    if outcome.verdict is Verdict.UNSENT:
        return await _false_doubt(connection, office, attempt, outcome, actor)
    report = Report(attempt.id, f"{attempt.id}/own", outcome)
    await apply(connection, office, report, str(actor))
    return await deliveries.get(connection, attempt.delivery_id)


async def _false_doubt(
    connection: AsyncConnection, office: Office, attempt: Attempt, outcome: Outcome, actor: Actor
) -> Delivery:
    """Nothing left. There is nothing more to know of it, unless its worker was given up for lost: that doubt is over.

    Whoever made the try knows it for certain; the try is given back, as every try is that was not made.
    """
    seen = await deliveries.get(connection, attempt.delivery_id)
    if seen.state is not State.IN_DOUBT or seen.fence != attempt.fence:
        return seen
    own = Report(attempt.id, f"{attempt.id}/own", outcome)
    await keep(connection, office, attempt, own, str(actor), applied=True)
    return await move(
        connection,
        office,
        seen,
        Signal.DEFER,
        actor,
        cause=outcome.cause,
        detail=outcome.detail,
        due=office.clock.now() + SHORT_WAIT,
        data={"attempt": attempt.id, "event": own.event_id},
        tries=max(seen.tries - 1, 0),
    )


# -- the spill file ------------------------------------------------------------------------------------------------
#
# spill.jsonl     outcomes that the database did not take, one a line, appended under the lock of spill.lock
# spill-N.taken   such a file, moved aside to be told to the database; told twice after a crash, it does no harm
# spill.bad       lines that could not be read or applied, as a full disk cuts them: the sweep has their attempts


def _spill(folder: Path, attempt_id: str, outcome: Outcome) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    line = canonical({"attempt_id": attempt_id, "outcome": asdict(outcome)})
    with _locked(folder):
        # It begins a line of its own: the disk may have cut the last one short.
        append_durably(folder / "spill.jsonl", f"\n{line}\n")


async def unspill(office: Office, actor: Actor) -> int:
    """Give the database what it did not take before; how many. Taking an outcome twice does nothing."""
    told = 0
    for path in await asyncio.to_thread(_taken, office.folder):
        for line in await asyncio.to_thread(_lines, path):
            told += await _tell(office, line, actor) if line else 0
        path.unlink(missing_ok=True)
    return told


def _lines(path: Path) -> list[str]:
    """None of a file that another worker of this host has told and taken away since it was listed."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return []


async def _tell(office: Office, line: str, actor: Actor) -> bool:
    try:
        attempt_id, outcome = _read(line)
        await office.store.write(lambda connection: settle(connection, office, attempt_id, outcome, actor))
    except (ValueError, KeyError, TypeError, Conflict, NotFound) as fault:
        log.error("a spilled outcome is set aside in spill.bad: %s", fault)
        await asyncio.to_thread(append_durably, office.folder / "spill.bad", line + "\n")
        return False
    return True


def _read(line: str) -> tuple[str, Outcome]:
    record = json.loads(line)
    fields = record["outcome"]
    passed = tuple((route, cause, words) for route, cause, words in fields.get("passed", ()))
    words = {"verdict": Verdict(fields["verdict"]), "cause": Cause(fields["cause"]), "passed": passed}
    return record["attempt_id"], Outcome(**{**fields, **words})


def _taken(folder: Path) -> list[Path]:
    """The files to tell from: the present one, moved aside, and what a crash left of earlier ones."""
    path = folder / "spill.jsonl"
    if path.exists():
        with _locked(folder):
            if path.exists():
                path.rename(folder / f"spill-{time.time_ns()}.taken")
    return sorted(folder.glob("spill-*.taken"))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "spill.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
