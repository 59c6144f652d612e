"""Contacts from lists: every row of every file is read and checked before one word of complaint is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dispatcher.domain.errors import ImportError_
from dispatcher.domain.model import Contact

from .build import Beside, read_record
from .columns import FIELDS, PARTS, ColumnGuess, is_field
from .findings import Findings, clip, did_you_mean
from .identity import by_external_id
from .lists import read_file
from .reading import ContactBook, Reading, ReadOptions, ReadRow
from .records import Record
from .stations import mark_station
from .values import LANGUAGES, LONGEST_ID, SLUG, time_zones
from .words import fold

__all__ = [
    "FIELDS", "LANGUAGES", "LONGEST_ID", "SLUG", "ColumnGuess", "ContactBook", "ReadOptions", "ReadRow", "Reading",
    "read_contacts", "read_lists", "time_zones",
]  # fmt: skip


_AS_THEY_ARE = ReadOptions()
#: Places that a message about doubles names.
_NAMED = 3


@dataclass(slots=True)
class _Draft:
    """A row whose problems are not all known yet."""

    record: Record
    contact_id: str
    contact: Contact | None

    def row(self) -> ReadRow:
        findings = self.record.findings
        contact = None if findings.problems else self.contact
        problems, warnings = tuple(findings.problems), tuple(findings.warnings)
        return ReadRow(self.record.place, self.record.cells, contact, problems, warnings, self.contact_id)


@dataclass(slots=True)
class _Lists:
    """What has been read so far, over all files."""

    options: ReadOptions
    findings: Findings = field(default_factory=Findings)
    records: list[Record] = field(default_factory=list)
    guesses: list[ColumnGuess] = field(default_factory=list)


def read_contacts(paths: Sequence[Path]) -> ContactBook:
    """The contacts in these lists. Raises ImportError_ with every problem of every file; then none is taken."""
    reading = read_lists(paths)
    if reading.problems:
        raise ImportError_(reading.problems)
    places = {row.contact_id: row.place for row in reading.rows}
    return ContactBook(reading.contacts, reading.warnings, places)


def read_lists(paths: Sequence[Path], options: ReadOptions = _AS_THEY_ARE) -> Reading:
    """Every row of these files with its contact or its problems. Bad rows and bad files never raise."""
    lists = _Lists(options)
    _check_options(options, lists.findings)
    files = list(dict.fromkeys(paths))
    if lists.findings.problems:
        _read_headers(files, lists)
    else:
        _read_files(files, lists)
    _check_mapping(lists)
    beside = Beside(options.known, by_external_id(options.known), options.defaults)
    drafts = [_Draft(record, *read_record(record, beside)) for record in lists.records]
    _check_unique(drafts)
    return Reading(
        tuple(draft.row() for draft in drafts),
        tuple(lists.findings.problems),
        tuple(lists.findings.warnings),
        tuple(lists.guesses),
        tuple(map(str, files)),
    )


def _read_files(files: Sequence[Path], lists: _Lists) -> None:
    for path in files:
        records, guesses = read_file(path, lists.options, lists.findings)
        mark_station(records)
        lists.records += records
        lists.guesses += guesses


def _read_headers(files: Sequence[Path], lists: _Lists) -> None:
    """The columns alone, so that a header that is misspelt is told beside a field that is."""
    good = {header: name for header, name in lists.options.mapping.items() if is_field(name)}
    for path in files:
        lists.guesses += read_file(path, replace(lists.options, mapping=good), Findings())[1]


def _check_options(options: ReadOptions, findings: Findings) -> None:
    for header, name in options.mapping.items():
        if not is_field(name):
            cause = f"the column {clip(header)} cannot be mapped to {clip(name)}"
            known = (*FIELDS, *PARTS)
            findings.fault("", "E_MAPPING", cause, did_you_mean(name, known, f"Fields: {', '.join(known)}"))
    for name in options.defaults:
        if name not in FIELDS:
            cause = f"there is no field {clip(name)} to set for all"
            findings.fault("", "E_MAPPING", cause, did_you_mean(name, FIELDS, f"Fields: {', '.join(FIELDS)}"))


def _check_mapping(lists: _Lists) -> None:
    """Names headers that a person spoke of and no file has."""
    headers = {fold(one.header): one.header for one in lists.guesses}
    for header in (*lists.options.mapping, *lists.options.ignore) if headers else ():
        if fold(header) not in headers:
            shown = ", ".join(sorted(filter(None, headers.values())))
            way_out = did_you_mean(header, headers.values(), f"Columns: {shown}")
            lists.findings.fault("", "E_MAPPING", f"no file has a column {clip(header)}", way_out)


def _check_unique(drafts: Iterable[_Draft]) -> None:
    """Notes ids and addresses that stand twice, at both rows: neither is taken, also when only case differs."""
    seen: dict[tuple[str, str], list[tuple[_Draft, str]]] = {}
    for draft in drafts:
        for name, value in _marks(draft):
            seen.setdefault((name, value.casefold()), []).append((draft, value))
    for (name, _), holders in seen.items():
        places = [draft.record.place for draft, _ in holders[: _NAMED + 1]]
        for draft, value in holders if len(holders) > 1 else ():
            others = [place for place in places if place != draft.record.place][:_NAMED]
            _note_double(draft, name, value, others, len(holders) - 1)


def _marks(draft: _Draft) -> list[tuple[str, str]]:
    """What must be a contact's own."""
    contact = draft.contact
    addresses = [(one.kind.value, one.value) for one in contact.addresses] if contact else []
    return [("id", draft.contact_id), *addresses] if draft.contact_id else addresses


def _note_double(draft: _Draft, name: str, value: str, others: list[str], count: int) -> None:
    cell = draft.record.stated.get(name)
    shown = ", ".join(others) + (f" and {count - len(others)} more places" if count > len(others) else "")
    cause = f"{cell.name if cell else name}: {clip(value)} stands here and at {shown}"
    made = name == "id" and not (cell and cell.text.strip())
    way_out = "Give each an id of its own in a column 'id'" if made else "Keep one of the two; neither is taken now"
    draft.record.findings.fault(draft.record.place, "E_DUP", cause, way_out)
