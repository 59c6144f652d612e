"""What a relay's log proves of a try: on lines that a real Postfix wrote, and on the ways in which logs are damaged."""

from __future__ import annotations

import gzip
import json
import os
import random
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.channels.base import Try
from dispatcher.channels.log_files import LogFiles
from dispatcher.channels.relay_log import RelayLog, RelayLogs, Say
from dispatcher.domain.words import Cause, Verdict

SAMPLE = Path(__file__).parents[1] / "fixtures" / "relay" / "mail.log"
END = datetime(2026, 11, 24, 15, 45, 47, tzinfo=UTC)
LATER = END + timedelta(minutes=10)


def at(second: float) -> datetime:
    return datetime(2026, 11, 24, 15, 45, tzinfo=UTC) + timedelta(seconds=second)


def tried(name: str, second: float, relay: str = "main") -> Try:
    return Try(f"<{name}@coalition.example>", at(second), at(second + 0.3), relay)


def put(path: Path, data: bytes, written: datetime = END) -> Path:
    path.write_bytes(data)
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


@pytest.fixture
def log(tmp_path: Path) -> RelayLog:
    return RelayLog(LogFiles(put(tmp_path / "mail.log", SAMPLE.read_bytes()), zone=UTC))


def listing(tmp_path: Path, *queue_ids: str) -> tuple[str, ...]:
    """A command that lists a queue as postqueue -j does."""
    lines = "".join(json.dumps({"queue_name": "deferred", "queue_id": one}) + "\n" for one in queue_ids)
    (tmp_path / "queue.json").write_text(lines)
    return (sys.executable, "-c", f"print(open({str(tmp_path / 'queue.json')!r}).read())")


@pytest.mark.parametrize(
    ("name", "second", "verdict", "cause", "word"),
    [
        ("delivered", 39, Verdict.DELIVERED, Cause.NONE, "delivered to maildir"),
        ("gone-after-dot", 40, Verdict.DELIVERED, Cause.NONE, "delivered to maildir"),
        ("relayed", 40, Verdict.ACCEPTED, Cause.NONE, "250 2.0.0 Ok"),
        ("deferred", 40, Verdict.ACCEPTED, Cause.NONE, "Connection refused"),
        ("bounced", 40, Verdict.REFUSED, Cause.EMAIL_REFUSED, "500 5.3.0 Error"),
        ("broke-off", 39, Verdict.DEFERRED, Cause.EMAIL_NOT_TAKEN, "broke off before the dot"),
        ("refused", 40, Verdict.REFUSED, Cause.EMAIL_BLOCKED, "we do not take this"),
        ("killed", 46, Verdict.UNKNOWN, Cause.NONE, "does not show this try"),
        ("open", 47, Verdict.UNKNOWN, Cause.NONE, "does not show this try"),
        ("never-sent", 40, Verdict.UNKNOWN, Cause.NONE, "does not show this try"),
    ],
)
async def test_what_a_real_postfix_logged_is_understood(
    log: RelayLog, name: str, second: float, verdict: Verdict, cause: Cause, word: str
) -> None:
    outcome = await RelayLogs({"main": log}, lambda: LATER).ask("a.1", tried(name, second))
    assert (outcome.verdict, outcome.cause) == (verdict, cause)
    assert word in outcome.detail


@pytest.mark.parametrize(
    ("second", "say"), [(42, Say.NOT_TAKEN), (45, Say.TAKEN), (60, Say.NO_TRACE), (30, Say.NO_TRACE)]
)
async def test_of_several_tries_with_one_message_id_only_the_one_at_that_time_counts(
    log: RelayLog, second: float, say: Say
) -> None:
    log = replace(log, skew=timedelta(seconds=0.5))
    assert (await log.ask(tried("two-tries", second), LATER)).say is say


async def test_a_try_from_somewhere_else_is_not_ours(log: RelayLog, tmp_path: Path) -> None:
    data = SAMPLE.read_bytes().replace(b"client=unknown[127.0.0.1]", b"client=other.example[192.0.2.7]")
    put(tmp_path / "mail.log", data)
    assert (await log.ask(tried("delivered", 39), LATER)).say is Say.NO_TRACE
    assert (await replace(log, loopback=False).ask(tried("delivered", 39), LATER)).say is Say.TAKEN
    signed_in = replace(log, loopback=False, user="dispatcher")
    assert (await signed_in.ask(tried("delivered", 39), LATER)).say is Say.NO_TRACE
    put(
        tmp_path / "mail.log", data.replace(b"[192.0.2.7]", b"[192.0.2.7], sasl_method=PLAIN, sasl_username=dispatcher")
    )
    assert (await signed_in.ask(tried("delivered", 39), LATER)).say is Say.TAKEN


# -- damaged, rotated, hostile ---------------------------------------------------------------------------------------


