"""A mail log on disk: the file that is written now and those that were rotated away from it, as one run of lines.

It reads from near a given moment on, in pieces, and never more than its limits of bytes and seconds: a log of some
gigabytes costs a few seeks and the lines after that moment. Its files are opened before any is read, so that a rotation
in between takes none of them away.
"""

from __future__ import annotations

import gzip
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import BinaryIO, cast

from .log_lines import stamp_of

PIECE = 1 << 20
#: A line that is longer than this is no log line; it is skipped.
LONGEST_LINE = 1 << 16
#: For one question: bytes read, after unpacking, and seconds.
MOST_BYTES, MOST_SECONDS = 1 << 30, 30.0


class Unreadable(Exception):
    """The log could not be read to its end; says why."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of the log, open."""

    path: Path
    file: BinaryIO
    written: datetime  #: when it was last changed


@dataclass(frozen=True, slots=True)
class LogFiles:
    """Where the log is. Rotated files are called as the file is, with '.1', '-20261124', '.2.gz' … behind it."""

    path: Path
    folder: Path | None = None  #: where rotated files lie, if not beside it
    zone: tzinfo | None = None  #: of stamps without one
    most_bytes: int = MOST_BYTES
    most_seconds: float = MOST_SECONDS

    def lines(self, since: datetime) -> Iterator[tuple[bytes, datetime]]:
        """Each whole line from before `since` on, oldest first, and when its file was last written.

        A last line without its end is still being written, and left out. Raises Unreadable, also in the middle.
        """
        budget = _Budget(self.most_bytes, time.monotonic() + self.most_seconds)
        with ExitStack() as stack:
            for one in self.opened(stack, since):
                for line in self._lines_of(one, since, budget):
                    yield line, one.written

    def opened(self, stack: ExitStack, since: datetime) -> list[LogFile]:
        """The files that were written to since then, oldest first. Raises Unreadable."""
        try:
            found = {}
            for path in self._paths():
                file = stack.enter_context(path.open("rb"))
                seen = os.fstat(file.fileno())
                found[seen.st_dev, seen.st_ino] = LogFile(path, file, datetime.fromtimestamp(seen.st_mtime, UTC))
        except OSError as fault:
            raise Unreadable(f"{fault.filename}: {fault.strerror}") from fault
        fresh = [one for one in found.values() if one.written >= since]
        return sorted(fresh, key=lambda one: (one.path == self.path, one.written))

    def _paths(self) -> list[Path]:
        """The newest last, so that of one file under two names, as it is being rotated, either does."""
        folders = [self.path.parent, *([self.folder] if self.folder else [])]
        rotated = (one for folder in folders for one in folder.iterdir() if self._is_rotated(one.name))
        return [*rotated, self.path]

    def _is_rotated(self, name: str) -> bool:
        return name.startswith((f"{self.path.name}.", f"{self.path.name}-"))

    def _lines_of(self, one: LogFile, since: datetime, budget: _Budget) -> Iterator[bytes]:
        packed = one.path.name.endswith(".gz")
        try:
            if not packed:
                one.file.seek(self._start(one, since))
            file = cast("BinaryIO", gzip.GzipFile(fileobj=one.file)) if packed else one.file
            yield from _whole_lines(file.read, budget)
        except (OSError, EOFError, zlib.error) as fault:
            raise Unreadable(f"{one.path}: {fault}") from fault

    def _start(self, one: LogFile, since: datetime) -> int:
        """A place in the file before which all is older than `since`; found by halving."""
        low, high = 0, os.fstat(one.file.fileno()).st_size
        while high - low > PIECE:
            middle = (low + high) // 2
            one.file.seek(middle)
            stamps = (stamp_of(line, one.written, self.zone) for line in one.file.read(LONGEST_LINE).split(b"\n")[1:-1])
            first = next((stamp for stamp in stamps if stamp is not None), None)
            if first is not None and first < since:
                low = middle
            else:
                high = middle
        return low

    def newest(self) -> tuple[datetime | None, datetime]:
        """The stamp of the last line of Postfix's, and when the file was last written. Raises Unreadable."""
        try:
            with self.path.open("rb") as file:
                seen = os.fstat(file.fileno())
                file.seek(max(seen.st_size - LONGEST_LINE, 0))
                lines = file.read(LONGEST_LINE).split(b"\n")[:-1]
        except OSError as fault:
            raise Unreadable(f"{self.path}: {fault.strerror}") from fault
        written = datetime.fromtimestamp(seen.st_mtime, UTC)
        stamps = (stamp_of(line, written, self.zone) for line in reversed(lines))
        return next((stamp for stamp in stamps if stamp is not None), None), written


@dataclass(slots=True)
class _Budget:
    bytes_left: int
    until: float

    def spend(self, count: int) -> None:
        self.bytes_left -= count
        if self.bytes_left < 0 or time.monotonic() > self.until:
            raise Unreadable("the log since then is too long to be read at once")


def _whole_lines(read: Callable[[int], bytes], budget: _Budget) -> Iterator[bytes]:
    rest = b""
    while piece := read(PIECE):
        budget.spend(len(piece))
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line for line in lines if len(line) <= LONGEST_LINE)
        if len(rest) > LONGEST_LINE:  # no line; what is left of it up to its end is none either
            rest = rest[: LONGEST_LINE + 1]
