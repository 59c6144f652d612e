"""What is noted outside the database, so that a restored or copied one is found: one small file, and a marker.

It knows nothing of the database. Written whole under another name, fsynced, then renamed: a crash leaves the old note
or the new one. A lock between processes keeps the highest number.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dispatcher.domain.audit import canonical
from dispatcher.domain.rollback import Note, Whereabouts

_MACHINE_ID = Path("/etc/machine-id")
_HEX = re.compile(r"[0-9a-f]{32}")


class Unreadable(Exception):
    """What was noted is there, and is not what we write."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A quarantine, as it is marked outside the database."""

    id: str
    why: list[list[str]]  #: [sign, words] each


@dataclass(slots=True)
class Checkpoint:
    """The folder with the note and the marker; `known` is the note as this process last read or wrote it."""

    folder: Path
    name: str = ""  #: the machine's, where an administrator gave it one
    shared: bool = False  #: several machines send from one database: a machine says nothing about a copy
    known: Note | None = None
    _wanted: tuple[int, str] = (0, "")
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def path(self) -> Path:
        return self.folder / "checkpoint.json"

    @property
    def _marker(self) -> Path:
        return self.folder / "quarantine.json"

    # -- the note ------------------------------------------------------------------------------------------------

    def read(self) -> Note | None:
        """None where nothing was noted. Raises Unreadable, or OSError where the system does not let us look."""
        record = _read(self.path)
        if record is None:
            return None
        try:
            return Note(**{**record, "where": Whereabouts(**record["where"])})
        except (KeyError, TypeError) as error:
            raise Unreadable(f"{self.path}: {error}") from error

    def begin(self, note: Note) -> Note:
        """Put `note` down unless there is one; the one that is there then."""
        with self._locked():
            there = self.read()
            if there is None:
                self._put(note)
            return there or note

    def put(self, note: Note) -> None:
        """Put `note` down in the place of what is there, whatever that is."""
        with self._locked():
            self._put(note)

    def raise_to(self, note: Note) -> None:
        """Put `note` down unless another process has put down a later one. Raises OSError when it is another life's."""
        with self._locked():
            there = self.read() or note
            if (there.instance, there.epoch) != (note.instance, note.epoch):
                raise OSError(f"{self.path} was changed by somebody else")
            if there.seq <= note.seq:
                self._put(note)
            else:
                self.known = there

    async def reach(self, seq: int, digest: str) -> None:
        """Return when an entry at least as late as `seq` is noted on the disk; many that wait share one write.

        Raises OSError when the disk does not take it.
        """
        self._wanted = max(self._wanted, (seq, digest))
        async with self._turn:
            # Those whose commits were grouped with this one ask in this same turn of the loop: wait for them.
            await asyncio.sleep(0)
            if self.known is not None and self.known.seq < seq:
                wanted_seq, wanted_hash = self._wanted
                await asyncio.to_thread(self.raise_to, replace(self.known, seq=wanted_seq, hash=wanted_hash))

    def _put(self, note: Note) -> None:
        _write(self.path, canonical(asdict(note)))
        self.known = note
        self._wanted = (note.seq, note.hash)

    # -- the marker ----------------------------------------------------------------------------------------------

    def marker(self) -> Marker | None:
        """Raises Unreadable."""
        record = _read(self._marker)
        try:
            return None if record is None else Marker(**record)
        except TypeError as error:
            raise Unreadable(f"{self._marker}: {error}") from error

    def mark(self, marker: Marker) -> None:
        if not self._marker.exists():
            _write(self._marker, canonical(asdict(marker)))

    def unmark(self) -> None:
        self._marker.unlink(missing_ok=True)
        _sync(self.folder)

    # -- the machine ---------------------------------------------------------------------------------------------

    def machine(self) -> str:
        """A name for this machine that tells nothing about it, as machine-id(5) asks; made where there is none."""
        return hashlib.sha256(b"dispatcher-machine-v1\0" + self._named().encode()).hexdigest()[:32]

    def _named(self) -> str:
        if self.name:
            return self.name
        given = _MACHINE_ID.read_text(encoding="ascii").strip() if _MACHINE_ID.exists() else ""
        if _HEX.fullmatch(given):
            return given
        own = self.folder / "machine-id"
        if not own.exists():  # a container: its folder outlives it, its own id would not
            _write(own, secrets.token_hex(16))
        return own.read_text(encoding="ascii").strip()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Unreadable(f"{path}: {error}") from error
    if not isinstance(record, dict):
        raise Unreadable(f"{path}: not one JSON object")
    return record


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with new.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
