"""Asks a relay of our own what became of a try: its log, and its queue where that may be listed. Decides by them alone.

A delivery has one Message-ID for all its tries. So only what the relay began within the time of this try counts, and
only if it came from us. Taken is what the queue manager had, whatever followed. Surely not taken is what broke off
before the dot ('lost connection after DATA'), what Postfix refused, or what is neither in the log nor in the queue a
minute after its session was over. Everything else, and a log that cannot be read or whose clock is not ours, says
nothing. Postfix 3.4 and later; read from its sources and seen with 3.7.11 (November 2026).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dispatcher.domain.outcome import Outcome, escape
from dispatcher.domain.words import Cause, Verdict

from .base import CLOCK_TOLERANCE, Try
from .log_files import LogFiles, Unreadable
from .log_lines import read_line
from .log_story import End, Life, Story
from .replies import returned

#: Stamps are cut to whole seconds, and two clocks that are kept by the network differ by less than this.
SKEW = timedelta(seconds=2)
#: The log is read from so long before the try.
BEFORE = timedelta(minutes=2)
#: What is to show in the log after the end of a session shows within this.
SETTLED = timedelta(seconds=60)
#: Seconds for the list of the queue, and its bytes.
QUEUE_SECONDS, QUEUE_BYTES = 30.0, 64 << 20
_LOOPBACK = ("[127.", "[::1]")
#: These hand a letter to its mailbox; all others pass it on.
_FINAL = frozenset({"local", "virtual"})


class Say(StrEnum):
    """What one relay tells of a try."""

    TAKEN = "taken"
    NOT_TAKEN = "not taken"
    NO_TRACE = "no trace"  # it never saw it, or its log does not say so
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Told:
    """The same with the letter that it is about, and words for people."""

    say: Say
    words: str
    life: Life | None = None


@dataclass(frozen=True, slots=True)
class RelayLog:
    """The log of one relay, and who we are for it."""

    files: LogFiles
    queue_command: tuple[str, ...] = ()  #: `postqueue -j`, or what does the same; () where it may not be listed
    loopback: bool = True  #: we come to it from its own machine
    user: str = ""  #: as whom we sign in; '' where we do not
    skew: timedelta = SKEW
    tolerance: timedelta = CLOCK_TOLERANCE
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)

    async def ask(self, about: Try, now: datetime) -> Told:
        """What became of it. One question at a time reads the log."""
        async with self._turn:
            try:
                waiting = await self._queue() if self.queue_command else None
                return await asyncio.to_thread(self._look, about, now, waiting)
            except Unreadable as fault:
                return Told(Say.UNSURE, str(fault))

    def _look(self, about: Try, now: datetime, waiting: frozenset[str] | None) -> Told:
        newest, written = self.files.newest()
        if newest is None:
            return Told(Say.UNSURE, f"{self.files.path} has no line of Postfix's at its end")
        if abs(newest - written) > self.tolerance or newest > now + self.tolerance:
            return Told(Say.UNSURE, f"the clock of {self.files.path} is not ours, or it was copied")
        story = self.read(about)
        found = [one for one in story.lives if self._is_this_try(one, about)]
        return _judge(found, story, now, waiting)

    def read(self, about: Try) -> Story:
        """All that the log tells of this Message-ID since the try began. Raises Unreadable."""
        story = Story(about.message_id)
        for raw, written in self.files.lines(about.opened_at - BEFORE):
            line = read_line(raw, written, self.files.zone)
            if line is not None:
                story.feed(line)
        return story

    def _is_this_try(self, life: Life, about: Try) -> bool:
        """Did the relay begin with it while this try was made, and for us?"""
        if life.at is None:
            return False
        ours = not self.loopback or any(sign in life.client.split(",")[0] for sign in _LOOPBACK)
        signed_in = not self.user or f"sasl_username={self.user}" in life.client.split(", ")
        second = timedelta(seconds=1)  # '…:10' is any moment of that second
        return ours and signed_in and about.opened_at - second - self.skew <= life.at <= about.left_at + self.skew

    async def _queue(self) -> frozenset[str]:
        """The queue ids of what it still has. Raises Unreadable."""
        command = self.queue_command[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self.queue_command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
            )
        except OSError as fault:
            raise Unreadable(f"{command}: {fault}") from fault
        assert process.stdout is not None  # it was asked for
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                listed = await _all_of(process.stdout, QUEUE_BYTES)
                code = await process.wait()
        except TimeoutError as fault:
            raise Unreadable(f"{command} took longer than {QUEUE_SECONDS:.0f} s") from fault
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code:
            raise Unreadable(f"{command} ended with {code}")
        return _queue_ids(listed, command)


async def _all_of(stream: asyncio.StreamReader, most: int) -> bytes:
    """Raises Unreadable when it is more than `most` bytes."""
    pieces: list[bytes] = []
    while piece := await stream.read(1 << 16):
        pieces.append(piece)
        if sum(map(len, pieces)) > most:
            raise Unreadable("the queue is too long to be listed")
    return b"".join(pieces)


def _queue_ids(listed: bytes, command: str) -> frozenset[str]:
    """One JSON object a line, as postqueue(1) has it since Postfix 3.1."""
    try:
        return frozenset(str(json.loads(line)["queue_id"]) for line in listed.splitlines() if line.strip())
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        raise Unreadable(f"{command} does not list a queue: {fault}") from fault


# -- what it comes to ----------------------------------------------------------------------------------------------


def _judge(found: Sequence[Life], story: Story, now: datetime, waiting: frozenset[str] | None) -> Told:
    for one in found:
        if one.taken:
            *_, last = story.passed_on(one)
            return Told(Say.TAKEN, f"queued as {one.queue_id}", last)
        if one.end is not End.OPEN and waiting is not None and one.queue_id in waiting:
            return Told(Say.TAKEN, f"waits in the queue as {one.queue_id}", one)
    if not found:
        return Told(Say.NO_TRACE, "the log does not show this try")
    if all(_surely_not(one, now, waiting) for one in found):
        one = found[-1]
        why = one.refused or ("it broke off before the dot" if one.end is End.BROKE_OFF else "it is not in the queue")
        return Told(Say.NOT_TAKEN, f"{one.queue_id}: {why}", one)
    return Told(Say.UNSURE, "the log shows that it began, but not how it ended")


def _surely_not(one: Life, now: datetime, waiting: frozenset[str] | None) -> bool:
    if one.end is End.BROKE_OFF or one.refused:
        return True
    if one.end is End.OPEN or waiting is None or one.ended_at is None:
        return False
    return one.queue_id not in waiting and now - one.ended_at >= SETTLED


@dataclass(frozen=True, slots=True)
class RelayLogs:
    """All relays of a channel, each with its log; None for one that has none."""

    logs: Mapping[str, RelayLog | None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __bool__(self) -> bool:
        """Can any of them be asked?"""
        return any(log is not None for log in self.logs.values())

    async def ask(self, attempt_id: str, about: Try | None) -> Outcome:
        """What became of a try, in our words. UNKNOWN where the logs do not prove it."""
        if about is None:  # nobody can search for a try of which no time is known
            return Outcome(Verdict.UNKNOWN, Cause.NONE, "a relay's log is only asked about a try on record")
        names = [about.relay] if about.relay else list(self.logs)
        told = {name: await self._of(name, about) for name in names}
        name = next((one for one in told if told[one].say is Say.TAKEN), None) or _surest(told)
        return _outcome(name, told[name], attempt_id) if name else _nobody_knows(told)

    async def _of(self, name: str, about: Try) -> Told:
        log = self.logs.get(name)
        return await log.ask(about, self.now()) if log else Told(Say.UNSURE, "it has no log that we could read")


def _surest(told: Mapping[str, Told]) -> str | None:
    """The relay that surely did not take it, if surely no other relay has seen it either."""
    refused = [name for name, one in told.items() if one.say is Say.NOT_TAKEN]
    others = [one.say for name, one in told.items() if name not in refused]
    return refused[0] if refused and all(say is Say.NO_TRACE for say in others) else None


def _nobody_knows(told: Mapping[str, Told]) -> Outcome:
    words = "; ".join(f"{name}: {one.words}" for name, one in told.items())
    return Outcome(Verdict.UNKNOWN, Cause.NONE, escape(words))


def _outcome(name: str, told: Told, attempt_id: str) -> Outcome:
    life = told.life
    assert life is not None  # whoever took it, or did not, did so under a queue id
    facts = {"relay": name, "log": told.words, "queue_id": life.queue_id, "asked_about": attempt_id}
    detail = escape(f"{name}: {told.words}" + (f": {life.status} ({life.words})" if life.status else ""))
    if told.say is Say.NOT_TAKEN:
        return _not_taken(life, detail, facts)
    if life.status in ("bounced", "expired", "force-expired"):
        return Outcome(Verdict.REFUSED, returned(life.dsn), detail, life.queue_id, facts=facts)
    final = life.status == "sent" and life.program in _FINAL and life.words.startswith("delivered to ")
    verdict = Verdict.DELIVERED if final else Verdict.ACCEPTED
    return Outcome(verdict, Cause.NONE, detail, life.queue_id, facts=facts)


def _not_taken(life: Life, detail: str, facts: dict[str, str]) -> Outcome:
    """Tried again, unless the relay said that it never will take it."""
    if life.refused.startswith("5"):
        return Outcome(Verdict.REFUSED, returned(life.refused.split()[0]), detail, facts=facts)
    return Outcome(Verdict.DEFERRED, Cause.EMAIL_NOT_TAKEN, detail, facts=facts)
