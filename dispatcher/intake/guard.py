"""Protects CSV cells from being run as formulas by a spreadsheet, and takes the protection off exactly.

A cell that begins with = + - @, a tab or a carriage return gets an apostrophe before it (OWASP, 'CSV Injection', read
2026-11); so does one that already is apostrophes before such a character. Only in files of our own layout, and in our
files of rejected rows, is one apostrophe taken off again; all other cells stay as they are.
"""

from __future__ import annotations

import re

_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def guard(cell: str) -> str:
    """The cell as it is written into a CSV file."""
    return "'" + cell if _DANGEROUS.match(cell) else cell


def unguard(cell: str) -> str:
    """What `guard` was given."""
    return cell[1:] if _GUARDED.match(cell) else cell
