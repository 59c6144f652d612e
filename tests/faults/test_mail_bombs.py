"""Mail bombs: each is classified or quarantined, in bounded time and memory, and nobody else is held up meanwhile."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import os
import resource
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dispatcher.domain.incoming import Reading
from dispatcher.domain.words import Incoming
from dispatcher.inbox import limits, reader
from dispatcher.inbox.reader import Quarantined, Reader

#: Seconds for one message, the child's replacement not counted; bytes of memory.
MOST_SECONDS, MOST_MEMORY = 5.0, 256 * 1024 * 1024
#: Seconds that we may hold up the loop by work of ours; and by waiting, of which a busy machine adds some of its own.
MOST_STILL, MOST_LATE = 0.050, 0.250
HEAD = b"From: mailer-daemon@x.example\r\nTo: r@letters.example\r\nSubject: Undelivered mail\r\nMIME-Version: 1.0\r\n"
MILLION = 1_000_000


def body(data: bytes, media: bytes = b"text/plain") -> bytes:
    return HEAD + b"Content-Type: " + media + b"\r\n\r\n" + data


def nested(depth: int, end: bool) -> bytes:
    opened = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i) for i in range(depth))
    closed = b"".join(b"\r\n--b%d--\r\n" % i for i in reversed(range(depth))) if end else b""
    return HEAD + opened + b"Content-Type: text/plain\r\n\r\nx" + closed


def messages_in_messages(depth: int) -> bytes:
    return HEAD + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: at last\r\n\r\nx"


def flat(parts: int) -> bytes:
    part = b"--f\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    return HEAD + b"Content-Type: multipart/mixed; boundary=f\r\n\r\n" + part * parts + b"--f--\r\n"


def report(groups: int) -> bytes:
    group = b"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    return body(b"Reporting-MTA: dns; x.example\r\n\r\n" + group * groups, b"message/delivery-status")


BOMBS: dict[str, Callable[[], bytes]] = {
    "100,000 quotes in To": lambda: b'From: a@x.example\r\nTo: "' + b'\\"' * 100_000 + b'" <b@x.example>\r\n\r\nx',
    "60,000 quotes in From, below the bound": lambda: b"From: " + b'"' * 60_000 + b"\r\nSubject: Re: x\r\n\r\nx",
    "3,000 nested multiparts": lambda: nested(3000, end=True),
    "19 nested multiparts, a megabyte each": lambda: nested(19, end=False) + b"y" * 19 * MILLION,
    "3,000 messages in messages": lambda: messages_in_messages(3000),
    "200,000 header fields": lambda: b"X-A: b\r\n" * 200_000 + b"\r\nx",
    "200,000 header fields of a part": lambda: (
        HEAD + b"Content-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\n" + b"X-A: b\r\n" * 200_000 + b"\r\nx\r\n--f--"
    ),
    "one header field of 25 MB": lambda: b"Subject: " + b"a" * 25 * MILLION + b"\r\n\r\nx",
    "one header field folded 100,000 times": lambda: b"Subject: a" + b"\r\n b" * 100_000 + b"\r\n\r\nx",
    "one line of 25 MB": lambda: body(b"could not be delivered " + b"a" * 25 * MILLION),
    "25 MB of empty lines": lambda: body(b"\r\n" * 12 * MILLION),
    "25 MB of at signs": lambda: body(b"@" * 25 * MILLION),
    "addresses without end": lambda: body(b"could not be delivered to " + b"a.b+c=d@" * 400_000),
    "hyphens without end": lambda: body(b"-" * 4 * MILLION),
    "quoted marks without end": lambda: body(b"> > > " * MILLION),
    "half words of phrases": lambda: body(b"mailbox recipient user address quota not " * 100_000),
    "100,000 parts side by side": lambda: flat(100_000),
    "50,000 recipients": lambda: report(50_000),
    "a multipart cut off": lambda: (
        HEAD + b"Content-Type: multipart/report; boundary=cut\r\n\r\n--cut\r\nContent-Type: text"
    ),
    "a multipart without its boundary": lambda: body(b"--" + b"-" * MILLION, b"multipart/mixed"),
    "boundaries that are nearly right": lambda: (
        HEAD + b"Content-Type: multipart/mixed; boundary=q\r\n\r\n" + b"--q \t \t \t x\r\n" * 200_000
    ),
    "a charset that is none": lambda: body(b"\xff\xfe\x00" * MILLION, b'text/plain; charset="../../etc/passwd"'),
    "a charset that is a codec of another kind": lambda: body(b"QlpoOTE" * 1000, b"text/plain; charset=bz2_codec"),
    "UTF-7 and NUL": lambda: body(b"+ADw-\x00" * MILLION, b"text/plain; charset=utf-7"),
    "encoded words without end": lambda: HEAD + b"X-N: " + b"=?utf-8?q?=41?= " * 4000 + b"\r\n\r\nx",
    "broken base64": lambda: (
        HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"a" * 3 * MILLION)[:-1] + b"=====\xff"
    ),
    "tags without end": lambda: body(b"<p<b " * MILLION, b"text/html"),
    "a tag that is never closed": lambda: body(b"<!--" + b"<![" * MILLION, b"text/html"),
    "entities without end": lambda: body(b"&" * 4 * MILLION, b"text/html"),
    "dates without end": lambda: (
        b"From: a@x.example\r\nSubject: Out of office\r\nDate: Mon, 05 Oct 2026 09:00:00 +0200\r\n\r\n"
        + b"until 1.1. - " * 300_000
    ),
    "parameters without end": lambda: HEAD + b"Content-Type: text/plain" + b"; a*0*=''b" * 5000 + b"\r\n\r\nx",
    "nothing": lambda: b"",
    "noise": lambda: bytes(range(256)) * 10_000,
}


@dataclass
class Beats:
    """Turns of the loop, every five milliseconds: how late each came, and how long our own thread worked before it."""

    late: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[Beats]:
    """Of the time that goes into collecting rubbish, what this message makes counts; not the thousand tests before."""
    beats = Beats()
    gc.collect()
    gc.freeze()

    async def beat() -> None:
        while True:
            before, worked, stolen = time.perf_counter(), time.thread_time(), _stolen()
            await asyncio.sleep(0.005)
            beats.late.append(time.perf_counter() - before - 0.005 - (_stolen() - stolen))
            beats.busy.append(time.thread_time() - worked)

    task = asyncio.create_task(beat())
    try:
        yield beats
    finally:
        task.cancel()
        gc.unfreeze()


def _stolen() -> float:
    """Seconds for which this thread was ready and had to wait for a processor: /proc/…/schedstat, second number."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


