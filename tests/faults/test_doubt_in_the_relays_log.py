"""Fault: the answer to the dot is lost, and the relay is our own. Its log settles the doubt, and nothing else does."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import STALL, accept_then

from dispatcher.channels.log_files import LogFiles
from dispatcher.channels.relay_log import RelayLog, RelayLogs
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.model import Delivery
from dispatcher.domain.words import Cause, Policy, State
from dispatcher.usecases import operate

#: As a real Postfix logs it; see tests/fixtures/relay.
BEGUN = ("smtpd[7]: connect from localhost[127.0.0.1]", "smtpd[7]: {id}: client=localhost[127.0.0.1]")
NAMED = "cleanup[8]: {id}: message-id={message_id}"
BROKE_OFF = (
    "smtpd[7]: lost connection after DATA (80 bytes) from localhost[127.0.0.1]",
    NAMED,
    "smtpd[7]: disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=0/1 commands=3/4",
)
QUEUED = (NAMED, "qmgr[9]: {id}: from=<bounce@coalition.example>, size=343, nrcpt=1 (queue active)")
SENT = "smtp[10]: {id}: to=<m@x>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"
BOUNCED = (
    "smtp[10]: {id}: to=<m@x>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced "
    "(host mx[192.0.2.1] said: 550 5.1.1 <m@x>: Recipient address rejected (in reply to RCPT TO command))"
)


@dataclass(frozen=True, slots=True)
class Log:
    """The relay's log, in the time of the desk's clock."""

    path: Path

    def write(self, at: datetime, seen: Delivery, *lines: str, queue_id: str = "95CDA292078") -> None:
        words = (line.format(id=queue_id, message_id=seen.message_id) for line in lines)
        with self.path.open("a") as file:
            file.writelines(f"{at.astimezone(UTC):%b %d %H:%M:%S} relay postfix/{line}\n" for line in words)
        os.utime(self.path, (at.timestamp(), at.timestamp()))


@pytest.fixture
def sqlite(databases: Databases, tmp_path: Path) -> str:
    """What a log says does not depend on the database: most of these run on one of them."""
    return databases.fresh("sqlite", tmp_path)


@asynccontextmanager
async def in_doubt(database: str, folder: Path) -> AsyncIterator[tuple[Desk, Log, datetime]]:
    """A desk whose one letter got no answer to its dot, its relay's empty log, and when that was."""
    log = Log(folder / "mail.log")
    log.path.touch()
    async with open_desk(database, folder, script={"dot": [accept_then(STALL)]}) as desk:
        logs = RelayLogs({"rogue": RelayLog(LogFiles(log.path, zone=UTC))}, desk.clock.now)
        channel = SmtpChannel([desk.rogue.relay()], logs=logs)
        desk.office.channels["smtp"] = channel  # type: ignore[index]  # the desk's own dictionary
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.work()
        assert (await desk.only()).state is State.IN_DOUBT
        yield desk, log, desk.clock.now()
        await channel.aclose()


async def test_the_log_says_that_it_was_taken_and_the_doubt_is_over(database: str, tmp_path: Path) -> None:
    async with in_doubt(database, tmp_path) as (desk, log, then):
        log.write(then, await desk.only(), *BEGUN, *QUEUED, SENT)
        await desk.pass_time(seconds=10)
        seen = await desk.only()
        assert seen.state is State.ACCEPTED
        [heard] = (await desk.story(seen.id)).evidence
        assert (heard["source"], heard["ref"], heard["applied"]) == ("channel:smtp", "95CDA292078", True)
        assert "250 ok" in heard["detail"]
        await desk.pass_time(days=6)
        assert (await desk.only()).state is State.PRESUMED  # passed on is not delivered
        assert len(desk.rogue.ledger) == 1


async def test_the_log_says_that_it_broke_off_and_the_letter_is_tried_again_by_itself(
    database: str, tmp_path: Path
) -> None:
    async with in_doubt(database, tmp_path) as (desk, log, then):
        log.write(then, await desk.only(), *BEGUN, *BROKE_OFF)
        await desk.pass_time(seconds=10)
        seen = await desk.only()
        assert (seen.state, seen.cause, seen.tries) == (State.DEFERRED, Cause.EMAIL_NOT_TAKEN, 1)
        await desk.pass_time(minutes=20)
        assert (await desk.only()).state is State.ACCEPTED
        assert [one.knowingly for one in (await desk.story(seen.id)).attempts] == [False, False]


async def test_the_next_server_sent_it_back_and_the_letter_has_failed(sqlite: str, tmp_path: Path) -> None:
    async with in_doubt(sqlite, tmp_path) as (desk, log, then):
        log.write(then, await desk.only(), *BEGUN, *QUEUED, BOUNCED)
        await desk.pass_time(seconds=10)
        seen = await desk.only()
        assert (seen.state, seen.cause) == (State.FAILED, Cause.EMAIL_NO_MAILBOX)


@pytest.mark.parametrize("early", [timedelta(minutes=16), timedelta(minutes=2)])
async def test_what_the_log_says_of_an_earlier_try_settles_nothing(
    sqlite: str, tmp_path: Path, early: timedelta
) -> None:
    async with in_doubt(sqlite, tmp_path) as (desk, log, then):
        log.write(then - early, await desk.only(), *BEGUN, *QUEUED, SENT)
        log.write(then, await desk.only(), "anvil[3]: statistics: max connection rate 1/60s")
        for _ in range(8):
            await desk.pass_time(days=1)
        assert (await desk.only()).state is State.IN_DOUBT
        assert len(desk.rogue.ledger) == 1


async def test_a_log_without_this_try_settles_nothing_and_nothing_is_sent_again(sqlite: str, tmp_path: Path) -> None:
    async with in_doubt(sqlite, tmp_path) as (desk, log, then):
        log.write(then + timedelta(minutes=5), await desk.only(), "anvil[3]: statistics: max connection rate 1/60s")
        for _ in range(8):
            await desk.pass_time(days=1)
        assert (await desk.only()).state is State.IN_DOUBT
        assert (await desk.only()).due is None  # now only a person decides
        assert len(desk.rogue.ledger) == 1


async def test_a_log_that_comes_late_still_settles_it(sqlite: str, tmp_path: Path) -> None:
    async with in_doubt(sqlite, tmp_path) as (desk, log, then):
        for _ in range(3):
            await desk.pass_time(minutes=3)
        log.write(then, await desk.only(), *BEGUN, *QUEUED, SENT)
        await desk.pass_time(hours=2)
        assert (await desk.only()).state is State.ACCEPTED


async def test_after_a_knowingly_second_try_the_log_of_the_first_settles_nothing(sqlite: str, tmp_path: Path) -> None:
    async with in_doubt(sqlite, tmp_path) as (desk, log, then):
        desk.rogue.script["dot"] = accept_then(STALL)
        seen = await desk.only()
        desk.clock.turn(minutes=12)
        await operate.settle_doubt(desk.office, seen.id, operate.Decision.RESEND, "they say no", ADA)
        await desk.work()
        log.write(then, seen, *BEGUN, *QUEUED, SENT)
        log.write(desk.clock.now(), seen, "anvil[3]: statistics: max connection rate 1/60s")
        await desk.pass_time(hours=2)
        assert (await desk.only()).state is State.IN_DOUBT
        assert len(desk.rogue.ledger) == 2
