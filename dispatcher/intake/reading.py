"""What a reading of lists is asked and what it gives: rows with their contacts or their problems, and the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Contact

from .columns import ColumnGuess
from .findings import in_order
from .notes import summed


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
        """Every warning, in order; of notes about what we filled in, one of a kind a file, with the number of rows."""
        rows = (warning for row in self.rows for warning in row.warnings)
        return tuple(in_order(summed((*self.notices, *rows)), self.files))
