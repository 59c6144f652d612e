"""From a grid to records: finds the header row, says what each column is, and gives every row its named cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .columns import (
    BY_VALUES,
    FIELDS,
    NOTES,
    SYNONYM,
    UNKNOWN,
    ColumnGuess,
    Layout,
    guess,
    is_known,
    layout_of,
    other_field,
    unique,
)
from .findings import Findings, clip, did_you_mean, listing
from .grid import Grid, Line
from .guard import unguard
from .values import gender_of_honorific

#: Above the header there may be a title, a date, a logo's row.
HEADER_WITHIN = 15
_SAMPLES = 3
_LOOKED_AT = 1000
#: With so many columns, a row with a single cell is a heading between others, and no contact.
_A_TABLE = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row states about one field, and how messages call the place."""

    name: str  #: 'email', or "F 'Courriel' (email)"
    text: str
    protected: bool = False  #: it had our apostrophe, so it is text and no formula
    number: bool = False  #: it is a number in its sheet: a zero that it began with is lost


@dataclass(slots=True)
class Record:
    """One contact as a list has it, before any value is understood."""

    place: str
    header: str  #: the place that says which fields the list has at all
    cells: dict[str, str]  #: as they stand, by header
    stated: dict[str, Cell]  #: by field; a field that is not here is not stated
    own: bool = True  #: in our own layout, which other programs do not write
    text_only: bool = False  #: from a spreadsheet or a card, where text is never taken for a formula
    layout: Layout | None = None  #: of which program's lists, or of whose missions, it is
    of_station: bool = False  #: in a list whose rows name the duty station of its layout (`stations.py`)

    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the person said about columns."""

    mapping: Mapping[str, str]
    ignore: Sequence[str]


@dataclass(frozen=True, slots=True)
class Heading:
    """A grid's header, understood."""

    grid: Grid
    headers: Sequence[str]  #: each of them once (`unique`)
    guesses: Sequence[ColumnGuess]
    called: Sequence[str]  #: how messages call each column
    place: str
    own: bool
    layout: Layout | None
    guarded: bool  #: a CSV file of ours, whose cells are protected (`guard.py`)


def header_at(grid: Grid, wanted: Columns) -> int | None:
    """The index of the line with most headers that are known, among the first ones; None where none is a header.

    Below the first line it takes two of them: 'Ambassador' may be a header, and may be what a cell holds.
    """
    scores = _scores(grid, wanted)
    best = max(scores, key=lambda index: (scores[index], -index), default=None)
    return best if best is not None and scores[best] >= (1 if best == min(scores) else 2) else None


def header_score(grid: Grid, wanted: Columns) -> int:
    """How many headers that are known stand in the best line of a grid."""
    return max(_scores(grid, wanted).values(), default=0)


def _scores(grid: Grid, wanted: Columns) -> dict[int, int]:
    lines = [index for index, line in enumerate(grid.lines[:_LOOKED_AT]) if not line.empty][:HEADER_WITHIN]
    said = set(wanted.mapping)
    return {index: sum(is_known(cell) or cell.strip() in said for cell in grid.lines[index].cells) for index in lines}


def read_records(grid: Grid, wanted: Columns, findings: Findings) -> tuple[list[Record], list[ColumnGuess]]:
    """The records of a grid, and what its columns were taken for; nothing, and the problems, where no header is found.

    A row of the wrong width is a record with that problem.
    """
    at = header_at(grid, wanted)
    if at is None:
        _fault_no_header(grid, findings)
        return [], []
    header, body = grid.lines[at], [line for line in grid.lines[at + 1 :] if not line.empty]
    headers = _trimmed(header, body)
    layout = layout_of(headers)
    guesses = _guesses(grid, headers, body, wanted, layout)
    place = grid.place(header.number)
    good = _check_columns(guesses, place, grid.kind, findings)
    if not body and good:
        # An import makes the list what the files say: a file emptied by accident would retire everybody.
        code, way_out = f"E_{grid.kind}_EMPTY", "Add rows, or leave it out"
        findings.fault(place, code, "there is no row below the header", way_out)
    if not good:
        return [], guesses
    _warn_unread(guesses, headers, body, place, findings)
    own = all(one.field in FIELDS for one in guesses if one.field) and layout is None
    guarded = not grid.sheet and (own or noted(headers))
    called = [_called(grid, one) for one in guesses]
    heading = Heading(grid, unique(headers), guesses, called, place, own, layout, guarded)
    return [_record(heading, line) for line in body], guesses


def _fault_no_header(grid: Grid, findings: Findings) -> None:
    first = next((line for line in grid.lines if not line.empty), None)
    place = grid.place(first.number) if first else grid.place(1).rpartition(":")[0] if not grid.sheet else grid.place(1)
    if first is None:
        findings.fault(place, f"E_{grid.kind}_HEADER", "the file has no header row", f"Begin it with: {_BEGIN}")
        return
    shown = listing([cell for cell in first.cells if cell.strip()], 5)
    cause = f"no header that is known stands in the first {HEADER_WITHIN} rows; the first one is: {clip(shown)}"
    word = did_you_mean(first.cells[0], FIELDS, f"Begin it with: {_BEGIN}")
    findings.fault(place, f"E_{grid.kind}_HEADER", cause, f"{word} Or say what each column is, with --map")


_BEGIN = ",".join(FIELDS[:16])


def _trimmed(header: Line, body: Sequence[Line]) -> list[str]:
    """The headers, without columns behind the last one that have neither a header nor content."""
    used = max((len(header.cells) - i for i, cell in enumerate(reversed(header.cells)) if cell.strip()), default=0)
    for line in body:
        if len(line.cells) == len(header.cells):
            filled = (index for index in range(used, len(line.cells)) if line.cells[index].strip())
            used = max(used, max(filled, default=-1) + 1)
    return [cell.strip() for cell in header.cells[:used]]


