"""Fault: a person stops a letter that a worker has. Before its commit point it stays here; after it, that is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk.desk import ADA, Desk, open_desk, person

from dispatcher.channels.base import CommitPoint, Parcel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.errors import Conflict
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Policy, Signal, Stage, State, Verdict
from dispatcher.usecases import operate

EMAIL = "mission@ardesia.example"


class Interrupted(SmtpChannel):
    """The real channel; a person acts just before, or just after, the commit point of each letter."""

    desk: Desk
    signal: Signal
    after = False
    refusal = ""

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        async def interrupted(sent: bytes) -> object:
            if not self.after:
                await self._act(parcel.delivery_id)
            permit = await commit(sent)
            if self.after:
                await self._act(parcel.delivery_id)
            return permit

        return await super().send(parcel, interrupted)  # type: ignore[arg-type]

    async def _act(self, delivery_id: str) -> None:
        try:
            await operate.apply_by_hand(self.desk.office, delivery_id, self.signal, "stop it", ADA)
        except Conflict as refused:
            self.refusal = str(refused)


def _interrupt(desk: Desk, signal: Signal, *, after: bool) -> Interrupted:
    channel = Interrupted([desk.rogue.relay()])
    channel.desk, channel.signal, channel.after = desk, signal, after
    desk.office.channels["smtp"] = channel  # type: ignore[index]
    return channel


@pytest.mark.parametrize(("signal", "state"), [(Signal.CANCEL, State.CANCELLED), (Signal.HOLD, State.HELD)])
async def test_before_the_commit_point_nothing_leaves(
    database: str, tmp_path: Path, signal: Signal, state: State
) -> None:
    async with open_desk(database, tmp_path) as desk:
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
        channel = _interrupt(desk, signal, after=False)
        await desk.work()
        await channel.aclose()
        stopped = await desk.only()
        assert (stopped.state, desk.rogue.ledger, channel.refusal) == (state, [], "")
        [attempt] = (await desk.story(stopped.id)).attempts
        assert (attempt.stage, attempt.verdict, attempt.cause) == (Stage.CLOSED, Verdict.UNSENT, Cause.PERSON_HOLD)


async def test_a_letter_that_was_held_while_a_worker_had_it_goes_when_it_is_released(
    database: str, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path) as desk:
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
        plain = desk.office.channels["smtp"]
        channel = _interrupt(desk, Signal.HOLD, after=False)
        await desk.work()
        await channel.aclose()
        desk.office.channels["smtp"] = plain  # type: ignore[index]
        held = await desk.only()
        assert held.cause is Cause.PERSON_HOLD
        await operate.apply_by_hand(desk.office, held.id, Signal.RELEASE, "go on", ADA)
        await desk.work()
        assert (await desk.only()).state is State.ACCEPTED
        assert len(desk.rogue.ledger) == 1


@pytest.mark.parametrize("signal", [Signal.CANCEL, Signal.HOLD])
async def test_past_the_commit_point_it_is_too_late(database: str, tmp_path: Path, signal: Signal) -> None:
    async with open_desk(database, tmp_path) as desk:
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
        channel = _interrupt(desk, signal, after=True)
        await desk.work()
        await channel.aclose()
        assert channel.refusal.startswith("E_TOO_LATE")
        assert (await desk.only()).state is State.ACCEPTED
        assert len(desk.rogue.ledger) == 1
        with pytest.raises(Conflict, match="E_TOO_LATE"):
            await operate.apply_by_hand(desk.office, (await desk.only()).id, signal, "stop it", ADA)
