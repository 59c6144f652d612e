"""Fault: the gateway calls back before our own record of the try is written. Both are kept; proof stays proof."""

from __future__ import annotations

from pathlib import Path

from desk.desk import SECRET, Desk, open_desk, person

from dispatcher.channels.base import CommitPoint, Parcel
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Kind, Policy, State, Verdict


class Hasty(SimulatorChannel):
    """The real channel, whose gateway calls back while the answer to the hand-over is still on its way."""

    desk: Desk

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        outcome = await super().send(parcel, commit)
        self.desk.clock.turn(minutes=3)
        assert await self.desk.callbacks() == 1
        return outcome


async def test_a_proof_that_comes_first_is_not_undone_by_our_own_record(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        real = desk.office.channels["simulator"]
        hasty = Hasty(desk.gateway.url, SECRET, desk.callback_url, now=desk.clock.now)
        hasty.desk = desk
        desk.office.channels["simulator"] = hasty  # type: ignore[index]  # the test swaps one channel for its twin
        await desk.launch([person("one", fax="+442079460000")], Policy.FAX)
        await desk.work()
        fax = await desk.only(kind=Kind.FAX)
        assert fax.state is State.DELIVERED
        story = await desk.story(fax.id)
        assert [one.verdict for one in story.attempts] == [Verdict.DELIVERED]
        assert [one["verdict"] for one in story.evidence] == [Verdict.DELIVERED, Verdict.ACCEPTED]
        assert [one["applied"] for one in story.evidence] == [True, False]
        await real.aclose()
