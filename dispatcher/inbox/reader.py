"""Reads messages by a child process that is ended when one is too much for it: nothing a message holds stops us.

One child reads message after message; it is replaced when it ends, or when a message takes longer than it may.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dispatcher.domain.incoming import About, Reading
from dispatcher.domain.words import BounceVerdict, Cause, Incoming

from .child import LENGTH
from .limits import MAX_SECONDS, READ_AT_MOST

_COMMAND = (sys.executable, "-I", "-m", "dispatcher.inbox.child")
#: Seconds in which the child reads one message, itself started and its answer taken; then it is ended.
_PATIENCE = MAX_SECONDS + 0.3
#: Seconds in which a child has loaded what it needs, on a busy machine.
_START = 60.0
#: Messages after which a child is replaced, so that nothing gathers in it.
_SERVES = 2000
_MOST_ANSWER = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that was not read: kept as it came, for a person."""

    why: str


class Reader:
    """Reads one message at a time. Start it by its first message, end it with `close`."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._served = 0

    @property
    def number(self) -> int | None:
        """Of the child's process, as long as there is one."""
        return self._child.pid if self._child else None

    async def read(self, raw: bytes) -> Reading | Quarantined:
        """What the message is; Quarantined where it is too much, or ends the child."""
        async with self._turn:
            child = await self._ready()
            self._served += 1
            try:
                async with asyncio.timeout(_PATIENCE):
                    answer = await _asked(child, raw[:READ_AT_MOST])
            except TimeoutError:
                await self._end()
                return Quarantined(f"took longer than {MAX_SECONDS:g} seconds")
            except (OSError, EOFError, asyncio.IncompleteReadError):
                code = await self._end()
                return Quarantined(f"ended the process that read it ({code})")
            except BaseException:
                await self._end()  # half an answer is in its pipe: nobody else may take it for their own
                raise
            if "spent" in answer:
                await self._end()
        return Quarantined(answer["refused"]) if "refused" in answer else _reading(answer["reading"])

    async def close(self) -> None:
        async with self._turn:
            await self._end()

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._child is not None and (self._child.returncode is not None or self._served >= _SERVES):
            await self._end()
        if self._child is None:
            pipe = asyncio.subprocess.PIPE
            self._child, self._served = await asyncio.create_subprocess_exec(*_COMMAND, stdin=pipe, stdout=pipe), 0
            async with asyncio.timeout(_START):
                await _asked(self._child, b"")  # it answers when it has loaded everything: that time is no message's
        return self._child

    async def _end(self) -> int | None:
        child, self._child = self._child, None
        if child is None:
            return None
        if child.stdin is not None:
            child.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        return await child.wait()


async def _asked(child: asyncio.subprocess.Process, raw: bytes) -> dict[str, Any]:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(LENGTH.pack(len(raw)))
    for start in range(0, len(raw), _PIECE):
        child.stdin.write(raw[start : start + _PIECE])
        await child.stdin.drain()
    (size,) = LENGTH.unpack(await child.stdout.readexactly(LENGTH.size))
    if size > _MOST_ANSWER:
        raise EOFError
    answer: dict[str, Any] = json.loads(await child.stdout.readexactly(size))
    return answer


#: Bytes that are written at once, so that the others get their turn in between.
_PIECE = 256 * 1024


def _reading(told: dict[str, Any]) -> Reading:
    """The child's answer as a value; what it tells is checked by the closed vocabularies."""
    recipients = tuple(map(_about, told.pop("recipients")))
    day, written = told.pop("returns"), told.pop("written")
    return Reading(
        kind=Incoming(told.pop("kind")),
        recipients=recipients,
        written=datetime.fromisoformat(written) if written else None,
        returns=date.fromisoformat(day) if day else None,
        references=tuple(told.pop("references")),
        arrived_for=tuple(told.pop("arrived_for")),
        **told,
    )


def _about(told: dict[str, Any]) -> About:
    until = told.pop("retry_until")
    return About(
        verdict=BounceVerdict(told.pop("verdict")),
        cause=Cause(told.pop("cause")),
        retry_until=datetime.fromisoformat(until) if until else None,
        **told,
    )


def read_files(files: Sequence[Path]) -> Iterator[tuple[Path, Reading, str]]:
    """Each file's reading, and why it was not read; for a program without a loop of its own."""
    with asyncio.Runner() as runner:
        reader = Reader()
        try:
            for file in files:
                found = runner.run(reader.read(_head(file)))
                refused = found.why if isinstance(found, Quarantined) else ""
                yield file, Reading(Incoming.UNKNOWN) if isinstance(found, Quarantined) else found, refused
        finally:
            runner.run(reader.close())


def _head(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(READ_AT_MOST)
