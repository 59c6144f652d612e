"""Every cause that is tried again, forced at a real far end until its tries are used up; what is shown is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import SECRET, START, Desk, open_desk, person
from farend.rogue import Act, Script, say

from dispatcher.channels import mailfax, simulator
from dispatcher.channels.mailfax import Gateway, MailFaxChannel
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.domain import status
from dispatcher.domain.model import Delivery, Hours
from dispatcher.domain.schedule import ASKED, IN_THE_KINDS_RHYTHM, RETRIES_BY_CAUSE, RETRYABLE, STOPS, minutes
from dispatcher.domain.schedule import Policy as Figures
from dispatcher.domain.words import CAUSES, Bulk, Cause, Kind, Policy, State, Verdict
from dispatcher.usecases import tries
from dispatcher.worker import Worker

#: What makes the relay give each cause of an email, for ever.
SMTP: dict[Cause, Act] = {
    Cause.EMAIL_GREYLISTED: say("450 4.7.1 later"),
    Cause.EMAIL_MAILBOX_FULL: say("452 4.2.2 over quota"),
    Cause.EMAIL_TOO_BIG: say("452 4.3.4 too big for now"),
    Cause.SMTP_BUSY: say("452 4.3.1 the disk is full"),
    Cause.SMTP_PEER: say("hello there"),
}
#: The number at which our gateway gives each cause of a fax, for ever.
FAX: dict[Cause, str] = {
    Cause.FAX_BUSY: "+442079460022",
    Cause.FAX_NO_ANSWER: "+442079460023",
    Cause.FAX_NO_CARRIER_MID_PAGE: "+442079460031",
    Cause.FAX_PARTIAL: "+442079460031",  # of a letter with a cover page
    Cause.FAX_GATEWAY_UNREACHABLE: "+442079460044",
}
BY_MAIL = {Cause.FAX_PROVIDER_REJECTED: say("452 4.3.4 too big for now")}


def test_every_cause_that_is_tried_again_is_forced_here() -> None:
    assert {*SMTP, *FAX, *BY_MAIL} == RETRYABLE
    assert not set(RETRIES_BY_CAUSE) & IN_THE_KINDS_RHYTHM


def test_every_cause_that_a_far_end_may_defer_with_has_a_rhythm_and_none_in_doubt_has() -> None:
    passing = {cause for code, cause in status.BY_ENHANCED.items() if code[0] in "4x"}
    passing |= {cause for code, cause in status.BY_CODE.items() if code < 500} | {Cause.SMTP_PEER}
    by_mail = {mailfax.AS_FAX.get(cause, cause) for cause in passing}
    tables = [*simulator.CODES.values(), *simulator.REFUSALS.values()]
    calls = {cause for verdict, cause in tables if verdict is Verdict.DEFERRED}
    assert passing | by_mail | calls <= RETRYABLE | STOPS
    assert not STOPS & RETRYABLE
    assert not [cause for cause in RETRYABLE if CAUSES[cause].bulk is Bulk.NEVER]


async def to(desk: Desk, at: datetime) -> None:
    desk.clock.turn(microseconds=(at - desk.clock.now()) // timedelta(microseconds=1))


async def patiently(desk: Desk) -> None:
    """A gateway that is slow because the machine is busy shall not look like one that is away."""
    channels = dict(desk.office.channels)
    await channels["simulator"].aclose()
    channels["simulator"] = SimulatorChannel(
        desk.gateway.url, SECRET, desk.callback_url, timeout=30.0, now=desk.clock.now
    )
    desk.office = replace(desk.office, channels=channels)
    desk.worker = Worker(desk.office, name=desk.worker.name)


async def heard(desk: Desk, row: Delivery) -> Delivery:
    """A try was made; time passes until it is known what came of it."""
    while (row := await desk.get(row.id)).state is State.ACCEPTED:
        event = desk.gateway.next_event()
        assert event is not None
        await to(desk, max(event, desk.clock.now()))
        await desk.callbacks()
    return row


async def used_up(desk: Desk, cause: Cause, further: int, *, at_once: bool) -> None:
    """Tries it until it fails; each try comes when it was shown, and as often as its rhythm says."""
    await desk.work()
    row = await heard(desk, await desk.only())
    first = await tries.tries_of(desk.office, row.id)
    assert (first.cause, len(first.tries)) == (cause, further)
    while row.state is State.DEFERRED:
        assert row.cause is cause
        shown = (await tries.tries_of(desk.office, row.id)).tries
        made = len((await desk.story(row.id)).attempts)
        await to(desk, shown[0].at - timedelta(seconds=1))
        await desk.work()
        assert len((await desk.story(row.id)).attempts) == made  # never early
        await to(desk, shown[0].at)
        await desk.work()
        assert (await desk.story(row.id)).attempts[-1].opened_at == shown[0].at
        row = await heard(desk, row)
    attempts = (await desk.story(row.id)).attempts
    assert (row.state, row.cause, row.tries, len(attempts)) == (State.FAILED, cause, further + 1, further + 1)
    if at_once:
        assert [one.opened_at for one in attempts[1:]] == [one.at for one in first.tries]
    assert (await tries.tries_of(desk.office, row.id)).tries == ()


@pytest.fixture
def sqlite(databases: Databases, tmp_path: Path) -> str:
    """One kind is enough: no other row is at stake."""
    return databases.fresh("sqlite", tmp_path)


@pytest.mark.parametrize("cause", sorted(SMTP))
async def test_an_email_is_tried_again_as_its_cause_says(sqlite: str, tmp_path: Path, cause: Cause) -> None:
    async with open_desk(sqlite, tmp_path, script={"rcpt": SMTP[cause]}) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await used_up(desk, cause, len(desk.office.policy.delays(Kind.EMAIL, cause)), at_once=True)
        assert desk.rogue.ledger == []


@pytest.mark.parametrize("cause", sorted(FAX))
async def test_a_fax_is_tried_again_as_its_cause_says(sqlite: str, tmp_path: Path, cause: Cause) -> None:
    async with open_desk(sqlite, tmp_path) as desk:
        await patiently(desk)
        await desk.launch([person("one", fax=FAX[cause])], Policy.FAX, fax_cover=cause is Cause.FAX_PARTIAL)
        await used_up(desk, cause, len(desk.office.policy.delays(Kind.FAX, cause)), at_once=False)


@pytest.mark.parametrize("cause", sorted(BY_MAIL))
async def test_a_fax_by_mail_is_tried_again_as_its_cause_says(sqlite: str, tmp_path: Path, cause: Cause) -> None:
    async with open_desk(sqlite, tmp_path, script={"rcpt": BY_MAIL[cause]}) as desk:
        channel = MailFaxChannel(Gateway("mailfax", "FAX={e164}@gateway.example"), [desk.rogue.relay()])
        outgoing = {**desk.office.outgoing, Kind.FAX: "mailfax"}
        desk.office = replace(desk.office, channels={**desk.office.channels, "mailfax": channel}, outgoing=outgoing)
        desk.worker = Worker(desk.office, name=desk.worker.name)
        await desk.launch([person("one", fax="+442079460000")], Policy.FAX)
        await used_up(desk, cause, len(desk.office.policy.delays(Kind.FAX, cause)), at_once=True)
        await channel.aclose()


async def test_what_is_shown_is_kept_over_nights_weekends_and_another_zone(sqlite: str, tmp_path: Path) -> None:
    """Hours of a morning in New York: the third try leaves the day, the fifth the week."""
    async with open_desk(sqlite, tmp_path, script={"rcpt": SMTP[Cause.EMAIL_GREYLISTED]}) as desk:
        mission = person("one", email="mission@ardesia.example", zone="America/New_York")
        await desk.launch([mission], Policy.EMAIL, hours=Hours(time(9), time(10)), at=datetime(2015, 10, 1, 9, 0))
        row = await desk.only()
        await to(desk, (await tries.tries_of(desk.office, row.id)).tries[0].at)
        await desk.work()
        shown = (await tries.tries_of(desk.office, row.id)).tries
        days = [(one.at - START).days for one in shown]
        assert days == [0, 0, 1, 4, 5]  # Thursday, Thursday, Friday, Monday, Tuesday
        assert "Saturday" in str(shown[3].between)
        for one in shown:
            await to(desk, one.at)
            await desk.work()
        attempts = (await desk.story(row.id)).attempts
        assert [one.opened_at for one in attempts[1:]] == [one.at for one in shown]
        assert await desk.states() == [State.FAILED]


async def test_a_server_that_says_when_to_come_back_is_heeded_within_bounds(sqlite: str, tmp_path: Path) -> None:
    words = ["in 10 minutes", "in 5 seconds", "in 90 hours"]
    script: Script = {"rcpt": [say(f"450 4.7.1 try again {one}") for one in words]}
    async with open_desk(sqlite, tmp_path, script=script) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        for wait in (timedelta(minutes=10), ASKED[0], ASKED[1]):
            await desk.work()
            row = await desk.only()
            assert row.due is not None
            assert wait <= row.due - desk.clock.now() <= wait * 1.1
            await to(desk, row.due)
        await desk.work()
        assert await desk.states() == [State.ACCEPTED]


async def test_the_administrators_rhythm_counts(sqlite: str, tmp_path: Path) -> None:
    figures = Figures(causes={Cause.EMAIL_GREYLISTED: minutes(1, 2)})
    async with open_desk(sqlite, tmp_path, script={"rcpt": SMTP[Cause.EMAIL_GREYLISTED]}, figures=figures) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await used_up(desk, Cause.EMAIL_GREYLISTED, 2, at_once=True)
        kept = {(one.cause, one.kind): one.waits for one in tries.rhythms(desk.office)}
        assert kept[Cause.EMAIL_GREYLISTED, Kind.EMAIL] == minutes(1, 2)
        assert kept[Cause.FAX_BUSY, Kind.FAX] == RETRIES_BY_CAUSE[Cause.FAX_BUSY]


async def test_tries_after_the_letters_last_moment_are_not_shown(sqlite: str, tmp_path: Path) -> None:
    async with open_desk(sqlite, tmp_path, script={"rcpt": SMTP[Cause.EMAIL_MAILBOX_FULL]}) as desk:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL, expires_after=1)
        await desk.work()
        row = await desk.only()
        coming = await tries.tries_of(desk.office, row.id)
        assert row.expires_at is not None
        assert 0 < len(coming.tries) < 3
        assert all(one.at < row.expires_at for one in coming.tries)
        assert "tries less" in coming.notes[0]


async def test_a_letter_that_was_not_tried_yet_shows_one_try_unless_a_cause_is_supposed(
    sqlite: str, tmp_path: Path
) -> None:
    async with open_desk(sqlite, tmp_path) as desk:
        await desk.launch([person("one", fax="+442079460000")], Policy.FAX)
        row = await desk.only()
        assert len((await tries.tries_of(desk.office, row.id)).tries) == 1
        supposed = await tries.tries_of(desk.office, row.id, Cause.FAX_BUSY)
        assert len(supposed.tries) == 1 + len(RETRIES_BY_CAUSE[Cause.FAX_BUSY])
