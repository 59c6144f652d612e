"""Bytes are kept under their digest, once, and are what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.archive import Archive, digest_of
from dispatcher.domain.errors import CheckFailed, NotFound


async def test_what_was_put_comes_back_under_its_digest(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    digest = await archive.put(b"a letter")
    assert digest == digest_of(b"a letter")
    assert await archive.get(digest) == b"a letter"


async def test_putting_the_same_bytes_again_changes_nothing(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    digest = await archive.put(b"a letter")
    before = archive.path(digest).stat().st_mtime_ns
    assert await archive.put(b"a letter") == digest
    assert archive.path(digest).stat().st_mtime_ns == before
    assert [one.name for one in archive.path(digest).parent.iterdir()] == [archive.path(digest).name]


async def test_bytes_that_changed_on_the_disk_are_refused(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    digest = await archive.put(b"a letter")
    archive.path(digest).write_bytes(b"another letter")
    with pytest.raises(CheckFailed, match="has changed on the disk"):
        await archive.get(digest)


async def test_what_was_never_put_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await Archive(tmp_path).get("0" * 64)
