"""Which characters a word may hold: what every language needs, and nothing that hides."""

from __future__ import annotations

import unicodedata

import pytest

from dispatcher.domain.characters import offence, offences


@pytest.mark.parametrize(
    "text",
    [
        "Elena Marchetti-Rossi", "Zoë Müller", "Nguyễn Thị Ánh", "Владимир", "محمّدٌ", "弗拉基米尔·普京", "O’Neill",
        "می‌خواهم", "क्‍ष", "No. 5 (1st floor) «x» № ½", "", "q" + "\u0302\u0303\u0304\u0306\u0307\u0308",
    ],
)  # fmt: skip
def test_what_names_are_written_with_may_stand(text: str) -> None:
    assert offence(text) is None
    assert offence(unicodedata.normalize("NFD", text)) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ab\tc", "control character U+0009 at 3"),
        ("a\u202eb", "direction control U+202E at 2"),
        ("a\u200db", "invisible character U+200D at 2"),
        ("\u200cب", "invisible character U+200C at 1"),
        ("a\u00adb", "invisible character U+00AD at 2"),
        ("a\ufe0fb", "invisible character U+FE0F at 2"),
        ("a\ue000b", "private or unassigned character U+E000 at 2"),
        ("a" + "\u0301" * 7, "more than 6 marks on one letter, with U+0301 at 8"),
    ],
)
def test_what_hides_or_turns_is_named_with_its_position(text: str, told: str) -> None:
    found = offence(text)
    assert found is not None
    assert str(found) == told
    assert found.way_out.startswith("Delete")


def test_each_kind_is_told_once() -> None:
    assert [one.code for one in offences("\t\t\u202e\t\u202d\u200b")] == ["E_CTRL", "E_BIDI", "E_INVISIBLE"]
