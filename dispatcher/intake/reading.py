"""What a reading of lists is asked and what it gives: rows with their contacts or their problems, and the columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Contact

from .columns import ColumnGuess
from .findings import in_order

#: Notes about what we filled in ourselves: one of them a file is enough, with the number of rows.
NOTES = frozenset({"W_ID_MADE", "W_ZONE_MADE", "W_SEAT_MADE", "W_FORM_MADE", "W_HONORIFIC", "W_FORM"})


@dataclass(frozen=True, slots=True)
class ContactBook:
    """All contacts of all files, in the order they stand there."""

    contacts: tuple[Contact, ...]
    warnings: tuple[Problem, ...]
    places: dict[str, str]  #: id → file:line


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a person says about the files, and what the office has already."""

    mapping: Mapping[str, str] = field(default_factory=dict)  #: header → field, before every guess
    ignore: Sequence[str] = ()  #: headers that are not read
    encoding: str = ""  #: of CSV and vCard files without a byte order mark; '': UTF-8, or the reading asks
    sheet: str = ""  #: the sheet of a workbook; '': the first visible one with a header
    known: Mapping[str, Contact] = field(default_factory=dict)  #: the office's contacts by id
    defaults: Mapping[str, str] = field(default_factory=dict)  #: field → text, where neither list nor office has one

    def knowing(self, known: Mapping[str, Contact]) -> ReadOptions:
        """The same, with these contacts in the office."""
        return replace(self, known=known)


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One row of a list: its contact, or why there is none."""

    place: str  #: 'missions.csv:7', or 'missions.xlsx, sheet Geneva, row 7'
    cells: dict[str, str]  #: as they stand there, by header
    contact: Contact | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    contact_id: str = ""  #: also of a bad row, where it can be told


@dataclass(frozen=True, slots=True)
class Reading:
    """All rows of all files, good and bad."""

    rows: tuple[ReadRow, ...]
    faults: tuple[Problem, ...]  #: of whole files
    notices: tuple[Problem, ...]  #: warnings about whole files
    mapping: tuple[ColumnGuess, ...]
    files: tuple[str, ...] = ()  #: in the order in which they were read

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """Those of the good rows."""
        return tuple(row.contact for row in self.rows if row.contact)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem, file by file and row by row; one that all rows of a file share stands once."""
        rows = (problem for row in self.rows for problem in row.problems)
        return tuple(in_order(list(dict.fromkeys((*self.faults, *rows))), self.files))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Every warning, in order; of notes about what we filled in, the first of each kind with the number of rows."""
        rows = (warning for row in self.rows for warning in row.warnings)
        return tuple(in_order(list(summed((*self.notices, *rows))), self.files))


def summed(warnings: Iterable[Problem]) -> list[Problem]:
    """The warnings, with equal notes of one file taken together."""
    listed = list(warnings)
    counts = Counter(_kind(one) for one in listed)
    first = {_kind(one): one for one in reversed(listed)}
    return [_with_count(one, counts[kind]) for kind, one in reversed(first.items())]


def _kind(one: Problem) -> tuple[str, ...]:
    if one.code not in NOTES:
        return (one.place, one.code, one.cause)
    file = one.place.rpartition(", row ")[0] or one.place.rpartition(":")[0]
    # Each made id is another one; of the rest, what was filled in and why is what a person looks at.
    return (file, one.code, one.cause.rpartition(": ")[0] if one.code == "W_ID_MADE" else one.cause)


def _with_count(one: Problem, count: int) -> Problem:
    if count == 1 or one.code not in NOTES:
        return one
    return replace(one, cause=f"{one.cause}; likewise in {count - 1} more rows")
