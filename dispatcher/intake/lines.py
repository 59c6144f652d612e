"""Finds the line of every key in a TOML text that tomllib has already accepted; tomllib itself tells none.

It reads only what it must: headers, keys, and enough of a value to find its end and the lines of an array's items.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DOTTED = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\r\n]+|\#[^\n]*)
    | (?P<header>\[\[?[ \t]*{_DOTTED}[ \t]*\]\]?)
    | (?P<key>{_DOTTED})[ \t]*=
    """,
    re.VERBOSE,
)
_PIECE = re.compile(
    r'''
      """(?:[^"\\]|\\.|"(?!""))*"{3,5}
    | \'\'\'(?:[^\']|\'(?!\'\'))*\'{3,5}
    | "(?:[^"\\\n]|\\.)*"
    | \'[^\'\n]*\'
    | \#[^\n]*
    | [\[\]{},\n]
    | [^\[\]{},\n"\'\#]+
    ''',
    re.VERBOSE | re.DOTALL,
)
_PART = re.compile(_KEY)
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(["\\]))')


@dataclass(slots=True)
class Lines:
    """The line of each table, key and array item of one text."""

    by_path: dict[Path, int] = field(default_factory=dict)

    def of(self, *path: str | int) -> int:
        """The line of the nearest place that has one: the key's own, or its table's, or the file's first."""
        while path and path not in self.by_path:
            path = path[:-1]
        return self.by_path.get(path, 1)


def find_lines(text: str) -> Lines:
    """The lines of `text`, which must be TOML; of anything else as many as can be told."""
    lines = Lines()
    table: Path = ()
    counts: dict[Path, int] = {}
    at = 0
    while match := _TOKEN.match(text, at):
        at = match.end()
        line = text.count("\n", 0, match.start()) + 1
        if match["header"]:
            table = _enter(match["header"], counts)
            _note(lines, table, line)
        elif match["key"]:
            path = table + _parts(match["key"])
            _note(lines, path, line)
            at = _pass_value(text, at, path, lines)
    return lines


def _note(lines: Lines, path: Path, line: int) -> None:
    """A table that is only named in passing (the `a` of `a.b`) stands where it is named first."""
    for length in range(1, len(path) + 1):
        lines.by_path.setdefault(path[:length], line)


def _parts(dotted: str) -> Path:
    return tuple(_unquoted(part) for part in _PART.findall(dotted))


def _unquoted(part: str) -> str:
    if part.startswith("'"):
        return part[1:-1]
    if part.startswith('"'):
        return _ESCAPE.sub(lambda m: m[3] or chr(int(m[1] or m[2], 16)), part[1:-1])
    return part


def _enter(header: str, counts: dict[Path, int]) -> Path:
    """The table that a header opens; arrays of tables count their items, and nested headers mean the last item."""
    path: Path = ()
    for part in _parts(header):
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path] - 1)
    if not header.startswith("[["):
        return path
    if path and isinstance(path[-1], int):
        path = path[:-1]
    counts[path] = counts.get(path, 0) + 1
    return (*path, counts[path] - 1)


def _pass_value(text: str, start: int, path: Path, lines: Lines) -> int:
    """Where the value that starts here ends; notes the line of each item of an array on the way."""
    depth, item, expected, end = 0, 0, True, start
    for piece, end in _pieces(text, start):
        if piece in "[{":
            if depth == 1 and expected:
                item, expected = _note_item(text, end, path, lines, item)
            depth += 1
        elif piece in "]}":
            depth -= 1
        elif piece == "\n" and depth <= 0:
            return end
        elif piece == "," and depth == 1:
            expected = True
        elif depth == 1 and expected and piece.strip() and not piece.startswith("#"):
            item, expected = _note_item(text, end - len(piece.lstrip()), path, lines, item)
    return end


def _note_item(text: str, at: int, path: Path, lines: Lines, item: int) -> tuple[int, bool]:
    lines.by_path.setdefault((*path, item), text.count("\n", 0, at) + 1)
    return item + 1, False


def _pieces(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Strings whole, brackets, commas and line ends singly, with the position behind each."""
    while match := _PIECE.match(text, at):
        at = match.end()
        yield match[0], at
