"""What is kept as files: bytes under their sha256, created once and never changed, and lines that are only added."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from dispatcher.domain.errors import CheckFailed, NotFound


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Archive:
    """A folder `sha256/ab/cdef…`. An object is on the disk, fsynced, before its digest is given out."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "sha256"
        self._root.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest[2:]

    async def put(self, data: bytes) -> str:
        """Keep `data`; returns its digest. Keeping the same bytes again does nothing."""
        return await asyncio.to_thread(self.put_now, data)

    async def put_all(self, parts: Mapping[str, bytes]) -> dict[str, str]:
        """Keep all the parts; returns their digests by the same names, once every one of them is on the disk."""
        return await asyncio.to_thread(lambda: {name: self.put_now(data) for name, data in parts.items()})

    async def get(self, digest: str) -> bytes:
        """The bytes of `digest`, checked. Raises NotFound, or CheckFailed when they are not the bytes they were."""
        return await asyncio.to_thread(self.get_now, digest)

    def put_now(self, data: bytes) -> str:
        digest = digest_of(data)
        target = self.path(digest)
        if not target.exists():
            self._make_folder(target.parent)
            self._create(target, data)
        return digest

    def get_now(self, digest: str) -> bytes:
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"the archive has no object {digest[:12]}…") from None
        if digest_of(data) != digest:
            raise CheckFailed(f"the archived object {digest[:12]}… has changed on the disk")
        return data

    def since(self, instant: datetime) -> Iterator[tuple[str, Path]]:
        """(digest, file) of what was put here since then, by the file's own time; in no order."""
        for path in self._root.glob("??/*"):
            if not path.name.startswith(".") and path.stat().st_mtime >= instant.timestamp():
                yield path.parent.name + path.name, path

    def _make_folder(self, folder: Path) -> None:
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            _sync_folder(self._root)

    def _create(self, target: Path, data: bytes) -> None:
        """Written whole under another name, then linked: a crash leaves the object complete or absent."""
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # somebody kept the same bytes meanwhile
                os.link(name, target)
        finally:
            os.unlink(name)
        _sync_folder(target.parent)


class Overlay(Archive):
    """An archive for a rehearsal: it reads what another one keeps, and puts what is new into a folder of its own.

    The other one is never written to. What is put here is thrown away soon, so that nothing waits for the disk.
    """

    def __init__(self, folder: Path, below: Archive) -> None:
        super().__init__(folder)
        self._below = below

    def path(self, digest: str) -> Path:
        own = super().path(digest)
        return own if own.exists() else self._below.path(digest)

    def put_now(self, data: bytes) -> str:
        digest = digest_of(data)
        target = super().path(digest)
        if not self.path(digest).exists():
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
        return digest


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append_durably(path: Path, text: str) -> None:
    """Add text to the end of a file, on the disk before this returns."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
