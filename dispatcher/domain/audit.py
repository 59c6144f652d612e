"""The audit log's entries: their canonical form, their chain, and the check of a whole log without a database.

A chain shows an edit, a removal or a swap. Cutting the end off, or rewriting everything from some entry on, shows only
against a state of the log that was kept elsewhere: `check` takes such heads.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from .merkle import NOTHING, Frontier, leaf
from .notes import Head

#: `prev` of the first entry.
GENESIS = "0" * 64
_DOMAIN = b"dispatcher-audit-v1\0"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What happened, before it has its place in the log."""

    actor: str
    action: str  #: 'delivery.accept', 'campaign.approve' …
    object: str  #: 'delivery:3f…', 'campaign:air-strikes'
    before: str = ""
    after: str = ""
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)  #: digests, ids, counts; no names, no addresses


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An event in its place: numbered without gaps, timed, and bound to the one before."""

    seq: int
    at: str  #: UTC, ISO 8601 with microseconds
    event: AuditEvent
    prev: str
    hash: str


def canonical(value: object) -> str:
    """One text for one value: sorted keys, no spaces, UTF-8, no floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chain(event: AuditEvent, at: datetime, last_seq: int, prev: str) -> AuditEntry:
    """The entry that follows the entry numbered `last_seq` whose hash is `prev`."""
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    seq = last_seq + 1
    return AuditEntry(seq, stamp, event, prev, _hash(seq, stamp, event, prev))


def _hash(seq: int, at: str, event: AuditEvent, prev: str) -> str:
    body = canonical({"v": 1, "seq": seq, "at": at, **_event_fields(event)})
    return hashlib.sha256(_DOMAIN + prev.encode() + b"\0" + body.encode()).hexdigest()


def _event_fields(event: AuditEvent) -> dict[str, object]:
    names = ("actor", "action", "object", "before", "after", "reason")
    return {name: getattr(event, name) for name in names} | {"data": dict(event.data)}


def as_record(entry: AuditEntry) -> dict[str, object]:
    """The entry as one JSON object of an export."""
    return {"seq": entry.seq, "at": entry.at, **_event_fields(entry.event), "prev": entry.prev, "hash": entry.hash}


def from_record(record: Mapping[str, Any]) -> AuditEntry:
    """Reads back what `as_record` wrote. Raises KeyError or TypeError for anything else."""
    names = ("actor", "action", "object", "before", "after", "reason")
    event = AuditEvent(**{name: record[name] for name in names}, data=record["data"])
    return AuditEntry(record["seq"], record["at"], event, record["prev"], record["hash"])


class Verdict(StrEnum):
    """What became of a log. Of several things that are wrong, the one that says most."""

    WHOLE = "whole"
    BROKEN = "broken"  # an entry was altered, taken out, put in or moved
    CUT = "cut"  # the entries hold together, and fewer are there than there were
    REWRITTEN = "rewritten"  # they hold together, and are not the ones that were there


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a log, at which entry."""

    seq: int
    what: str
    verdict: Verdict = Verdict.BROKEN


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What a check of a whole log found."""

    entries: int
    head: str  #: hash of the last entry
    findings: tuple[Finding, ...]
    tree: Frontier  #: over all entries: its root stands for the log
    compared: int  #: heads that it was held against

    @property
    def sound(self) -> bool:
        return not self.findings

    @property
    def verdict(self) -> Verdict:
        found = {one.verdict for one in self.findings}
        order = (Verdict.BROKEN, Verdict.REWRITTEN, Verdict.CUT)
        return next((one for one in order if one in found), Verdict.WHOLE)


class _Link(NamedTuple):
    """What binds an entry into the log."""

    seq: int
    prev: str
    hash: str
    own: bool  #: the hash is that of the entry's own words


def check(entries: Iterable[AuditEntry], heads: Iterable[Head] = ()) -> AuditCheck:
    """Follow the chain from the start. `heads` are states of the log that were kept elsewhere, and must still stand."""
    return _follow(map(_link, entries), heads)


def check_export(lines: Iterable[str], heads: Iterable[Head] = ()) -> AuditCheck:
    """The same of an export's lines, as text: what is not in its canonical form is not what was hashed.

    Raises ValueError, KeyError or TypeError for a line that is no entry at all.
    """
    return _follow(map(_link_of_line, lines), heads)


def _link(entry: AuditEntry) -> _Link:
    own = entry.hash == _hash(entry.seq, entry.at, entry.event, entry.prev)
    return _Link(entry.seq, entry.prev, entry.hash, own)


#: An entry of an export: its keys are sorted, so that `hash`, `prev` and the number stand here. What follows `hash` is
#: nothing but strings, in which a quotation mark is escaped: the last "hash": is the entry's own.
_LINE = re.compile(r'(\{.*)"hash":"([0-9a-f]{64})",("object":.*)"prev":"([0-9a-f]{64})",(.*"seq":([0-9]{1,18}))\}\n?')


def _link_of_line(line: str) -> _Link:
    if found := _LINE.fullmatch(line):
        before, digest, between, prev, after, seq = found.groups()
        body = f'{before}{between}{after},"v":1}}'
        if hashlib.sha256(_DOMAIN + prev.encode() + b"\0" + body.encode()).hexdigest() == digest:
            return _Link(int(seq), prev, digest, own=True)
    entry = from_record(json.loads(line))
    return _Link(entry.seq, entry.prev, entry.hash, own=False)


def _follow(links: Iterable[_Link], heads: Iterable[Head]) -> AuditCheck:
    findings: list[Finding] = []
    wanted = sorted({(one.size, one.root) for one in heads}, reverse=True)
    compared, tree, leaves, seq, head = len(wanted), NOTHING, list[bytes](), 0, GENESIS
    for link in links:
        if not link.own or link.seq != seq + 1 or link.prev != head:
            findings += _faults(link, seq, head)
        seq, head = link.seq, link.hash
        leaves.append(leaf_of(head))
        if wanted and tree.size + len(leaves) >= wanted[-1][0]:
            tree, leaves = tree.add(leaves), []
            while wanted and wanted[-1][0] <= tree.size:
                findings += _held(tree, *wanted.pop())
    tree = tree.add(leaves)
    if wanted:
        words = f"is the last one; there were {wanted[0][0]} when the log was sealed"
        findings.append(Finding(seq, words, Verdict.CUT))
    return AuditCheck(seq, head, tuple(findings), tree, compared)


def leaf_of(digest: str) -> bytes:
    """An entry's leaf in the tree, from its hash. What is no hash is a leaf too: the chain has told of it."""
    try:
        return leaf(bytes.fromhex(digest))
    except ValueError:
        return leaf(digest.encode())


def _held(tree: Frontier, size: int, root: bytes) -> list[Finding]:
    if (tree.size, tree.root) == (size, root) or not size:
        return []
    return [Finding(size, "is not the end of the log that was sealed at this length", Verdict.REWRITTEN)]


def _faults(link: _Link, last_seq: int, head: str) -> list[Finding]:
    faults = []
    if link.seq != last_seq + 1:
        faults.append(Finding(link.seq, f"follows entry {last_seq}: entries are missing or out of order"))
    if link.prev != head:
        faults.append(Finding(link.seq, "is not bound to the entry before it"))
    if not link.own:
        faults.append(Finding(link.seq, "was altered"))
    return faults
