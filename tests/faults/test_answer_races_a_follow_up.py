"""Fault: they answer while the follow-up is on its way. Until its commit point it stays; after that, no other goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from desk.desk import Desk, open_desk, person
from returns import messages
from returns.messages import letter_of

from dispatcher.channels.base import CommitPoint, Parcel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.model import Step
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Policy, Stage, State, Verdict
from dispatcher.usecases import dispatch, receive, sweep

STEPS = (
    Step(0, "air-strikes"),
    Step(1, "air-strikes-follow-up", 2),
    Step(2, "air-strikes-follow-up", 2),
)
Act = Callable[[], Awaitable[None]]


class Answered(SmtpChannel):
    """The real channel; they answer just before, or just after, the commit point of each letter."""

    act: Act
    after = False

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        async def interrupted(sent: bytes) -> object:
            if not self.after:
                await self.act()
            permit = await commit(sent)
            if self.after:
                await self.act()
            return permit

        return await super().send(parcel, interrupted)  # type: ignore[arg-type]


async def _follow_up_is_due(desk: Desk) -> Act:
    """The first letter was sent and presumed to have arrived; gives the act of answering it."""
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL, steps=STEPS)
    await desk.work()
    first = letter_of(await desk.only(step=0))
    await desk.pass_time(days=5, seconds=1)
    desk.clock.turn(days=2)

    async def answer() -> None:
        await receive.take_in(desk.office, messages.answer(first), "pipe")

    return answer


async def _nothing_more_leaves(desk: Desk, letters: int) -> None:
    """Whatever time passes."""
    for _ in range(3):
        await desk.pass_time(days=6)
    assert len(desk.rogue.ledger) == letters


async def test_before_it_is_queued(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        answer = await _follow_up_is_due(desk)
        await answer()
        await desk.work()
        assert await desk.deliveries(step=1) == []
        await _nothing_more_leaves(desk, 1)


async def test_while_it_is_claimed(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        answer = await _follow_up_is_due(desk)
        await sweep.sweep(desk.office)
        claims = await dispatch.claim(desk.office, desk.worker.name, 5)
        assert [one.delivery.step for one in claims] == [1]
        await answer()
        row = await desk.only(step=1)
        assert (row.state, row.cause) == (State.CANCELLED, Cause.GATE_ANSWERED)
        for one in claims:
            await dispatch.attempt(desk.office, desk.worker.name, one)
        await _nothing_more_leaves(desk, 1)


async def test_just_before_the_commit_point(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        channel = Answered([desk.rogue.relay()])
        channel.act = await _follow_up_is_due(desk)
        desk.office.channels["smtp"] = channel  # type: ignore[index]
        await desk.work()
        await channel.aclose()
        row = await desk.only(step=1)
        assert (row.state, row.cause) == (State.CANCELLED, Cause.GATE_ANSWERED)
        [attempt] = (await desk.story(row.id)).attempts
        assert (attempt.stage, attempt.verdict, attempt.cause) == (Stage.CLOSED, Verdict.UNSENT, Cause.GATE_ANSWERED)
        await _nothing_more_leaves(desk, 1)


async def test_just_after_the_commit_point_it_has_left_and_no_other_follows(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        channel = Answered([desk.rogue.relay()])
        channel.act, channel.after = await _follow_up_is_due(desk), True
        desk.office.channels["smtp"] = channel  # type: ignore[index]
        await desk.work()
        await channel.aclose()
        assert (await desk.only(step=1)).state is State.ACCEPTED
        await _nothing_more_leaves(desk, 2)
        assert await desk.deliveries(step=2) == []


async def test_when_the_follow_up_was_taken(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        answer = await _follow_up_is_due(desk)
        await desk.work()
        assert (await desk.only(step=1)).state is State.ACCEPTED
        await answer()
        await _nothing_more_leaves(desk, 2)
        assert await desk.deliveries(step=2) == []


async def test_a_message_that_may_be_an_answer_holds_back_a_follow_up_that_is_queued(
    database: str, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path) as desk:
        await _follow_up_is_due(desk)
        await sweep.sweep(desk.office)
        assert (await desk.only(step=1)).state is State.QUEUED
        unfiled = messages.answer(letter_of(await desk.only(step=0)), cites=False)
        await receive.take_in(desk.office, unfiled, "pipe")
        await desk.work()
        row = await desk.only(step=1)
        assert (row.state, row.cause) == (State.QUEUED, Cause.GATE_UNFILED)
        assert len(desk.rogue.ledger) == 1
