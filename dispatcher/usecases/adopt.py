"""Adopts a restored, copied or moved database: lists every letter whose state may be stale, freezes it, lifts the
quarantine. A named person's act, with a reason; nothing else lifts one.

A database that went back in time does not know what left since. What the evidence beside it says has gone is in doubt;
everything else that could still leave is held, for a person to release.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.lifecycle import CLAIMABLE, UNDECIDED
from dispatcher.domain.model import Actor, Delivery
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.rollback import MOVES
from dispatcher.domain.words import Cause, Signal, Stage, State, Verdict
from dispatcher.store import attempts, audit, campaigns, deliveries, installation

from . import guard
from .guard import Standing
from .moves import move
from .office import Office
from .sealing import set_aside
from .traces import Trace, Traces, find_traces

_CHUNK = 100
#: A gateway knows our tries by their numbers: those that may have been used since are not used again.
FENCE_JUMP = 1000


class Doom(StrEnum):
    """What becomes of a letter whose state may be stale."""

    DOUBT = "in_doubt"  # it seems to have gone
    HELD = "held"  # it may have gone: a person releases it
    STAYS = "stays"  # as it is: nothing leaves because of it


@dataclass(frozen=True, slots=True)
class Stale:
    """One letter on the list."""

    delivery: Delivery
    doom: Doom
    evidence: str  #: what says that it went; '' where nothing does


@dataclass(frozen=True, slots=True)
class Adoption:
    """What was found, and what becomes (or would become) of it."""

    standing: Standing
    letters: tuple[Stale, ...]
    approvals: tuple[str, ...]  #: campaigns whose approval ends: they may have been launched since
    strangers: tuple[str, ...]  #: Message-IDs of mails that left, of letters that this database does not know
    moved: bool
    traces: Traces = field(default_factory=Traces)

    def count(self, doom: Doom) -> int:
        return sum(one.doom is doom for one in self.letters)


@dataclass(frozen=True, slots=True)
class Word:
    """What the person says about it."""

    reason: str = ""
    moved: bool = False  #: it was moved on purpose, whole, and the old one is off: every letter stays as it is
    trust_archive: bool = False  #: the archive is whole: a mail of which it holds no sent bytes has not gone
    actor: Actor = field(default_factory=lambda: Actor("operator", "unknown"))


async def survey(office: Office, word: Word) -> Adoption:
    """What adopting it would do; changes nothing. Raises Conflict where there is nothing to adopt, or it is no move."""
    standing = await guard.look(office)
    if standing.clear:
        raise Conflict("there is nothing to adopt: this is the database that was left here")
    if word.moved:
        _require_move(standing)
        return Adoption(standing, (), (), (), moved=True)
    traces = await find_traces(office)
    rows = await office.store.read(lambda connection: deliveries.in_states(connection, [*UNDECIDED, State.FAILED]))
    stages = await office.store.read(lambda connection: _stages(connection, rows))
    letters = [_stale(one, traces, stages.get(one.id), word) for one in rows]
    approvals = [one.id for one in await office.store.read(campaigns.every) if one.approved and not one.launched_at]
    listed = tuple(one for one in letters if one.delivery.state is not State.FAILED or one.evidence)
    return Adoption(standing, listed, tuple(approvals), traces.strangers(rows), moved=False, traces=traces)


def _require_move(standing: Standing) -> None:
    lost = [one for one in standing.findings if one.sign not in MOVES]
    if lost:
        words = "; ".join(one.words for one in lost)
        raise Conflict(f"E_ADOPT this is no mere move: {words}. Adopt it without --moved: what may have gone is held")


async def _stages(connection: AsyncConnection, rows: Sequence[Delivery]) -> dict[str, Stage]:
    sending = [one.id for one in rows if one.state is State.SENDING]
    found = [await attempts.latest(connection, one) for one in sending]
    return {one.delivery_id: one.stage for one in found if one is not None}


def _stale(seen: Delivery, traces: Traces, stage: Stage | None, word: Word) -> Stale:
    trace = traces.of(seen)
    if seen.state in (State.ACCEPTED, State.IN_DOUBT):
        return Stale(seen, Doom.STAYS, trace.words if trace else "")
    if trace is not None:
        return Stale(seen, Doom.DOUBT, trace.words)
    if seen.state is State.SENDING and stage is Stage.TRANSMITTING:
        return Stale(seen, Doom.DOUBT, "it was leaving when the backup was made")
    if seen.state in (State.FAILED, State.HELD) or (word.trust_archive and traces.would_show(seen)):
        return Stale(seen, Doom.STAYS, "")
    return Stale(seen, Doom.HELD, "")


async def adopt(office: Office, word: Word) -> Adoption:
    """Freeze what may have gone, put the adoption on record, lift the quarantine on both sides.

    Broken off in the middle it is done again from the start, and the quarantine stands until its end. Raises UserError
    without a reason, Conflict as `survey` does.
    """
    if not word.reason.strip():
        raise UserError(Problem("reason", "a database is adopted only with a reason", "Say why it is the right one"))
    quarantine = await guard.shut(office, (await survey(office, word)).standing)  # from here on nothing is claimed
    found = await survey(office, word)
    for start in range(0, len(found.letters), _CHUNK):
        await _freeze_part(office, found.letters[start : start + _CHUNK], found.traces, word)
    await _lift(office, found, quarantine, word)
    return found


async def _lift(office: Office, found: Adoption, quarantine: str, word: Word) -> None:
    seals = await set_aside(office, quarantine)

    async def unit(connection: AsyncConnection) -> installation.Installation:
        await _require_all_frozen(connection, found)
        for campaign_id in found.approvals:
            await _end_approval(connection, office, campaign_id, word)
        await _put_on_record(connection, office, found, quarantine, seals, word)
        seen = found.standing
        machine = seen.machine if seen.where.local else ""
        held_at = None if word.moved else office.clock.now()
        return await installation.lift(connection, quarantine, machine, seen.where.for_all(), held_at)

    row = await office.store.write(unit)
    if office.guard is not None:
        await guard.put_down(office, office.guard, row, found.standing)
        await asyncio.to_thread(office.guard.unmark)


async def _require_all_frozen(connection: AsyncConnection, found: Adoption) -> None:
    """What came in, or was changed by somebody, while the list was worked through has not been looked at."""
    stays = {one.delivery.id for one in found.letters if one.doom is Doom.STAYS}
    rows = [] if found.moved else await deliveries.in_states(connection, [*CLAIMABLE, State.SENDING])
    if any(row.id not in stays for row in rows):
        raise Conflict("E_ADOPT letters were changed meanwhile by somebody else; adopt it again")


async def _put_on_record(
    connection: AsyncConnection, office: Office, found: Adoption, quarantine: str, seals: str, word: Word
) -> None:
    """`seals`: sha256 of what was sealed of the log before, where it does not fit this one."""
    seen = found.standing
    data = {
        "quarantine": quarantine,
        "signs": sorted({one.sign.value for one in seen.findings}),
        "log": seen.last,
        "checkpoint": seen.note.seq if seen.note else 0,
        "moved": word.moved,
        "trust_archive": word.trust_archive,
        **({"seals": seals} if seals else {}),
        "letters": {doom.value: found.count(doom) for doom in Doom},
    }
    event = AuditEvent(str(word.actor), "guard.adopt", "installation", reason=word.reason, data=data)
    await audit.append(connection, event, office.clock.now())


async def _end_approval(connection: AsyncConnection, office: Office, campaign_id: str, word: Word) -> None:
    """It may have been launched since: whoever launches it now looks at it again first."""
    await campaigns.put(connection, campaign_id, approved_plan="", approved_by="", approved_at=None, confirmed=None)
    event = AuditEvent(str(word.actor), "campaign.unapprove", f"campaign:{campaign_id}", reason=word.reason)
    await audit.append(connection, event, office.clock.now())


# -- one letter --------------------------------------------------------------------------------------------------------


async def _freeze_part(office: Office, part: Sequence[Stale], traces: Traces, word: Word) -> None:
    async def unit(connection: AsyncConnection) -> None:
        for one in part:
            seen = await deliveries.get(connection, one.delivery.id)
            if seen.version == one.delivery.version:  # else somebody cancelled or proved it meanwhile
                await _freeze(connection, office, replace(one, delivery=seen), traces.of(seen), word)

    await office.store.write(unit)


async def _freeze(connection: AsyncConnection, office: Office, one: Stale, trace: Trace | None, word: Word) -> None:
    seen = one.delivery
    if one.doom is Doom.DOUBT and seen.state is State.SENDING:
        await _end_try(connection, office, seen, Verdict.UNKNOWN)
        await _move(connection, office, seen, Signal.DOUBT, word, one.evidence, tries=seen.tries + 1)
    elif one.doom is Doom.DOUBT:
        await _doubt(connection, office, seen, trace, one.evidence, word)
    elif one.doom is Doom.HELD:
        if seen.state is State.SENDING:
            await _end_try(connection, office, seen, Verdict.UNSENT)
            seen = await _move(connection, office, seen, Signal.REQUEUE, word)
        if seen.state in CLAIMABLE:
            await _move(connection, office, seen, Signal.HOLD, word, fence=seen.fence + FENCE_JUMP)
    elif seen.state in (State.HELD, State.FAILED):
        await deliveries.change(connection, seen, fence=seen.fence + FENCE_JUMP)


async def _end_try(connection: AsyncConnection, office: Office, seen: Delivery, verdict: Verdict) -> None:
    latest = await attempts.latest(connection, seen.id)
    if latest is not None:
        cause = Cause.RESTORED_DOUBT if verdict is Verdict.UNKNOWN else Cause.RESTORED_HELD
        await attempts.close(connection, latest.id, Outcome(verdict, cause), office.clock.now())


#: How a letter that was not being sent comes to be claimed.
_TO_THE_QUEUE = {State.HELD: (Signal.RELEASE,), State.FAILED: (Signal.RETRY,)}


async def _doubt(
    connection: AsyncConnection, office: Office, seen: Delivery, trace: Trace | None, evidence: str, word: Word
) -> None:
    """Write down the try that the database forgot, under the number that the gateway knows it by."""
    for signal in _TO_THE_QUEUE.get(seen.state, ()):
        seen = await _move(connection, office, seen, signal, word, evidence)
    if seen.state not in CLAIMABLE:
        return  # its campaign was stopped: it is cancelled, and nothing leaves
    fence = max(trace.fence if trace else 0, seen.fence + 1)
    told = trace.channel if trace else ""
    channel = told or next(iter(office.ways(seen.kind, seen.address)), seen.channel)
    seen = await _move(connection, office, seen, Signal.CLAIM, word, evidence, fence=fence, channel=channel)
    await attempts.begin(connection, seen, str(word.actor), channel, seen.knowingly, office.clock.now())
    await _end_try(connection, office, seen, Verdict.UNKNOWN)
    await _move(connection, office, seen, Signal.DOUBT, word, evidence, tries=seen.tries + 1)


async def _move(
    connection: AsyncConnection,
    office: Office,
    seen: Delivery,
    signal: Signal,
    word: Word,
    detail: str = "",
    **values: Any,
) -> Delivery:
    cause = Cause.RESTORED_DOUBT if detail else Cause.RESTORED_HELD
    return await move(
        connection, office, seen, signal, word.actor, cause=cause, detail=detail, reason=word.reason, **values
    )
