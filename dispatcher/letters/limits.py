"""How much a letter may hold: bounds on the data and on the Markdown, looked at before anything takes time over them.

Every bound lies far beyond a real letter, and well below what costs the parser, the typesetter or the reader more than
they have: two seconds and 256 MiB for one letter. Measured in tests/unit/letters/test_letter_attacks.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

from dispatcher.domain.characters import offence
from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Contact

from .address import Order
from .veil import LEFTOVER, unveil

#: One line of data: a name, an office, a street. The door takes no longer one either.
MAX_LINE = 300
MAX_POSTAL = 8
MAX_COPIES = 40
#: Characters of all who receive a copy, together.
MAX_COPY_TEXT = 8_000
#: Lines of Markdown in one letter; lines, and characters, of one paragraph. The typesetter breaks a paragraph as a
#: whole, which costs it the square of its length; this many fill more than a page.
MAX_LINES, MAX_PARAGRAPH, MAX_PARAGRAPH_TEXT = 1_200, 200, 3_000
#: Places where a line can break: spaces, hyphens and figures, in a paragraph and in a whole letter.
MAX_BREAKS, MAX_ALL_BREAKS = 600, 8_000
#: Characters without a space between them, as in a long address on the web. Chinese needs no spaces.
MAX_WORD = 300
#: Characters that may be marks of Markdown, and quotation marks (in French, apostrophes): in a paragraph, and in a
#: whole letter. What the parser makes of them costs it the square of their number.
MAX_MARKS, MAX_QUOTES = 300, 200
MAX_ALL_MARKS, MAX_ALL_QUOTES = 1_500, 2_000
MAX_SPACES = 100
_WORD = re.compile(rf"[^ \t\n\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]{{{MAX_WORD + 1}}}")
_SPACES = re.compile(rf"[ \t]{{{MAX_SPACES + 1}}}")
_MARK = re.compile(r"[*_\[\]<&`\\^|~]")
_BREAK = re.compile(r"[ \-\d]")
_QUOTE = re.compile("[\"']")
_SHORTEN = "Shorten it"
#: Words of a contact that no letter prints.
_UNPRINTED = ("id", "external_id", "time_zone", "language", "phone", "state_code", "seat")


def data_faults(order: Order) -> list[Problem]:
    """What stands in the data and cannot be printed as it stands, or is too much for a letter."""
    sender = (("name", order.sender.name), ("title", order.sender.title), ("place", order.sender.place))
    problems = [fault for name, text in sender for fault in line_faults("sender", name, text)]
    for person in (order.contact, *order.copies[:MAX_COPIES]):
        problems += _person_faults(person)
    if len(order.copies) > MAX_COPIES:
        cause = f"{len(order.copies)} receive a copy of this letter; {MAX_COPIES} are the most"
        way_out = "Write to some of them in a campaign of their own"
        problems.append(Problem(f"contact {order.contact.id}", cause, way_out, "E_TPL_LIMIT"))
    elif (size := sum(map(_size, order.copies))) > MAX_COPY_TEXT:
        cause = f"the names of those who receive a copy have {size} characters; {MAX_COPY_TEXT} are the most"
        problems.append(Problem(f"contact {order.contact.id}", cause, _SHORTEN, "E_TPL_LIMIT"))
    return problems


def _size(person: Contact) -> int:
    return len(person.display_name) + len(person.office) + len(person.organisation)


def _person_faults(person: Contact) -> Iterator[Problem]:
    place = f"contact {person.id}"
    texts = [(one.name, getattr(person, one.name)) for one in fields(Contact) if one.name not in _UNPRINTED]
    for name, text in [*texts, *(("postal", line) for line in person.postal[:MAX_POSTAL])]:
        yield from line_faults(place, name, text) if type(text) is str else ()
    if len(person.postal) > MAX_POSTAL:
        yield Problem(place, f"postal has {len(person.postal)} lines; {MAX_POSTAL} are the most", "", "E_TPL_LIMIT")


def line_faults(place: str, name: str, text: str) -> Iterator[Problem]:
    """Why a line of data cannot stand in a letter as it is."""
    if found := offence(text[: MAX_LINE + 1]):
        yield Problem(place, f"{name} holds the {found}", found.way_out, "E_TPL_HIDDEN")
    if len(text) > MAX_LINE:
        cause = f"{name} has {len(text)} characters; {MAX_LINE} are the most"
        yield Problem(place, cause, _SHORTEN, "E_TPL_LIMIT")


def markdown_faults(text: str, place: str) -> list[Problem]:
    """Why the parser is not to see this Markdown, whose data are still veiled; with the line where it is too much."""
    shown = _unveiled(text)
    found = [_at(place, shown, pattern, cause) for pattern, cause in _RUNS]
    return [one for one in found if one] or list(_too_many(text, shown, place))


_RUNS = (
    (_WORD, f"has a word of more than {MAX_WORD} characters"),
    (_SPACES, f"has more than {MAX_SPACES} spaces side by side"),
)


def _unveiled(text: str) -> str:
    try:
        return unveil(text)
    except UnicodeDecodeError:
        return LEFTOVER.sub("", text)


def _at(place: str, text: str, pattern: re.Pattern[str], cause: str) -> Problem | None:
    found = pattern.search(text)
    line = text.count("\n", 0, found.start()) + 1 if found else 0
    return Problem(f"{place}:{line}", cause, _SHORTEN, "E_TPL_LIMIT") if found else None


def _too_many(text: str, shown: str, place: str) -> Iterator[Problem]:
    """Counts paragraph by paragraph; stops at the first that is too much."""
    if text.count("\n") > 10 * MAX_LINES or sum(1 for line in text.split("\n") if line.strip()) > MAX_LINES:
        yield Problem(f"{place}:{MAX_LINES}", f"has more than {MAX_LINES} lines", _SHORTEN, "E_TPL_LIMIT")
        return
    paragraph, letter = Counter[str](), Counter[str]()
    for number, (line, printed) in enumerate(zip(text.split("\n"), shown.split("\n"), strict=True), 1):
        if not line.strip():
            paragraph.clear()
            continue
        here = {
            "lines": 1,
            "marks": len(_MARK.findall(line)),
            "quotation marks": len(_QUOTE.findall(line)),
            "words and figures": len(_BREAK.findall(printed)),
        }
        paragraph.update(here | {"characters": len(printed)})
        letter.update(here)
        for counted, bounds, where, way_out in (
            (paragraph, _IN_PARAGRAPH, " in a paragraph", "Put an empty line between its paragraphs"),
            (letter, _IN_LETTER, "", _SHORTEN),
        ):
            for what in bounds:
                if counted[what] > bounds[what]:
                    cause = f"has more than {bounds[what]} {what}{where}"
                    yield Problem(f"{place}:{number}", cause, way_out, "E_TPL_LIMIT")
                    return


_IN_PARAGRAPH = {
    "lines": MAX_PARAGRAPH,
    "characters": MAX_PARAGRAPH_TEXT,
    "marks": MAX_MARKS,
    "quotation marks": MAX_QUOTES,
    "words and figures": MAX_BREAKS,
}
_IN_LETTER = {"marks": MAX_ALL_MARKS, "quotation marks": MAX_ALL_QUOTES, "words and figures": MAX_ALL_BREAKS}
