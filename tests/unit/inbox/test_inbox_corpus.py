"""Our own corpus: messages after the forms of the mail systems of the field, each read as `expected.toml` has it."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.incoming import Reading
from dispatcher.domain.words import Cause, Incoming
from dispatcher.inbox.classify import classify

FOLDER = Path(__file__).resolve().parents[2] / "data" / "inbox"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))
#: Of the whole message, where the expectation names them.
NAMED = ("message_id", "in_reply_to", "original_id", "envelope_id")


def told(reading: Reading, wanted: dict[str, Any]) -> dict[str, Any]:
    """What was read, in the form of the expectation, with no more of the whole message than it names."""
    found: dict[str, Any] = {"kind": reading.kind.value}
    found |= {name: getattr(reading, name) for name in NAMED if name in wanted}
    if reading.returns or "returns" in wanted:
        found["returns"] = reading.returns.isoformat() if reading.returns else ""
    found["recipients"] = sorted(
        (one.address, one.status, one.verdict.value, one.cause.value) for one in reading.recipients
    )
    return found


def asked(wanted: dict[str, Any]) -> dict[str, Any]:
    rows = [
        (one["address"], one.get("status", ""), one["verdict"], one.get("cause", ""))
        for one in wanted.get("recipients", [])
    ]
    plain = {name: wanted[name] for name in ("kind", *NAMED, "returns") if name in wanted}
    return {**plain, "recipients": sorted(rows)}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_message_is_read_as_a_careful_reader_reads_it(name: str) -> None:
    wanted = EXPECTED[name]
    reading = classify((FOLDER / name).read_bytes())
    assert asked(wanted) == told(reading, wanted), reading.sign
    words = {one.address: one.detail for one in reading.recipients}
    for one in wanted.get("recipients", []):
        assert one.get("words", "") in words[one["address"]]


def test_every_message_has_its_expectation_and_the_corpus_is_broad() -> None:
    assert sorted(EXPECTED) == sorted(file.name for file in FOLDER.glob("*.eml"))
    systems = {one["system"].partition(" ")[0].lower() for one in EXPECTED.values()}
    kinds = Counter(one["kind"] for one in EXPECTED.values())
    assert len(EXPECTED) >= 120
    assert len(systems) >= 40
    assert set(kinds) == set(Incoming)
    assert min(kinds.values()) >= 4


def test_expectations_use_the_words_of_the_house() -> None:
    causes = {one.get("cause", "") for row in EXPECTED.values() for one in row.get("recipients", [])}
    assert causes <= set(Cause)
    assert {one["verdict"] for row in EXPECTED.values() for one in row.get("recipients", [])} == {
        "hard", "soft", "policy", "none",
    }  # fmt: skip
