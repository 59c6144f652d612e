"""Whoever tampers with an export of the audit log, or with what was sealed, is found; each way has its own end."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.audit import GENESIS, AuditEntry, AuditEvent, Verdict, as_record, canonical, chain, leaf_of
from dispatcher.domain.errors import AuditUnchecked, BadSeal
from dispatcher.domain.merkle import Frontier
from dispatcher.seals import Seal, Seals
from dispatcher.usecases.audit_log import Against, verify_export

NOW = datetime(2015, 10, 1, 8, 0, tzinfo=UTC)
SIZE, EACH = 60, 20
Lines = list[str]


@dataclass(frozen=True, slots=True)
class Case:
    """An export, its seals, and the key."""

    folder: Path
    lines: Lines
    notes: Lines
    key: str

    def verdict(self, lines: Lines, notes: Lines | None = None) -> str:
        """What is said of an export of these lines, against these notes."""
        export, seals = self.folder / "audit.jsonl", self.folder / "seals.jsonl"
        export.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        seals.write_text("".join(Seal("", "", note).line for note in (self.notes if notes is None else notes)), "utf-8")
        try:
            return verify_export(export, Against(seals, self.key)).verdict
        except BadSeal:
            return "bad seal"
        except AuditUnchecked:
            return "cannot check"


def _log(words: str = "") -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for number in range(SIZE):
        event = AuditEvent("operator:ada", "campaign.approve", f"campaign:c{number}", reason=words, data={"n": number})
        entries.append(chain(event, NOW + timedelta(seconds=number), number, entries[-1].hash if entries else GENESIS))
    return entries


def _root(entries: list[AuditEntry], size: int) -> bytes:
    return Frontier.over(leaf_of(entry.hash) for entry in entries[:size]).root


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder, entries = tmp_path_factory.mktemp("tampering"), _log()
    seals = Seals("coalition.example/audit-log", folder / "own.jsonl", folder / "audit.key")
    notes = [seals.seal(size, _root(entries, size)) for size in range(EACH, SIZE + 1, EACH)]
    return Case(folder, [canonical(as_record(entry)) for entry in entries], notes, str(seals.public()))


# -- ways to tamper, with what must be said of it ----------------------------------------------------------------------


def _flip(lines: Lines, notes: Lines, chance: random.Random) -> set[str]:
    """One letter of one entry. It may be no JSON any more."""
    at = chance.randrange(len(lines))
    place = chance.randrange(len(lines[at]))
    other = chance.choice([letter for letter in 'abcdefXYZ0189-:{}",' if letter != lines[at][place]])
    lines[at] = lines[at][:place] + other + lines[at][place + 1 :]
    return {Verdict.BROKEN, "cannot check"}


def _edit(lines: Lines, notes: Lines, chance: random.Random) -> set[str]:
    """One field of one entry, as whoever knows the format would."""
    at = chance.randrange(len(lines))
    record = json.loads(lines[at])
    name = chance.choice(sorted(record))
    record[name] = {"n": -1} if name == "data" else -7 if name == "seq" else f"{record[name]}x"
    lines[at] = canonical(record)
    return {Verdict.BROKEN}


def _delete(lines: Lines, notes: Lines, chance: random.Random) -> set[str]:
    del lines[chance.randrange(len(lines) - 1)]
    return {Verdict.BROKEN}


def _swap(lines: Lines, notes: Lines, chance: random.Random) -> set[str]:
    one, two = sorted(chance.sample(range(len(lines)), 2))
    lines[one], lines[two] = lines[two], lines[one]
    return {Verdict.BROKEN}


def _double(lines: Lines, notes: Lines, chance: random.Random) -> set[str]:
    lines.insert(chance.randrange(len(lines)), lines[chance.randrange(len(lines))])
    return {Verdict.BROKEN}


def _cut(lines: Lines, notes: Lines, chance: random.Random) -> set[str]:
    del lines[chance.randrange(1, len(lines)) :]
    return {Verdict.CUT}


def _rewrite(lines: Lines, notes: Lines, chance: random.Random) -> set[str]:
    """From some entry on with other words and hashes that fit; from the first one on, the whole chain."""
    return _anew(lines, chance.choice((0, chance.randrange(len(lines)))), chance)


def _fork(lines: Lines, notes: Lines, chance: random.Random) -> set[str]:
    """Another history, longer than the true one."""
    found = _anew(lines, chance.randrange(EACH, len(lines)), chance)
    last = json.loads(lines[-1])
    event = AuditEvent("operator:eve", "campaign.stop", "campaign:c1")
    lines.append(canonical(as_record(chain(event, NOW, last["seq"], last["hash"]))))
    return found


def _anew(lines: Lines, start: int, chance: random.Random) -> set[str]:
    prev = json.loads(lines[start - 1])["hash"] if start else GENESIS
    for at in range(start, len(lines)):
        record = json.loads(lines[at])
        event = AuditEvent("operator:eve", record["action"], record["object"], reason=f"{chance.random()}")
        lines[at] = canonical(as_record(chain(event, datetime.fromisoformat(record["at"]), at, prev)))
        prev = json.loads(lines[at])["hash"]
    return {Verdict.REWRITTEN}


def _alter_seal(lines: Lines, notes: Lines, chance: random.Random) -> set[str]:
    """A number, a root or a signature in a checkpoint."""
    at = chance.randrange(len(notes))
    parts = notes[at].split("\n")
    which = chance.choice((1, 2, 4))
    place = chance.randrange(2) if which == 1 else chance.randrange(30, len(parts[which]) - 4)
    other = chance.choice([letter for letter in "123456789" if letter != parts[which][place]])
    parts[which] = parts[which][:place] + other + parts[which][place + 1 :]
    notes[at] = "\n".join(parts)
    return {"bad seal", "cannot check"}


WAYS: tuple[Callable[[Lines, Lines, random.Random], set[str]], ...] = (
    _flip,
    _edit,
    _delete,
    _swap,
    _double,
    _cut,
    _rewrite,
    _fork,
    _alter_seal,
)


def _tamper(case: Case, seed: int) -> None:
    chance = random.Random(seed)
    lines, notes = list(case.lines), list(case.notes)
    way = WAYS[seed % len(WAYS)]
    expected = way(lines, notes, chance)
    found = case.verdict(lines, notes)
    assert found in expected, f"{way.__name__} with seed {seed}: {found}"


def test_nothing_was_tampered_with(case: Case) -> None:
    assert case.verdict(case.lines) == Verdict.WHOLE


def test_some_hundred_tamperings_are_found(case: Case) -> None:
    for seed in range(900):
        _tamper(case, seed)


@pytest.mark.long
def test_ten_thousand_tamperings_are_found(case: Case) -> None:
    for seed in range(1_000, 11_000):
        _tamper(case, seed)


def test_another_keys_checkpoint_of_the_same_name_is_no_seal(case: Case, tmp_path: Path) -> None:
    other = Seals("coalition.example/audit-log", tmp_path / "own.jsonl", tmp_path / "audit.key")
    assert case.verdict(case.lines, [other.seal(SIZE, b"\0" * 32)]) == "cannot check"


def test_a_cut_within_a_rewritten_log_is_told_as_rewritten(case: Case) -> None:
    lines = list(case.lines)
    _anew(lines, 0, random.Random(1))
    assert case.verdict(lines[: SIZE - 5]) == Verdict.REWRITTEN


def _lines(change: Callable[[Lines], Any]) -> Callable[[Case], tuple[Lines, Lines]]:
    def made(case: Case) -> tuple[Lines, Lines]:
        lines = list(case.lines)
        change(lines)
        return lines, case.notes

    return made


ENDS: dict[int, Callable[[Case], tuple[Lines, Lines]]] = {
    0: lambda case: (case.lines, case.notes),
    3: _lines(lambda lines: lines.pop(3)),
    4: _lines(lambda lines: lines.pop()),
    5: _lines(lambda lines: _anew(lines, 7, random.Random(1))),
    6: lambda case: (case.lines, [case.notes[0].replace("\n20\n", "\n21\n")]),
    7: lambda case: (["no entry"], case.notes),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_program_ends_with_a_number_for_each(case: Case, tmp_path: Path, end: int) -> None:
    """In a folder where nothing of ours is set up: an export is checked anywhere."""
    own = replace(case, folder=tmp_path)
    own.verdict(*ENDS[end](case))  # writes the files
    command = [sys.executable, "-m", "dispatcher", "audit", "verify", "audit.jsonl"]
    ran = subprocess.run(
        [*command, "--checkpoint", "seals.jsonl", "--key", case.key],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == end, ran.stderr
