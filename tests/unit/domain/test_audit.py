"""The chain shows every edit, removal, insertion and swap; a head kept elsewhere shows a cut and a rewrite."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.domain.audit import (
    GENESIS,
    AuditEntry,
    AuditEvent,
    Verdict,
    as_record,
    chain,
    check,
    from_record,
    leaf_of,
)
from dispatcher.domain.merkle import Frontier
from dispatcher.domain.notes import Head

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def log_of(count: int, word: str = "claim") -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    seq, prev = 0, GENESIS
    for number in range(count):
        event = AuditEvent("worker:one", f"delivery.{word}", f"delivery:{number}", data={"n": number})
        entries.append(chain(event, START + timedelta(seconds=number), seq, prev))
        seq, prev = entries[-1].seq, entries[-1].hash
    return entries


def test_a_log_that_nobody_touched_is_sound() -> None:
    found = check(log_of(20))
    assert found.sound
    assert found.entries == 20


def test_an_empty_log_is_sound() -> None:
    assert check([]).sound


@pytest.mark.parametrize("field", ["actor", "action", "object", "before", "after", "reason"])
def test_an_edited_word_is_found_at_its_entry(field: str) -> None:
    log = log_of(5)
    log[2] = replace(log[2], event=replace(log[2].event, **{field: "forged"}))
    assert [finding.seq for finding in check(log).findings] == [3]


def test_an_edited_time_or_fact_is_found() -> None:
    for forged in ({"at": "2026-11-24T12:00:09.000000+00:00"}, {"event": replace(log_of(1)[0].event, data={"n": 9})}):
        log = log_of(5)
        log[0] = replace(log[0], **forged)  # type: ignore[arg-type]  # two fields of different types in one table
        assert not check(log).sound


def test_an_edit_with_a_new_hash_breaks_the_next_link() -> None:
    log = log_of(5)
    forged = replace(log[2].event, actor="operator:eve")
    log[2] = chain(forged, START, 2, log[1].hash)
    assert [finding.seq for finding in check(log).findings] == [4]


def test_a_removed_a_doubled_and_a_swapped_entry_are_found() -> None:
    whole = log_of(5)
    for wrong in (whole[:2] + whole[3:], whole[:3] + whole[2:], [whole[0], whole[2], whole[1], *whole[3:]]):
        assert not check(wrong).sound


def test_a_cut_and_a_rewrite_are_found_only_against_a_head_kept_elsewhere() -> None:
    whole, other = log_of(10), log_of(10, "cancel")
    kept = [Head("log", 9, Frontier.over(leaf_of(one.hash) for one in whole[:9]).root)]
    assert check(whole[:5]).sound
    assert check(other).sound
    assert check(whole[:5], kept).verdict is Verdict.CUT
    assert check(other, kept).verdict is Verdict.REWRITTEN
    assert check(whole, kept).verdict is Verdict.WHOLE


def test_an_entry_survives_export_and_import() -> None:
    for entry in log_of(3):
        assert from_record(as_record(entry)) == entry
