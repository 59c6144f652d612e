"""Hears what comes back later about a try. A report is taken once; old news can only be good news."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.channels.base import Notice
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import NotFound
from dispatcher.domain.lifecycle import CLAIMABLE, expects
from dispatcher.domain.model import Actor, Attempt, Delivery
from dispatcher.domain.outcome import Outcome, Report, signal_for
from dispatcher.domain.words import Cause, Signal, Stage, State, Verdict
from dispatcher.store import attempts, audit, deliveries, installation, limits
from dispatcher.store.engine import StoreFault

from .moves import move
from .office import Office


class Heard(StrEnum):
    """What was done with a report."""

    APPLIED = "applied"  # it moved its delivery
    IGNORED = "ignored"  # kept, but not expected in this state, or old and not good
    REPEATED = "repeated"  # this event was taken before
    UNKNOWN = "unknown"  # no attempt of ours has this name


async def hear(
    office: Office,
    channel_name: str,
    headers: Mapping[str, str],
    body: bytes,
    remote: str = "",
    extra: Mapping[str, str] | None = None,
) -> list[Heard]:
    """Take a callback of a channel, as it came in (header names in lower case; `extra` is what its address had more).

    Raises NoticeRejected when it is not provably the provider's, NotFound for a channel we do not have.
    """
    channel = office.channels.get(channel_name)
    if channel is None:
        raise NotFound(f"there is no channel '{channel_name}'")
    notice = Notice(headers, body, office.clock.now(), remote, extra or {})
    return [await take(office, report, f"channel:{channel_name}") for report in await channel.hear(notice)]


async def take(office: Office, report: Report, source: str) -> Heard:
    """Keep one report as evidence and let it move its delivery if it may.

    Raises StoreFault when it is of a try that a database in quarantine does not know: it may come again later.
    """
    raw_digest = await office.archive.put(report.raw) if report.raw else ""
    return await office.store.write(lambda connection: apply(connection, office, report, source, raw_digest))


async def apply(
    connection: AsyncConnection, office: Office, report: Report, source: str, raw_digest: str = ""
) -> Heard:
    """The same inside a transaction."""
    attempt = await attempts.find(connection, report.attempt_id)
    if attempt is None:
        await require_memory(connection)
        await _audit(connection, office, source, "report.unknown", "attempt:unknown", report)
        return Heard.UNKNOWN
    seen = await deliveries.get(connection, attempt.delivery_id)
    last = await attempts.last_made(connection, seen.id)
    signal = _signal(office, seen, attempt, last, report.outcome, source)
    if not await keep(connection, office, attempt, report, source, raw_digest, applied=signal is not None):
        return Heard.REPEATED
    if signal is None:
        await _audit(connection, office, source, "report.ignored", f"delivery:{seen.id}", report)
        if seen.state is State.CANCELLED and report.outcome.verdict is Verdict.DELIVERED:
            await _stop_replacements(connection, office, seen, source)
        return Heard.IGNORED
    await _move(connection, office, seen, attempt, signal, report, source)
    return Heard.APPLIED


async def require_memory(connection: AsyncConnection) -> None:
    """A restored database may have forgotten the try: whoever tells of it shall tell it again after the adoption."""
    known = await installation.find(connection)
    if known is not None and known.quarantine:
        raise StoreFault("the database is in quarantine and does not know this try; tell it again later")


def _signal(
    office: Office, seen: Delivery, attempt: Attempt, last: Attempt | None, outcome: Outcome, source: str
) -> Signal | None:
    """The signal that this report may give; None where it may only be kept. `last`: the latest try that was made."""
    foreign = source.startswith("channel:") and source != f"channel:{attempt.channel}"
    if outcome.verdict is Verdict.UNSENT or foreign:
        return None
    tries = seen.tries + (seen.state is State.SENDING)
    left = office.policy.tries_left(seen.kind, outcome.cause, tries)
    knowingly = attempt.knowingly and expects(seen.state, Signal.DOUBT)
    signal = signal_for(outcome.verdict, left, knowingly=knowingly)
    if (last is None or attempt.id != last.id) and signal is not Signal.CONFIRM:
        return None
    if signal is Signal.DOUBT and seen.state is State.IN_DOUBT:
        return None  # no news; a move would start the asking anew
    if outcome.verdict is Verdict.UNKNOWN and seen.state is State.PRESUMED:
        return None  # that nobody knows is what a presumption says
    if signal is Signal.ACCEPT and seen.state in (State.QUEUED, State.HELD) and attempt.verdict != Verdict.UNKNOWN:
        return None  # only a try that was in doubt can turn out to have been taken; else this is news out of order
    return signal if expects(seen.state, signal) else None


async def _move(
    connection: AsyncConnection,
    office: Office,
    seen: Delivery,
    attempt: Attempt,
    signal: Signal,
    report: Report,
    source: str,
) -> None:
    outcome = report.outcome
    own = seen.state is State.SENDING and attempt.fence == seen.fence
    if own:
        await attempts.close(connection, attempt.id, outcome, office.clock.now())  # news came before our own record
    elif seen.state is State.SENDING:
        await _call_off(connection, office, seen)
    await limits.correct_cost(connection, attempt.id, outcome)
    kind, _, name = source.partition(":")
    await move(
        connection,
        office,
        seen,
        signal,
        Actor(kind, name),
        cause=outcome.cause,
        detail=outcome.detail,
        reason=outcome.detail if kind == "operator" else "",
        data={"attempt": attempt.id, "event": report.event_id},
        asked=outcome.again_after,
        tries=seen.tries + own,
    )


async def _stop_replacements(connection: AsyncConnection, office: Office, seen: Delivery, source: str) -> None:
    """A letter that was taken elsewhere has arrived where it was first sent: it need not arrive twice."""
    for one in await deliveries.sisters(connection, seen):
        if (one.kind is seen.kind or one.instead_of == seen.id) and one.state in (*CLAIMABLE, State.HELD, State.FAILED):
            kind, _, name = source.partition(":")
            data = {"arrived": seen.id}
            cause = Cause.GATE_PROVEN
            for row in (one, *await deliveries.waiting_for(connection, one.id)):
                await move(connection, office, row, Signal.CANCEL, Actor(kind, name), cause=cause, data=data)


async def _call_off(connection: AsyncConnection, office: Office, seen: Delivery) -> None:
    """An earlier try is proven while another one is open: that one ends here, unless it is past the commit point."""
    latest = await attempts.latest(connection, seen.id)
    if latest is not None and latest.stage is Stage.OPEN:
        outcome = Outcome(Verdict.UNSENT, Cause.GATE_PROVEN, "an earlier try was proven first")
        await attempts.close(connection, latest.id, outcome, office.clock.now())


async def keep(
    connection: AsyncConnection,
    office: Office,
    attempt: Attempt,
    report: Report,
    source: str,
    raw_digest: str = "",
    *,
    applied: bool,
) -> bool:
    """Keep it as evidence, once; False when it was kept before. `applied`: did it move its delivery?"""
    outcome = report.outcome
    return await attempts.add_evidence(
        connection,
        delivery_id=attempt.delivery_id,
        attempt_id=attempt.id,
        at=office.clock.now(),
        source=source,
        event_id=report.event_id,
        verdict=outcome.verdict,
        cause=outcome.cause,
        detail=outcome.detail,
        ref=outcome.ref,
        pages=outcome.pages,
        facts=dict(outcome.facts),
        raw_digest=raw_digest,
        applied=applied,
    )


async def _audit(
    connection: AsyncConnection, office: Office, source: str, action: str, about: str, report: Report
) -> None:
    data = {"attempt": report.attempt_id[:64], "event": report.event_id[:128], "verdict": report.outcome.verdict.value}
    await audit.append(connection, AuditEvent(source, action, about, data=data), office.clock.now())
