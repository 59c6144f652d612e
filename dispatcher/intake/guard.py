"""Protects CSV cells from being run as formulas by a spreadsheet, and takes the protection off exactly.

What begins with = + - @, a tab or a carriage return gets an apostrophe before it (OWASP, 'CSV Injection', read
2026-11); so does what already is apostrophes before such a character. It may be the whole cell, or what follows a
semicolon, a tab or the end of a line in it: a spreadsheet whose lists are separated by semicolons, as in most of
Europe, begins a new cell there, and minds no quotation marks inside a line. Only in files of our own layout, and in our
files of rejected rows, is one apostrophe taken off again; all other cells stay as they are.
"""

from __future__ import annotations

import re

_DANGEROUS = re.compile(r"(?<![^;\t\r\n])('*)(?=[=+\-@\t\r])")
_GUARDED = re.compile(r"(?<![^;\t\r\n])'('*)(?=[=+\-@\t\r])")


def guard(cell: str) -> str:
    """The cell as it is written into a CSV file."""
    return _DANGEROUS.sub(r"'\1", cell)


def unguard(cell: str) -> str:
    """What `guard` was given."""
    return _GUARDED.sub(r"\1", cell)
