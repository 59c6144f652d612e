"""The commit point of a letter by email: the body first, then leave, then the dot; and nothing leaves without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from farend.conversation import END, LARGE, SMALL, Commit, always, letter, send, the_network_has_passed_it_on
from farend.rogue import FREEZE, STALL, Act, Rogue, accept_then, say

from dispatcher.channels.base import Permit
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.words import Cause, Verdict

UNSENT, DEFERRED, REFUSED = Verdict.UNSENT, Verdict.DEFERRED, Verdict.REFUSED
ACCEPTED, UNKNOWN = Verdict.ACCEPTED, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("what", "verdict"),
    [
        (lambda rogue: rogue.cut(), DEFERRED),
        (lambda rogue: rogue.cut(reset=True), DEFERRED),
        (lambda rogue: rogue.shout(b"550 5.7.1 no\r\n"), REFUSED),
        (lambda rogue: rogue.shout(b"451 later\r\n"), DEFERRED),
        (lambda rogue: rogue.shout(b"250 ok\r\n"), DEFERRED),
        (lambda rogue: rogue.shout(b"x"), DEFERRED),
    ],
    ids=["drop", "reset", "550", "451", "250", "half a line"],
)
async def test_whatever_the_server_does_while_leave_is_asked_no_dot_is_released(
    what: Callable[[Rogue], None], verdict: Verdict
) -> None:
    async with Rogue() as rogue:

        async def commit(_: bytes) -> Permit:
            what(rogue)
            await the_network_has_passed_it_on()
            return Permit(float("inf"))

        outcome = await send(rogue, letter(), commit, patience=0.3)
        assert (rogue.dots, rogue.ledger) == (0, [])
    assert outcome.verdict is verdict


async def test_the_bytes_committed_are_the_bytes_received() -> None:
    committed: list[bytes] = []

    async def commit(message: bytes) -> Permit:
        committed.append(message)
        return Permit(float("inf"))

    async with Rogue() as rogue:
        await send(rogue, letter(LARGE), commit)
        assert committed == [rogue.ledger[0].message]


async def test_the_whole_body_has_left_before_leave_is_asked() -> None:
    async with Rogue() as rogue:

        async def commit(_: bytes) -> Permit:
            await the_network_has_passed_it_on()
            assert rogue.ledger == []
            rogue.script = {"dot": say("550 5.7.1 no")}
            return Permit(float("inf"))

        outcome = await send(rogue, letter(LARGE), commit)
    assert outcome.verdict is REFUSED


class OutOfDate(Exception):
    """What a commit point may raise."""


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_when_leave_is_refused_nothing_leaves_and_the_connection_is_not_used_again(body: bytes) -> None:
    async def refuse(_: bytes) -> Permit:
        raise OutOfDate

    async with Rogue() as rogue:
        channel = SmtpChannel([rogue.relay()])
        with pytest.raises(OutOfDate):
            await channel.send(letter(body), refuse)
        assert (rogue.dots, rogue.ledger) == (0, [])
        assert (await channel.send(letter(), always)).verdict is ACCEPTED
        assert rogue.connections == 2
        assert [broken for broken in rogue.unfinished if b"QUIT" in broken] == []
        await channel.aclose()


async def test_leave_that_has_run_out_stops_the_dot() -> None:
    async def late(_: bytes) -> Permit:
        return Permit(until=99.0)

    async with Rogue() as rogue:
        channel = SmtpChannel([rogue.relay()], clock=lambda: 100.0)
        outcome = await channel.send(letter(), late)
        await the_network_has_passed_it_on()
        assert (outcome.verdict, rogue.dots) == (UNSENT, 0)
        await channel.aclose()


async def _cancel_at(rogue: Rogue, reached: asyncio.Event, commit: Commit) -> None:
    channel = SmtpChannel([rogue.relay()])
    task = asyncio.create_task(channel.send(letter(), commit))
    await reached.wait()
    await the_network_has_passed_it_on()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await the_network_has_passed_it_on()
    await channel.aclose()


async def test_a_cancelled_try_leaves_nothing_before_the_dot() -> None:
    reached = asyncio.Event()

    async def never(_: bytes) -> Permit:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with Rogue() as rogue:
        await _cancel_at(rogue, reached, never)
        assert (rogue.dots, rogue.ledger) == (0, [])


async def test_a_try_cancelled_after_the_dot_ends_at_once_and_claims_nothing() -> None:
    reached = asyncio.Event()

    async def leave(_: bytes) -> Permit:
        reached.set()
        return Permit(float("inf"))

    async with Rogue({"dot": accept_then(STALL)}) as rogue:
        await _cancel_at(rogue, reached, leave)
        assert rogue.connections == 1


@pytest.mark.parametrize("slow", [STALL, FREEZE], ids=["silent", "not even reading"])
async def test_a_goodbye_that_hangs_delays_no_outcome(slow: Act) -> None:
    async with Rogue({"dot": accept_then(say("250 ok", then=slow.then))}) as rogue:
        channel = SmtpChannel([rogue.relay(letters=1, timeout_reply=60.0, timeout_dot=60.0)])
        async with asyncio.timeout(0.5):
            assert (await channel.send(letter(), always)).verdict is ACCEPTED
            await channel.aclose()


async def test_a_letter_larger_than_the_relay_takes_is_refused_before_a_word_about_it() -> None:
    async with Rogue(extensions=("SIZE 1000",)) as rogue:
        outcome = await send(rogue, letter(SMALL * 50))
        assert (outcome.verdict, outcome.cause) == (REFUSED, Cause.EMAIL_TOO_BIG)
        assert not [command for command in rogue.commands if command.startswith("MAIL")]


async def test_delivery_notices_are_asked_for_only_where_they_are_offered() -> None:
    async with Rogue() as rogue:
        await send(rogue, replace(letter(), address="mission+gva@ardesia.example", return_path="r-1@sender.example"))
        asked = "RET=HDRS ENVID=r-1 NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;mission+2Bgva@ardesia.example"
        assert asked in rogue.ledger[0].options
    async with Rogue(extensions=("8BITMIME",)) as rogue:
        await send(rogue, letter())
        assert rogue.ledger[0].options == ""


async def test_eight_bit_text_goes_only_to_a_relay_that_takes_it() -> None:
    text = "Genève\r\n".encode()
    async with Rogue() as rogue:
        assert (await send(rogue, letter(text))).verdict is ACCEPTED
        assert "BODY=8BITMIME" in rogue.ledger[0].options
        assert rogue.ledger[0].message.endswith(text + END)
    async with Rogue(extensions=()) as rogue:
        outcome = await send(rogue, letter(text))
        assert (outcome.verdict, outcome.cause) == (REFUSED, Cause.CONTENT_INVALID)
        assert rogue.ledger == []


async def test_leave_is_not_asked_while_the_body_still_waits_in_our_own_kernel() -> None:
    asked: list[bytes] = []

    async def commit(message: bytes) -> Permit:
        asked.append(message)
        return Permit(float("inf"))

    stuck = say("354 go on", then="freeze")
    async with Rogue({"data": stuck}, receive_buffer=4096) as rogue:
        outcome = await send(rogue, letter(LARGE[:250_000] + b"\r\n"), commit, patience=0.3)
    assert (outcome.verdict, asked) == (DEFERRED, [])


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
async def test_a_second_reply_in_one_segment_is_noticed_at_once(step: str) -> None:
    async with Rogue({step: say("250 ok", "250 ok")}) as rogue:
        outcome = await send(rogue, letter())
        assert outcome.detail == "two replies to one command: 250 ok"
        assert rogue.commands[-1].lower().startswith(step)