def _space(number: int) -> int:
    """Bytes of address space that a process has: /proc/…/statm, first number."""
    return int(Path(f"/proc/{number}/statm").read_text().split()[0]) * resource.getpagesize()


@pytest.fixture
async def one() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    await made.close()


def test_there_are_enough_bombs() -> None:
    assert len(BOMBS) >= 16


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_read_or_quarantined_in_bounds(one: Reader, name: str) -> None:
    raw = BOMBS[name]()
    await one.read(b"From: a@x.example\r\n\r\nhello")  # the child is there: its start is no message's time
    async with watched() as beats:
        began = time.monotonic()
        found = await one.read(raw)
        took = time.monotonic() - began
    assert isinstance(found, Reading | Quarantined)
    assert took <= MOST_SECONDS, found
    assert max(beats.busy, default=0.0) <= MOST_STILL
    assert max(beats.late, default=0.0) <= MOST_LATE
    after = await one.read(b"From: a@x.example\r\nSubject: Re: your letter\r\n\r\nThank you.")
    assert isinstance(after, Reading)
    assert after.kind is Incoming.ANSWER


async def test_the_child_has_no_more_memory_than_it_may(one: Reader) -> None:
    await one.read(b"")
    assert one.number is not None
    soft, hard = resource.prlimit(one.number, resource.RLIMIT_AS)
    assert soft == hard == MOST_MEMORY == limits.MAX_MEMORY


async def test_a_child_that_stands_still_is_ended_and_replaced(one: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    await one.read(b"")
    first = one.number
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    monkeypatch.setattr(reader, "_PATIENCE", 0.2)
    found = await one.read(b"From: a@x.example\r\n\r\nhello")
    assert isinstance(found, Quarantined)
    assert "longer" in found.why
    monkeypatch.undo()
    assert isinstance(await one.read(b"From: a@x.example\r\n\r\nhello"), Reading)
    assert one.number not in (None, first)


async def test_a_child_that_is_killed_is_replaced(one: Reader) -> None:
    await one.read(b"")
    assert one.number is not None
    os.kill(one.number, signal.SIGKILL)
    await one.read(b"From: a@x.example\r\n\r\nhello")
    assert isinstance(await one.read(b"From: a@x.example\r\n\r\nhello"), Reading)


async def test_a_reading_that_is_given_up_leaves_no_half_answer_for_the_next(one: Reader) -> None:
    await one.read(b"")
    task = asyncio.create_task(one.read(BOMBS["half words of phrases"]()))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    after = await one.read(b"From: a@x.example\r\nMessage-ID: <next@x.example>\r\n\r\nhello")
    assert isinstance(after, Reading)
    assert after.message_id == "<next@x.example>"


async def test_a_message_that_takes_all_memory_is_quarantined(one: Reader) -> None:
    await one.read(b"")
    assert one.number is not None
    room = _space(one.number) + MILLION
    resource.prlimit(one.number, resource.RLIMIT_AS, (room, room))
    found = await one.read(body(b"could not be delivered\r\n" * 80_000))
    assert isinstance(found, Quarantined)
    assert isinstance(await one.read(b"From: a@x.example\r\n\r\nhello"), Reading)