def _guesses(
    grid: Grid, headers: list[str], body: Sequence[Line], wanted: Columns, layout: Layout | None
) -> list[ColumnGuess]:
    place = f"{grid.file}, sheet {grid.sheet}" if grid.sheet else str(grid.file)
    found = []
    for index, (field_name, how) in enumerate(guess(headers, wanted.mapping, wanted.ignore, layout)):
        values = (line.cells[index].strip() for line in body if index < len(line.cells))
        samples = tuple([value for _, value in zip(range(_SAMPLES), filter(None, values), strict=False)])
        found.append(ColumnGuess(place, grid.column(index), headers[index], field_name, how, samples))
    return _with_honorifics(found, body, layout)


def _with_honorifics(found: list[ColumnGuess], body: Sequence[Line], layout: Layout | None) -> list[ColumnGuess]:
    """A column 'Titre' is the office in one list and 'S.E. Mme' in another: all of its cells tell which, no name."""
    guessed = {SYNONYM, f"as in {layout.name}" if layout else SYNONYM}
    if any(one.field == "honorific" for one in found):
        return found
    likely = [
        index
        for index, one in enumerate(found)
        if one.field == "office" and one.how in guessed and one.samples and _all_honorifics(body, index)
    ]
    for index in likely[:1]:
        found[index] = replace(found[index], field="honorific", how=BY_VALUES)
    return found


def _all_honorifics(body: Sequence[Line], index: int) -> bool:
    texts = (line.cells[index].strip() for line in body if index < len(line.cells))
    return all(gender_of_honorific(text) for text in texts if text)


def _check_columns(guesses: Sequence[ColumnGuess], place: str, kind: str, findings: Findings) -> bool:
    """False, and the problems, where two columns claim one field."""
    before = len(findings.problems)
    by_field: dict[str, list[ColumnGuess]] = {}
    for one in guesses:
        if one.field:
            by_field.setdefault(one.field, []).append(one)
    for name, claims in by_field.items():
        if len(claims) > 1:
            shown = " and ".join(f"{one.column} {one.header!r}" for one in claims)
            cause = f"{name}: claimed by {len(claims)} columns, {shown}"
            findings.fault(place, f"E_{kind}_HEADER", cause, _way_out_of(claims))
    return len(findings.problems) == before


def _way_out_of(claims: Sequence[ColumnGuess]) -> str:
    """What to say of one of the columns that claim one field: what else its name may mean; or that it is left out."""
    other = ((one.header, name) for one in claims if one.header and (name := other_field(one.header, one.field)))
    header, name = next(other, (claims[-1].header, "FIELD"))
    if len({one.header.casefold() for one in claims}) == 1:  # no option can tell them apart
        return "Give one of them another header, or delete it"
    return f'Say what one of them is, as in --map "{header}={name}"; or leave one out, as in --ignore "{header}"'


def _warn_unread(
    guesses: Sequence[ColumnGuess], headers: Sequence[str], body: Sequence[Line], place: str, findings: Findings
) -> None:
    """One warning that names every column with content that is not read."""
    unread = [one for one in guesses if not one.field and one.samples and one.how == UNKNOWN]
    if not unread:
        return
    shown = ", ".join(f"{one.column} {clip(one.header) if one.header else 'without a name'}" for one in unread[:12])
    more = f" and {len(unread) - 12} more" if len(unread) > 12 else ""
    hints = (did_you_mean(one.header, FIELDS, "") for one in unread if one.header)
    way_out = next(filter(None, hints), "") or "Say what they are with --map, or leave them out with --ignore"
    findings.warn(place, "W_COLUMN", f"not read: {shown}{more}", way_out)


def _record(heading: Heading, line: Line) -> Record:
    grid, width = heading.grid, len(heading.headers)
    raw = tuple(line.cells[:width]) + ("",) * (width - len(line.cells))
    cells = tuple(map(unguard, raw)) if heading.guarded else raw
    stated = {
        one.field: Cell(called, cell, protected=cell != text, number=index in line.numbers)
        for index, (one, called, cell, text) in enumerate(zip(heading.guesses, heading.called, cells, raw, strict=True))
        if one.field
    }
    named = dict(zip(heading.headers, cells, strict=True))
    record = Record(
        grid.place(line.number), heading.place, named, stated, heading.own, bool(grid.sheet), heading.layout
    )
    spare = [cell for cell in line.cells[width:] if cell.strip()]
    if spare or len(line.cells) < width:
        cause = f"the row has {len(line.cells)} cells, the header has {width}"
        way_out = "Put a cell that holds the delimiter in quotation marks"
        record.findings.fault(record.place, f"E_{grid.kind}_SHAPE", cause, way_out)
    elif width >= _A_TABLE and sum(bool(cell.strip()) for cell in cells) == 1:
        cause = f"only one cell of the row is filled: {clip(next(cell for cell in cells if cell.strip()))}"
        way_out = "Delete the row if it is a heading or a remark; otherwise fill it in"
        record.findings.fault(record.place, f"E_{grid.kind}_SHAPE", cause, way_out)
    return record


def _called(grid: Grid, one: ColumnGuess) -> str:
    """How messages call a cell: 'email' where the header says so, "'Courriel' (email)" where it says something else."""
    plain = one.header.casefold() == one.field
    name = one.field if plain else f"{clip(one.header, 40)} ({one.field})"
    return f"{one.column} {one.header!r}" if plain and grid.sheet else f"{one.column} {name}" if grid.sheet else name


def noted(headers: Sequence[str]) -> bool:
    """Are these the headers of our own file of rejected rows?"""
    return set(NOTES) <= {header.strip().casefold() for header in headers}