async def test_a_log_that_was_rotated_in_between_is_one_log(log: RelayLog, tmp_path: Path) -> None:
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    cut = next(number for number, line in enumerate(lines) if b"relayed@" in line) + 1
    middle = next(number for number, line in enumerate(lines) if b"relayed.example" in line)
    (tmp_path / "mail.log.2.gz").write_bytes(gzip.compress(b"".join(lines[:cut])))
    os.utime(tmp_path / "mail.log.2.gz", (at(40).timestamp(), at(40).timestamp()))
    put(tmp_path / "mail.log.1", b"".join(lines[cut:middle]), at(41))
    put(tmp_path / "mail.log", b"".join(lines[middle:]))
    told = await log.ask(tried("relayed", 40), LATER)
    assert told.say is Say.TAKEN
    assert told.life is not None
    assert told.life.status == "sent"


async def test_rotated_files_may_lie_in_a_folder_of_their_own(log: RelayLog, tmp_path: Path) -> None:
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    (tmp_path / "old").mkdir()
    put(tmp_path / "old" / "mail.log-20261124", b"".join(lines[:-4]), at(46))
    put(tmp_path / "mail.log", b"".join(lines[-4:]))
    assert (await log.ask(tried("delivered", 39), LATER)).say is Say.NO_TRACE
    log = RelayLog(replace(log.files, folder=tmp_path / "old"))
    assert (await log.ask(tried("delivered", 39), LATER)).say is Say.TAKEN


async def test_a_cut_line_proves_nothing(log: RelayLog, tmp_path: Path) -> None:
    data = SAMPLE.read_bytes()
    whole = data.index(b": message-id=<relayed@") + len(b": message-id=<relay")
    put(tmp_path / "mail.log", data[:whole] + data[whole + len(b"ed@coalition.example>\n") :])
    assert (await log.ask(tried("relayed", 40), LATER)).say is Say.NO_TRACE
    end = data.index(b" from=<r-relayed@") + 20
    put(tmp_path / "mail.log", data[:end], at(40))
    assert (await log.ask(tried("relayed", 40), LATER)).say is Say.UNSURE


async def test_a_queue_id_that_is_used_again_is_another_letter(log: RelayLog, tmp_path: Path) -> None:
    """The broken-off letter's id is given to a letter of somebody else's, which is taken."""
    data = SAMPLE.read_bytes().replace(b"D2BDC29207D", b"B793629207B")
    put(tmp_path / "mail.log", data)
    assert (await log.ask(tried("broke-off", 39), LATER)).say is Say.NOT_TAKEN
    told = await log.ask(tried("gone-after-dot", 40), LATER)
    assert (told.say, told.words) == (Say.TAKEN, "queued as B793629207B")


async def test_what_a_stranger_can_write_into_a_line_proves_nothing(log: RelayLog, tmp_path: Path) -> None:
    lines = SAMPLE.read_text().splitlines()
    fake = "Nov 24 15:45:46 relay postfix/qmgr[23304]: 6237A292087: from=<a@b>, size=1, nrcpt=1 (queue active)"
    lines += [
        f"Nov 24 15:45:47 relay postfix/smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: helo=<{fake}>",
        "Nov 24 15:45:47 relay postfix/smtpd[9]: 6237A292087: message-id=<killed@coalition.example>",
        "Nov 24 15:45:47 relay postfix/cleanup[9]: 6237A292087: message-id=<x> message-id=<killed@coalition.example>",
    ]
    put(
        tmp_path / "mail.log",
        "\n".join([*lines, ""]).encode() + b"\xff\x00" * 40_000 + b"\n" + lines[0].encode() + b"\n",
    )
    assert (await log.ask(tried("killed", 46), LATER)).say is not Say.TAKEN


@pytest.mark.parametrize("off", [-3600, 3600])
async def test_a_log_whose_clock_is_not_ours_says_nothing(log: RelayLog, tmp_path: Path, off: float) -> None:
    put(tmp_path / "mail.log", SAMPLE.read_bytes(), END + timedelta(seconds=off))
    told = await log.ask(tried("delivered", 39), LATER)
    assert (told.say, "clock" in told.words) == (Say.UNSURE, True)


@pytest.mark.parametrize("data", [None, b"", b"not a mail log\n" * 9, b"\x00" * 70_000])
async def test_a_log_that_cannot_be_read_says_nothing(log: RelayLog, tmp_path: Path, data: bytes | None) -> None:
    (tmp_path / "mail.log").unlink()
    if data is not None:
        put(tmp_path / "mail.log", data)
    assert (await log.ask(tried("delivered", 39), LATER)).say is Say.UNSURE


async def test_a_broken_archive_says_nothing(log: RelayLog, tmp_path: Path) -> None:
    packed = tmp_path / "mail.log.1.gz"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes())[:-30])
    assert (await log.ask(tried("delivered", 39), LATER)).say is Say.UNSURE


# -- the queue ---------------------------------------------------------------------------------------------------------


def _without(word: bytes) -> bytes:
    return b"".join(line for line in SAMPLE.read_bytes().splitlines(keepends=True) if word not in line)


