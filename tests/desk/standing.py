"""Brings a delivery into any state, along the table of moves, with the tries that belong to it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.lifecycle import TRANSITIONS
from dispatcher.domain.model import Delivery
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Signal, State, Verdict
from dispatcher.store import attempts, deliveries
from dispatcher.usecases.moves import move

from .desk import ADA, Desk

#: What its try came to, by the move that follows.
_VERDICTS = {
    Signal.ACCEPT: Verdict.ACCEPTED,
    Signal.CONFIRM: Verdict.DELIVERED,
    Signal.DEFER: Verdict.DEFERRED,
    Signal.REFUSE: Verdict.REFUSED,
    Signal.EXHAUST: Verdict.DEFERRED,
    Signal.DOUBT: Verdict.UNKNOWN,
}


def way_to(state: State) -> tuple[Signal, ...]:
    """The shortest way from the queue to a state; what fails fails by a try, and what is stopped never left."""
    ways: dict[State, tuple[Signal, ...]] = {State.QUEUED: ()}
    open_ends = [State.QUEUED]
    while state not in ways:
        here = open_ends.pop(0)
        for signal, after in TRANSITIONS[here].items():
            if after not in ways:
                ways[after] = (*ways[here], signal)
                open_ends.append(after)
    return ways[state]


async def bring_to(
    desk: Desk, delivery_id: str, state: State, cause: Cause = Cause.NONE, *, transmitting: bool = False
) -> Delivery:
    """The row in that state, for that cause; one that is being sent is before its commit point, or past it."""

    async def unit(connection: AsyncConnection) -> Delivery:
        seen = await deliveries.get(connection, delivery_id)
        for signal in way_to(state):
            seen = await _step(connection, desk, seen, signal, cause)
        latest = await attempts.latest(connection, seen.id)
        if transmitting and latest is not None:
            until = desk.clock.now() + desk.office.policy.transmitting_lease
            await attempts.mark_transmitting(connection, latest, "0" * 64, desk.clock.now(), until)
        return await deliveries.get(connection, delivery_id)

    return await desk.office.store.write(unit)


async def _step(connection: AsyncConnection, desk: Desk, seen: Delivery, signal: Signal, cause: Cause) -> Delivery:
    if signal is Signal.CLAIM:
        channel = desk.office.outgoing[seen.kind]
        seen = await move(connection, desk.office, seen, signal, ADA, fence=seen.fence + 1, channel=channel)
        await attempts.begin(connection, seen, "worker:gone", channel, False, desk.clock.now())
        return seen
    latest = await attempts.latest(connection, seen.id)
    if latest is not None and signal in _VERDICTS:
        await attempts.close(connection, latest.id, Outcome(_VERDICTS[signal], cause), desk.clock.now())
    return await move(connection, desk.office, seen, signal, ADA, cause=cause)
