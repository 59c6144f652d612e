"""What every kind of list comes to: lines of text cells with their places. It knows nothing of contacts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Line:
    """One line of cells, and the number by which people find it."""

    number: int
    cells: tuple[str, ...]
    numbers: frozenset[int] = frozenset()  #: the columns whose cell is a number in the sheet, not text

    @property
    def empty(self) -> bool:
        return not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table before its columns are understood: the lines of a CSV file, or of one sheet of a workbook."""

    file: Path
    lines: tuple[Line, ...]
    sheet: str = ""  #: name of the sheet; '' for a CSV file

    @property
    def kind(self) -> str:
        """The middle of error codes: 'CSV' or 'SHEET'."""
        return "SHEET" if self.sheet else "CSV"

    def place(self, number: int) -> str:
        """Where that line is, as people say it."""
        return f"{self.file}, sheet {self.sheet}, row {number}" if self.sheet else f"{self.file}:{number}"

    def column(self, index: int) -> str:
        """The column's name in its program: a letter in a sheet, a number in a CSV file."""
        return letters(index) if self.sheet else str(index + 1)


def letters(index: int) -> str:
    """The letters of a column of a sheet: 0 is A, 26 is AA."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