async def test_what_is_over_and_neither_in_the_log_nor_in_the_queue_was_not_taken(
    log: RelayLog, tmp_path: Path
) -> None:
    lines = _without(b"D620029207E: from").splitlines(keepends=True)
    put(
        tmp_path / "mail.log",
        b"".join(one for one in lines if b"smtp[23382]: D62" not in one and b"D620029207E: rem" not in one),
    )
    about = tried("relayed", 40)
    assert (await log.ask(about, LATER)).say is Say.UNSURE  # its queue manager may be behind
    asked = RelayLog(log.files, listing(tmp_path))
    assert (await asked.ask(about, at(70))).say is Say.UNSURE  # too early: the log may be behind
    assert (await asked.ask(about, LATER)).say is Say.NOT_TAKEN
    waits = RelayLog(log.files, listing(tmp_path, "D620029207E"))
    assert (await waits.ask(about, LATER)).say is Say.TAKEN


@pytest.mark.parametrize("command", [("/nowhere/postqueue", "-j"), ("false",), ("echo", "Mail queue is empty")])
async def test_a_queue_that_cannot_be_listed_says_nothing(log: RelayLog, command: tuple[str, ...]) -> None:
    told = await RelayLog(log.files, command).ask(tried("delivered", 39), LATER)
    assert (told.say, command[0] in told.words) == (Say.UNSURE, True)


# -- several relays ----------------------------------------------------------------------------------------------------


async def test_a_try_whose_relay_is_not_known_is_looked_for_with_all_of_them(log: RelayLog, tmp_path: Path) -> None:
    empty = RelayLog(
        LogFiles(put(tmp_path / "other.log", SAMPLE.read_bytes().replace(b"@coalition", b"@other")), zone=UTC)
    )
    both = RelayLogs({"first": empty, "second": log}, lambda: LATER)
    one_is_dark = RelayLogs({"first": None, "second": log}, lambda: LATER)
    taken, broke_off = tried("gone-after-dot", 40, ""), tried("broke-off", 39, "")
    assert (await both.ask("a.1", taken)).facts["relay"] == "second"
    assert (await one_is_dark.ask("a.1", taken)).verdict is Verdict.DELIVERED
    assert (await both.ask("a.1", broke_off)).verdict is Verdict.DEFERRED
    assert (await one_is_dark.ask("a.1", broke_off)).verdict is Verdict.UNKNOWN
    assert (await one_is_dark.ask("a.1", replace(broke_off, relay="second"))).verdict is Verdict.DEFERRED
    assert (await both.ask("a.1", replace(taken, relay="gone"))).verdict is Verdict.UNKNOWN
    assert (await both.ask("a.1", None)).verdict is Verdict.UNKNOWN


# -- a content filter --------------------------------------------------------------------------------------------------


async def test_a_letter_that_went_through_a_content_filter_has_the_fate_that_it_had_behind_it(
    log: RelayLog, tmp_path: Path
) -> None:
    text = SAMPLE.read_text().replace("status=sent (250 2.0.0 Ok)", "status=sent (250 2.0.0 Ok: queued as 0123456789A)")
    again = [
        "smtpd[99]: connect from localhost[127.0.0.1]",
        "smtpd[99]: 0123456789A: client=localhost[127.0.0.1]",
        "cleanup[98]: 0123456789A: message-id=<relayed@coalition.example>",
        "qmgr[23304]: 0123456789A: from=<r-relayed@coalition.example>, size=1, nrcpt=1 (queue active)",
        "smtp[97]: 0123456789A: to=<m@x.example>, relay=mx.x.example[192.0.2.9]:25, delay=1, delays=0/0/0/1, "
        "dsn=5.1.1, status=bounced (host mx.x.example[192.0.2.9] said: 550 5.1.1 <m@x.example>: Address rejected)",
    ]
    text += "".join(f"Nov 24 15:45:47 relay postfix/{line}\n" for line in again)
    put(tmp_path / "mail.log", text.encode())
    outcome = await RelayLogs({"main": log}, lambda: LATER).ask("a.1", tried("relayed", 40))
    assert (outcome.verdict, outcome.cause) == (Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX)


# -- long logs -------------------------------------------------------------------------------------------------------


async def test_a_long_log_is_read_from_near_the_try_on(log: RelayLog, tmp_path: Path) -> None:
    noise = "".join(
        f"Nov {day:2} {hour:02}:{minute:02}:07 relay postfix/anvil[1]: statistics: {'x' * 600}\n"
        for day in range(1, 24)
        for hour in range(24)
        for minute in range(60)
    )
    put(tmp_path / "mail.log", noise.encode() + SAMPLE.read_bytes())
    few = RelayLog(replace(log.files, most_bytes=3 << 20))
    assert (tmp_path / "mail.log").stat().st_size > 20 << 20
    assert (await few.ask(tried("delivered", 39), LATER)).say is Say.TAKEN


async def test_too_much_after_the_try_says_nothing_instead_of_taking_for_ever(log: RelayLog, tmp_path: Path) -> None:
    dice = random.Random(7)
    packed = tmp_path / "mail.log.1.gz"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes() + dice.randbytes(1 << 20) + bytes(60 << 20)))
    os.utime(packed, (END.timestamp(), END.timestamp()))
    few = RelayLog(replace(log.files, most_bytes=10 << 20))
    began = time.monotonic()
    assert (await few.ask(tried("delivered", 39), LATER)).say is Say.UNSURE
    assert time.monotonic() - began < 5
