"""What is noted outside the database: whole or not at all, never backwards, many at once with few writes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.checkpoint import Checkpoint, Marker, Unreadable
from dispatcher.domain.rollback import Note, Whereabouts

NOTE = Note("a", 1, 5, "five", "here", Whereabouts(place="/d"))


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    made = Checkpoint(tmp_path / "guard")
    assert made.read() is None
    made.put(NOTE)
    assert Checkpoint(tmp_path / "guard").read() == NOTE
    assert [one.name for one in (tmp_path / "guard").iterdir() if one.name.startswith(".")] == []


def test_a_first_note_is_made_once(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path).begin(NOTE) == NOTE
    assert Checkpoint(tmp_path).begin(replace(NOTE, instance="b")) == NOTE


def test_another_processs_later_note_is_not_taken_back(tmp_path: Path) -> None:
    Checkpoint(tmp_path).put(replace(NOTE, seq=9, hash="nine"))
    ours = Checkpoint(tmp_path)
    ours.raise_to(replace(NOTE, seq=7, hash="seven"))
    assert ours.known == replace(NOTE, seq=9, hash="nine")


def test_the_note_of_another_life_is_never_written_over(tmp_path: Path) -> None:
    Checkpoint(tmp_path).put(replace(NOTE, epoch=2))
    with pytest.raises(OSError, match="changed by somebody else"):
        Checkpoint(tmp_path).raise_to(replace(NOTE, seq=7))


async def test_many_that_wait_share_a_write_and_none_returns_before_its_own(tmp_path: Path) -> None:
    made = Checkpoint(tmp_path)
    made.put(NOTE)
    writes: list[int] = []

    async def one(seq: int) -> None:
        await made.reach(seq, f"hash {seq}")
        there = made.read()
        assert there is not None
        assert there.seq >= seq
        assert there.hash == f"hash {there.seq}"
        writes.append(there.seq)

    await asyncio.gather(*(one(seq) for seq in range(6, 70)))
    assert len(set(writes)) <= 2
    assert made.known == replace(NOTE, seq=69, hash="hash 69")


async def test_a_disk_that_takes_no_note_is_told(tmp_path: Path) -> None:
    made = Checkpoint(tmp_path / "guard")
    made.put(NOTE)
    (tmp_path / "guard").rename(tmp_path / "away")
    (tmp_path / "guard").write_text("no folder")
    with pytest.raises(OSError, match="guard"):
        await made.reach(6, "six")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"instance": "a"}'])
def test_what_we_did_not_write_is_told(tmp_path: Path, text: str) -> None:
    made = Checkpoint(tmp_path)
    made.path.write_text(text)
    with pytest.raises(Unreadable, match=r"checkpoint\.json"):
        made.read()


def test_the_first_marker_stands_until_it_is_taken_away(tmp_path: Path) -> None:
    made = Checkpoint(tmp_path)
    first = Marker("q1", [["shorter", "log 1 < checkpoint 2"]])
    made.mark(first)
    made.mark(Marker("q2", []))
    assert made.marker() == first
    made.unmark()
    assert made.marker() is None


def test_a_machine_has_a_name_that_lasts_and_tells_nothing(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path).machine() == Checkpoint(tmp_path).machine()
    named = Checkpoint(tmp_path, "the pump house").machine()
    assert named == Checkpoint(tmp_path / "other", "the pump house").machine() != Checkpoint(tmp_path).machine()
    assert "pump" not in named
