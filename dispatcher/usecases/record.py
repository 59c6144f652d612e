"""Records what became of a try: outcome, move and audit entry in one transaction; if need be, in a spill file."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import IO

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.model import Actor, Attempt, Delivery
from dispatcher.domain.outcome import Outcome, Report, signal_for
from dispatcher.domain.schedule import SHORT_WAIT
from dispatcher.domain.words import Cause, Signal, Stage, State, Verdict
from dispatcher.store import attempts, audit, deliveries, routes
from dispatcher.store.engine import StoreFault

from .hear import apply
from .moves import BY_SCHEDULE, move
from .office import Office

#: How often a sick database is asked to take an outcome before the outcome goes to the spill file.
TRIES = 3


async def record(office: Office, attempt_id: str, outcome: Outcome, actor: Actor) -> None:
    """Write down the outcome of our own try. When the database will not take it, keep it beside the database."""
    for _ in range(TRIES):
        try:
            await office.store.write(lambda connection: settle(connection, office, attempt_id, outcome, actor))
            return
        except StoreFault:
            continue
    await asyncio.to_thread(_spill, office.folder, attempt_id, outcome)


async def settle(
    connection: AsyncConnection, office: Office, attempt_id: str, outcome: Outcome, actor: Actor
) -> Delivery | None:
    """Close the attempt and move its delivery; what comes after somebody else has closed it is a late report."""
    attempt = await attempts.find(connection, attempt_id)
    if attempt is None:
        return None
    seen = await deliveries.get(connection, attempt.delivery_id)
    if attempt.stage is Stage.CLOSED or seen.fence != attempt.fence or seen.state is not State.SENDING:
        return await _settle_late(connection, office, attempt, outcome, actor)
    await attempts.close(connection, attempt_id, outcome, office.clock.now())
    await _note_route(connection, office, attempt.channel, outcome, actor)
    return await _settle_own(connection, office, seen, attempt, outcome, actor)


async def _settle_own(
    connection: AsyncConnection, office: Office, seen: Delivery, attempt: Attempt, outcome: Outcome, actor: Actor
) -> Delivery:
    tries = seen.tries + (outcome.verdict is not Verdict.UNSENT)
    signal = signal_for(outcome.verdict, office.policy.tries_left(seen.kind, outcome.cause, tries))
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
        return None  # nothing left, so there is nothing to know
    report = Report(attempt.id, f"{attempt.id}/own", outcome)
    await apply(connection, office, report, str(actor))
    return await deliveries.get(connection, attempt.delivery_id)


async def _note_route(
    connection: AsyncConnection, office: Office, channel: str, outcome: Outcome, actor: Actor
) -> None:
    now = office.clock.now()
    if outcome.pause_route:
        until = await routes.pause(connection, channel, outcome, now)
        data = {"cause": outcome.cause.value, "until": until.isoformat()}
        await audit.append(connection, AuditEvent(str(actor), "route.pause", f"route:{channel}", data=data), now)
    elif outcome.verdict in (Verdict.ACCEPTED, Verdict.DELIVERED) and await routes.resume(connection, channel):
        await audit.append(connection, AuditEvent(str(actor), "route.resume", f"route:{channel}"), now)


# -- the spill file ------------------------------------------------------------------------------------------------


def _spill(folder: Path, attempt_id: str, outcome: Outcome) -> None:
    line = json.dumps({"attempt_id": attempt_id, "outcome": asdict(outcome)})
    with _locked(folder / "spill.jsonl") as file:
        file.seek(0)
        torn = not ("\n" + file.read()).endswith("\n")
        file.write("\n" * torn + line + "\n")
        file.flush()
        os.fsync(file.fileno())


async def unspill(office: Office, actor: Actor) -> int:
    """Give the database what it did not take before; how many. Taking an outcome twice does nothing."""
    path = office.folder / "spill.jsonl"
    if not path.exists() or not path.stat().st_size:
        return 0
    with _locked(path) as file:
        file.seek(0)
        found = [outcome for line in file if (outcome := _read(line))]

        async def unit(connection: AsyncConnection) -> None:
            for attempt_id, outcome in found:
                await settle(connection, office, attempt_id, outcome, actor)

        await office.store.write(unit)
        file.truncate(0)
    return len(found)


def _read(line: str) -> tuple[str, Outcome] | None:
    """One outcome; None for a line that was cut by a crash or a full disk: its attempt is left to the sweep."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    fields = record["outcome"]
    words = {"verdict": Verdict(fields["verdict"]), "cause": Cause(fields["cause"])}
    return record["attempt_id"], Outcome(**{**fields, **words})


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
