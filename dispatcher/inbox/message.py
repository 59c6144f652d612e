"""A raw message taken apart: its header fields as text, and its parts in order, whatever is wrong with it.

It alone knows the standard library's parser (policy compat32, which repairs nothing and reads everything).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Any

from .limits import MAX_DEPTH, MAX_FIELDS, MAX_PARTS, MAX_TEXT, MAX_VALUE, TooMuch, check
from .markup import text_of

#: Bytes of one part that are decoded.
_MAX_DECODED = 4 * MAX_TEXT
_FOLD = re.compile(r"[\r\n]+[ \t]*")
#: A boundary that no Content-Type names: the first line of two hyphens that a part's header follows.
_BOUNDARY = re.compile(r"^--([^\r\n]{1,200}?)[ \t]*\r?\n(?=content-)", re.IGNORECASE | re.MULTILINE)


class _Part(Message):
    """The parser leaves what stands in a `message/…` as one text: a report's fields are read by us, for many break the
    rules that the parser keeps; a returned letter is looked at for its heading alone, however deep it is nested."""

    def get_content_type(self) -> str:
        found = super().get_content_type()
        return found.replace("message/", "leaf/", 1)


class Fields:
    """Header fields: unfolded and decoded, in order, by name in any case."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)

    def __getitem__(self, name: str) -> str:
        """The first of that name; '' where there is none."""
        return next(iter(self.all(name)), "")

    def __contains__(self, name: str) -> bool:
        return any(one == name for one, _ in self.pairs)

    def all(self, *names: str) -> Iterator[str]:
        return (value for one, value in self.pairs if one in names)


@dataclass(frozen=True, slots=True)
class Piece:
    """One part that holds no parts."""

    media: str  #: 'text/plain', in lower case
    fields: Fields
    text: str  #: decoded; markup as it stands; '' for pictures and the like
    parameters: dict[str, str]  #: of the Content-Type
    instead: int = 0  #: parts with the same number, other than 0, are alternatives

    @property
    def attached(self) -> bool:
        return self.fields["content-disposition"].lower().startswith("attachment")


@dataclass(frozen=True, slots=True)
class Mail:
    """A message: its heading, its parts, and what a person would read of it."""

    fields: Fields
    media: str  #: of the whole
    parameters: dict[str, str]
    pieces: tuple[Piece, ...]
    raw: bytes  #: what of it was parsed

    def piece(self, *medias: str) -> Piece | None:
        """The first part of one of these kinds."""
        return next((one for one in self.pieces if one.media in medias), None)

    @property
    def text(self) -> str:
        """The words of the message itself, without what is enclosed; at most MAX_TEXT characters."""
        shown = [one for one in self.pieces if one.media.startswith("text/") and one.media not in _HEADINGS]
        plain = {one.instead for one in shown if one.media == "text/plain" and one.text.strip()}
        chosen = [one for one in shown if one.media == "text/plain" or not one.instead or one.instead not in plain]
        words = [one.text if one.media == "text/plain" else text_of(one.text) for one in chosen if not one.attached]
        if not any(word.strip() for word in words):
            words = [one.text if one.media == "text/plain" else text_of(one.text) for one in chosen]
        return "\n\n".join(words).replace("\r\n", "\n").replace("\r", "\n")[:MAX_TEXT]


#: A returned heading that is called a text.
_HEADINGS = ("text/rfc822-headers", "text/rfc822", "text/x-rfc822-headers")


def read(raw: bytes) -> Mail:
    """Take a message apart. Raises TooMuch where it is over a bound."""
    raw = check(raw)
    message = _parse(raw)
    pieces = tuple(_pieces(message))
    return Mail(fields_of(message), _media(message), _parameters(message), pieces, raw)


def read_fields(text: str) -> Fields:
    """The header fields at the head of a text, such as a returned letter."""
    data = text.lstrip("\r\n\t ").encode("utf-8", "surrogateescape")
    return fields_of(BytesParser(_class=_Part, policy=compat32).parsebytes(data[: 4 * MAX_TEXT], headersonly=True))


