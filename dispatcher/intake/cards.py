"""vCards as text: content lines in and out (RFC 6350; also RFC 2426 and the older 2.1). It knows no contact."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .findings import Findings, clip

#: RFC 6350 section 3.2: a line is folded so that none is longer, in octets and without its line break.
_FOLD_AT = 75
_NAME = re.compile(r"(?:([A-Za-z0-9-]+)\.)?([A-Za-z0-9-]+)")
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)(?:=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*))?')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
#: Parameters that vCard 2.1 writes without their name.
_BARE_ENCODINGS = frozenset({"QUOTED-PRINTABLE", "BASE64", "7BIT", "8BIT"})


@dataclass(frozen=True, slots=True)
class Property:
    """One content line, unfolded: 'TEL;TYPE=fax:+41 …'."""

    line: int
    name: str  #: in capitals
    value: str  #: raw: separators and escapes are still in it
    parameters: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  #: names in capitals, values in small letters

    @property
    def text(self) -> str:
        """The whole value as one text."""
        return unescape(self.value)

    def parts(self, separator: str = ";") -> list[str]:
        """The value's components, each unescaped."""
        return [unescape(part) for part in split(self.value, separator)]

    @property
    def types(self) -> tuple[str, ...]:
        """What TYPE says, and the types that vCard 2.1 writes without that word."""
        return self.parameters.get("TYPE", ())


@dataclass(frozen=True, slots=True)
class Card:
    """What stands between BEGIN:VCARD and END:VCARD."""

    place: str
    properties: tuple[Property, ...]


def unescape(text: str) -> str:
    """RFC 6350 section 3.4: \\\\n is a line break, every other escaped character itself."""
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], text)


def escape(text: str) -> str:
    """The text as a value, or as one component of one."""
    return re.sub(r"([\\,;])", r"\\\1", text).replace("\n", "\\n")


def split(value: str, separator: str) -> list[str]:
    """The parts of a raw value, split where the separator is not escaped."""
    parts, start, at = [], 0, 0
    while at < len(value):
        if value[at] == "\\":
            at += 1
        elif value[at] == separator:
            parts.append(value[start:at])
            start = at + 1
        at += 1
    return [*parts, value[start:]]


def folded(line: str) -> str:
    """The content line with its line breaks, folded between characters so that no octets of one are torn apart."""
    pieces, room, piece = [], _FOLD_AT, ""
    for character in line:
        size = len(character.encode())
        if size > room:
            pieces.append(piece)
            piece, room = "", _FOLD_AT - 1
        piece += character
        room -= size
    return "\r\n ".join([*pieces, piece]) + "\r\n"


def written(properties: Sequence[tuple[str, str]]) -> str:
    """A vCard 4.0 of these names (with parameters) and values, which are escaped already."""
    lines = [("BEGIN", "VCARD"), ("VERSION", "4.0"), *properties, ("END", "VCARD")]
    return "".join(folded(f"{name}:{value}") for name, value in lines)


def read_cards(text: str, path: Path, findings: Findings) -> list[Card]:
    """Every card in the text. A line that is none, and a card without its end, are faults of the file."""
    cards: list[Card] = []
    held: list[Property] | None = None
    start = 0
    for one in _properties(text, path, findings):
        word = (one.name, one.value.strip().upper())
        if word == ("BEGIN", "VCARD"):
            if held is not None:
                _fault(path, start, "the card that begins here does not end", findings)
            held, start = [], one.line
        elif word == ("END", "VCARD") and held is not None:
            cards.append(Card(f"{path}:{start}", tuple(held)))
            held = None
        elif held is not None:
            held.append(one)
    if held is not None:
        _fault(path, start, "the card that begins here does not end", findings)
    return cards


def _fault(path: Path, line: int, cause: str, findings: Findings) -> None:
    way_out = "Export the contacts anew, as vCard 3.0 or 4.0"
    findings.fault(f"{path}:{line}", "E_VCARD_SHAPE", cause, way_out)


def _properties(text: str, path: Path, findings: Findings) -> Iterator[Property]:
    for number, line in _unfolded(text):
        one = _property(number, line)
        if one is None:
            _fault(path, number, f"this is not a line of a vCard: {clip(line, 40)}", findings)
            return
        try:
            yield _decoded(one)
        except (LookupError, UnicodeDecodeError):
            _fault(path, number, f"the encoding of {one.name} cannot be read", findings)
            return


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first: a line that begins with a blank continues the one before."""
    held, start = "", 0
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if held and line[:1] in (" ", "\t"):
            held += line[1:]
        elif held and _soft_break(held):
            held = held[:-1] + line
        else:
            if held.strip():
                yield start, held
            held, start = line, number
    if held.strip():
        yield start, held


def _soft_break(line: str) -> bool:
    """Does vCard 2.1's quoted-printable continue on the next line?"""
    return line.endswith("=") and "QUOTED-PRINTABLE" in line.partition(":")[0].upper()


def _property(number: int, line: str) -> Property | None:
    match = _NAME.match(line)
    if not match:
        return None
    parameters: dict[str, tuple[str, ...]] = {}
    at = match.end()
    while found := _PARAMETER.match(line, at):
        name, value = found[1].upper(), found[2]
        if value is None:
            name, value = ("ENCODING", name) if name in _BARE_ENCODINGS else ("TYPE", name)
        values = tuple(part.strip('"').casefold() for part in re.findall(r'"[^"]*"|[^,]+', value))
        parameters[name] = (*parameters.get(name, ()), *_words(values))
        at = found.end()
    return Property(number, match[2].upper(), line[at + 1 :], parameters) if line[at : at + 1] == ":" else None


def _words(values: Sequence[str]) -> Iterator[str]:
    """TYPE="work,fax" is two types, too (RFC 6350 section 6.4.1)."""
    for value in values:
        yield from value.split(",")


def _decoded(one: Property) -> Property:
    if "quoted-printable" not in one.parameters.get("ENCODING", ()):
        return one
    charset = one.parameters.get("CHARSET", ("utf-8",))[0]
    text = quopri.decodestring(one.value.encode("ascii", "replace")).decode(charset)
    return Property(one.line, one.name, text.replace("\r\n", "\\n").replace("\n", "\\n"), one.parameters)
