"""What comes back by mail and names a letter is evidence: a read receipt, a reply or a report settles its doubt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import STALL, accept_then

from dispatcher.domain.model import Delivery
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Policy, State, Verdict
from dispatcher.usecases import hear, operate
from dispatcher.usecases.hear import Heard

RECEIPT = Outcome(Verdict.DELIVERED, detail="a read receipt (RFC 8098) names the letter: displayed")
RELAYED = Outcome(Verdict.ACCEPTED, detail="a report (RFC 3464) names the letter: relayed")
RETURNED = Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX, "a report (RFC 3464) names the letter: failed 5.1.1")


@pytest.fixture
async def desk(databases: Databases, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk whose one letter is in doubt, and stays so: its relay never answers the dot."""
    script = {"dot": accept_then(STALL)}
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path, script=script) as made:
        await made.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await made.work()
        assert (await made.only()).state is State.IN_DOUBT
        yield made


async def tell(desk: Desk, seen: Delivery, outcome: Outcome, try_: int = 1, source: str = "mailbox:replies") -> Heard:
    """Report it as a mailbox reader does, which has found the delivery by its Message-ID."""
    report = Report(f"{seen.id}.{try_}", f"mail/{try_}/{outcome.verdict}", outcome, b"as it came in")
    return await hear.take(desk.office, report, source)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(RECEIPT, State.DELIVERED), (RELAYED, State.ACCEPTED), (RETURNED, State.FAILED)],
    ids=["read receipt", "relayed", "returned"],
)
async def test_a_mail_that_names_the_letter_settles_its_doubt_and_is_kept(
    desk: Desk, outcome: Outcome, state: State
) -> None:
    seen = await desk.only()
    assert await tell(desk, seen, outcome) is Heard.APPLIED
    assert (await desk.only()).state is state
    story = await desk.story(seen.id)
    [kept] = story.evidence
    assert (kept["source"], kept["verdict"], kept["detail"]) == ("mailbox:replies", outcome.verdict, outcome.detail)
    assert story.audit[-1].event.actor == "mailbox:replies"
    assert await tell(desk, seen, outcome) is Heard.REPEATED
    assert len(desk.rogue.ledger) == 1


async def test_a_receipt_for_the_first_try_calls_off_a_second_one_that_waits(desk: Desk) -> None:
    seen = await desk.only()
    desk.clock.turn(minutes=12)
    await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, "they say no", ADA)
    assert (await desk.only()).state is State.QUEUED
    assert await tell(desk, seen, RECEIPT) is Heard.APPLIED
    await desk.work()
    assert (await desk.only()).state is State.DELIVERED
    assert len(desk.rogue.ledger) == 1


async def test_of_an_older_try_only_good_news_settles_the_doubt_about_a_later_one(desk: Desk) -> None:
    seen = await desk.only()
    desk.clock.turn(minutes=12)
    await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, "they say no", ADA)
    await desk.work()
    assert (await desk.only()).state is State.IN_DOUBT
    assert await tell(desk, seen, RETURNED) is Heard.IGNORED
    assert (await desk.only()).state is State.IN_DOUBT
    assert await tell(desk, seen, RECEIPT) is Heard.APPLIED
    assert (await desk.only()).state is State.DELIVERED


async def test_another_channels_word_settles_nothing(desk: Desk) -> None:
    seen = await desk.only()
    assert await tell(desk, seen, RECEIPT, source="channel:simulator") is Heard.IGNORED
    assert (await desk.only()).state is State.IN_DOUBT