def _parse(raw: bytes) -> Message:
    return BytesParser(_class=_Part, policy=compat32).parsebytes(raw)


def _pieces(message: Message) -> Iterator[Piece]:
    """In order; without recursion, so that no nesting can exhaust the stack."""
    waiting: list[tuple[Message, int, int]] = [(message, 0, 0)]
    seen = alternatives = 0
    while waiting:
        part, depth, instead = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH or seen > MAX_PARTS:
            raise TooMuch(f"more than {MAX_DEPTH} parts in each other, or {MAX_PARTS} in all")
        inner = _inner(part)
        if inner is None:
            yield _piece(part, instead)
            continue
        if _media(part) == "multipart/alternative":
            alternatives += 1
            instead = alternatives
        waiting += [(one, depth + 1, instead) for one in reversed(inner)]


def _inner(part: Message) -> list[Message] | None:
    """The parts of a multipart; None for a part that holds no others."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return list(payload)
    if part.get_content_maintype() != "multipart":
        return None
    payload = str(payload).replace("\r\n", "\n").replace("\r", "\n")
    found = _BOUNDARY.search(payload[:MAX_TEXT])
    if found is None:
        return None
    heading = f'Content-Type: multipart/mixed; boundary="{found[1]}"\n\n{payload}'
    again = _parse(heading.encode("utf-8", "surrogateescape")).get_payload()
    return [one for one in again if isinstance(one, Message)] if isinstance(again, list) else None


def _piece(part: Message, instead: int) -> Piece:
    media = _media(part)
    worded = media.startswith(("text/", "message/", "multipart/")) or not media
    text = _decode(_payload(part), part) if worded else ""
    return Piece(media, fields_of(part), text, _parameters(part), instead)


def _media(part: Message) -> str:
    return part.get_content_type().replace("leaf/", "message/", 1)


def _payload(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, binascii.Error, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data[:_MAX_DECODED]
    payload = part.get_payload()
    return payload[:_MAX_DECODED].encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""


def _parameters(part: Message) -> dict[str, str]:
    try:
        found: list[tuple[str, Any]] = [*(part.get_params(failobj=[], unquote=True) or [])]
    except (ValueError, TypeError, LookupError):
        return {}
    # A value that names its charset (RFC 2231) comes as three: charset, language, text.
    return {str(name).lower(): value if isinstance(value, str) else str(value[-1]) for name, value in found}


# -- characters --------------------------------------------------------------------------------------------------------


def _decode(data: bytes, part: Message) -> str:
    return to_text(data, _parameters(part).get("charset", ""))


def to_text(data: bytes, charset: str = "") -> str:
    """Bytes as text: by the charset that is named, if it fits; as UTF-8; at the worst, as western Windows has it."""
    for name in (charset.strip("\"' \t"), "utf-8"):
        try:
            return (
                data.decode(name) if name and name.lower() not in ("unknown-8bit", "binary") else data.decode("utf-8")
            )
        except (LookupError, UnicodeError, ValueError):
            continue
    try:
        return data.decode(charset or "cp1252", "replace")
    except (LookupError, ValueError):
        return data.decode("cp1252", "replace")


def fields_of(part: Message) -> Fields:
    """The fields of a message or part. Raises TooMuch for more than any mail system writes."""
    pairs = list(part.raw_items())
    if len(pairs) > MAX_FIELDS:
        raise TooMuch(f"more than {MAX_FIELDS} header fields")
    return Fields([(name.lower(), _value(str(value))) for name, value in pairs])


def _value(raw: str) -> str:
    """A field as text: unfolded, its encoded words (RFC 2047) decoded, bytes beyond ASCII taken as they come."""
    raw = raw[:MAX_VALUE]
    if not raw.isascii():
        raw = to_text(raw.encode("utf-8", "surrogateescape"))
    line = _FOLD.sub(" ", raw).strip()
    return " ".join(_words(line).split()) if "=?" in line else line


def _words(line: str) -> str:
    try:
        pieces = decode_header(line)
    except (HeaderParseError, ValueError, binascii.Error):
        return line
    return "".join(one if isinstance(one, str) else to_text(one, charset or "") for one, charset in pieces)
