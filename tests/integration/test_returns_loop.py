"""Two installations that write to each other: whatever programs answer at either end, no letter answers a program."""

from __future__ import annotations

from pathlib import Path

from desk.databases import Databases
from desk.desk import Desk, open_desk, person
from returns import messages
from returns.messages import letter_of

from dispatcher.domain.model import Step
from dispatcher.domain.words import Policy
from dispatcher.usecases import receive

STEPS = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 2))


async def _bring(desk: Desk, mails: list[bytes]) -> None:
    for raw in mails:
        await receive.take_in(desk.office, raw, "pipe")


async def test_two_that_auto_reply_exchange_the_letter_and_nothing_more(databases: Databases, tmp_path: Path) -> None:
    """Each one's mailbox answers everything by a program; each one's office reads all that comes, for a month."""
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    async with (
        open_desk(databases.fresh("sqlite", folders[0]), folders[0]) as one,
        open_desk(databases.fresh("sqlite", folders[1]), folders[1]) as other,
    ):
        await one.launch([person("other", email="letters@other.example")], Policy.EMAIL, steps=STEPS[:1])
        await one.work()
        [letter] = one.rogue.ledger
        await _bring(other, [letter.message])
        reply = messages.out_of_office(letter_of(await one.only()))
        for _ in range(3):  # the program at the other end says it again and again
            await _bring(one, [reply, messages.out_of_office(letter_of(await one.only()))])
            await _bring(other, [reply])
            for desk in (one, other):
                await desk.pass_time(days=10)
        assert (len(one.rogue.ledger), len(other.rogue.ledger)) == (1, 0)


async def test_a_follow_up_says_that_a_program_sent_it(desk: Desk) -> None:
    """Programs must not answer it (RFC 3834 section 2); the first letter is a person's act."""
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL, steps=STEPS)
    await desk.work()
    await desk.pass_time(days=5, seconds=1)
    await desk.pass_time(days=4)
    first, second = (taken.message for taken in desk.rogue.ledger)
    assert b"Auto-Submitted" not in first
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in second
