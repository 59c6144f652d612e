"""One file in, its records out, whatever kind of file it is: by what it holds, not by how it is called."""

from __future__ import annotations

from pathlib import Path

from . import table
from .card_fields import guesses, read_card, warn_unread
from .cards import read_cards
from .columns import ColumnGuess, is_known
from .findings import Findings
from .grid import Grid
from .reading import ReadOptions
from .records import Columns, Record, header_score, read_records
from .workbook import is_workbook, read_workbook

_CARD = "BEGIN:VCARD"


def read_file(path: Path, options: ReadOptions, findings: Findings) -> tuple[list[Record], list[ColumnGuess]]:
    """Every record of the file, and what its columns were taken for; the problems of the file as a whole are noted."""
    data = table.read_bytes(path, table.LARGEST, findings, "E_CSV_SIZE")
    if data is None:
        return [], []
    wanted = Columns(options.mapping, options.ignore)
    if is_workbook(data):
        grid = read_workbook(path, data, options.sheet, lambda grid: header_score(grid, wanted), findings)
        return read_records(grid, wanted, findings) if grid else ([], [])
    text = table.decode(data, path, options.encoding, findings)
    if text is None:
        return [], []
    if text.lstrip()[: len(_CARD)].upper() == _CARD:
        return _read_cards(path, text, options, findings)
    lines = table.read_lines(text, path, lambda cell: is_known(cell) or cell in options.mapping, findings)
    return read_records(Grid(path, lines), wanted, findings)


def _read_cards(
    path: Path, text: str, options: ReadOptions, findings: Findings
) -> tuple[list[Record], list[ColumnGuess]]:
    read = [read_card(card, options.mapping) for card in read_cards(text, path, findings)]
    uses = [use for _, used in read for use in used]
    warn_unread(path, uses, findings)
    return [record for record, _ in read], guesses(path, uses)
