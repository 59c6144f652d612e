"""A letter's heading: stamps our header fields on a frozen MIME entity, then reads them back and compares.

The standard library lets an encoded word in a name become a header line of its own (CVE-2024-6923), so nothing here
trusts it to write headers, and nothing leaves that does not read back as it was meant.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import format_datetime, parseaddr

from dispatcher.domain.address import parse_email
from dispatcher.domain.errors import Problem, UserError

from .base import Parcel

#: RFC 5322 section 2.1.1, in octets without CRLF: must not, and should not, be exceeded.
MAX_LINE, FOLD_AT = 998, 76
_WORD_BYTES = 33  # an encoded word of so many bytes has at most 56 characters (RFC 2047 section 2 allows 75)
_FORBIDDEN = frozenset({"Cc", "Zl", "Zp", "Cs"})
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>")
_ENTITY_FIELD = re.compile(r"(Content-[A-Za-z-]+|MIME-Version):([ -~]*(?:\r\n[ \t][ -~]*)*)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heading:
    """What a letter's header fields are to say. Addresses in canonical form, texts as people write them."""

    sender_name: str
    sender_address: str
    recipient_name: str
    recipient: str
    subject: str
    message_id: str
    date: datetime
    automatic: bool = False  #: RFC 3834 section 5: sent without a person's act
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class _Field:
    """One header field: as written on the wire, unfolded, and the text that it must decode to ('' where none)."""

    name: str
    value: str


def heading_of(parcel: Parcel) -> Heading:
    """The heading of a letter by email."""
    return Heading(
        parcel.sender_name,
        parcel.sender_address,
        parcel.recipient_name,
        parcel.address,
        parcel.subject,
        parcel.message_id,
        parcel.date,
        parcel.automatic,
    )


def stamp(heading: Heading, entity: bytes) -> bytes:
    """The whole message: our fields, then the entity as it was frozen, byte for byte.

    Raises UserError with every problem found: E_CTRL, E_ENCODED_WORD, E_SUBJECT_EMPTY, E_HEADER_LONG, an address's
    codes, E_MESSAGE_ID, E_ENTITY, or E_HEADER when what was written does not read back as it was meant.
    """
    _raise_any([*_text_problems(heading), *_address_problems(heading), *_entity_problems(entity)])
    fields = list(_fields(heading))
    if not re.search(rb"(?im)^MIME-Version:", entity.partition(b"\r\n\r\n")[0]):
        fields.append(_Field("MIME-Version", "1.0"))
    head = "".join(_fold(field) for field in fields).encode("ascii")
    message = head + entity + (b"" if entity.endswith(b"\r\n") else b"\r\n")
    _raise_any([*_line_problems(message), *_reading_problems(message, fields, heading, entity)])
    return message


def _raise_any(problems: list[Problem]) -> None:
    if problems:
        raise UserError(problems)


def _text_problems(heading: Heading) -> Iterator[Problem]:
    texts = {"sender_name": heading.sender_name, "recipient_name": heading.recipient_name, "subject": heading.subject}
    for place, text in texts.items():
        bad = next((char for char in text if unicodedata.category(char) in _FORBIDDEN), None)
        if bad:
            yield Problem(place, f"control or line character U+{ord(bad):04X}", "write one line of text", "E_CTRL")
        if "=?" in text:
            yield Problem(place, "'=?' begins an encoded word", "write plain text", "E_ENCODED_WORD")
        if len(text.encode("utf-8", "replace")) > MAX_LINE:
            yield Problem(place, f"is longer than {MAX_LINE} bytes", "shorten it", "E_HEADER_LONG")
    if not heading.subject.strip():
        yield Problem("subject", "there is no subject", "", "E_SUBJECT_EMPTY")


def _address_problems(heading: Heading) -> Iterator[Problem]:
    addresses = {"sender_address": heading.sender_address, "recipient": heading.recipient}
    for place, address in (addresses | ({"reply_to": heading.reply_to} if heading.reply_to else {})).items():
        yield from address_problems(place, address)
    if not _MESSAGE_ID.fullmatch(heading.message_id) or len(heading.message_id) > 250:
        yield Problem("message_id", "is not of the form <…@…>", "", "E_MESSAGE_ID")


def address_problems(place: str, address: str) -> list[Problem]:
    """Why `address` is not a canonical addr-spec; nothing when it is."""
    try:
        if parse_email(address) == address:
            return []
    except UserError as exc:
        return [replace(problem, place=place) for problem in exc.problems]
    return [Problem(place, "the address is not in canonical form", "", "E_ADDR_FORM")]


def _entity_problems(entity: bytes) -> Iterator[Problem]:
    head, blank, _ = entity.partition(b"\r\n\r\n")
    fields = list(_entity_fields(entity))
    if not blank or not any(field.name.lower() == "content-type" for field in fields):
        yield Problem("entity", "has no Content-Type, or no blank line with CRLF after its fields", "", "E_ENTITY")
    if sum(1 for line in head.split(b"\r\n") if line[:1] not in b" \t") != len(fields):
        yield Problem("entity", "has a field other than MIME-Version and Content-…", "", "E_ENTITY")
    if b"\0" in entity or not entity.count(b"\r\n") == entity.count(b"\r") == entity.count(b"\n"):
        yield Problem("entity", "has a NUL, a bare CR or a bare LF", "freeze it with CRLF line ends", "E_ENTITY")


def _entity_fields(entity: bytes) -> Iterator[_Field]:
    head = entity.partition(b"\r\n\r\n")[0].decode("latin-1") + "\r\n"
    position = 0
    while found := _ENTITY_FIELD.match(head, position):
        yield _Field(found[1], _unfold(found[2]).strip(" \t"))
        position = found.end()


def _fields(heading: Heading) -> Iterator[_Field]:
    yield _Field("Date", format_datetime(heading.date))
    yield _Field("From", _mailbox(heading.sender_name, heading.sender_address))
    yield _Field("To", _mailbox(heading.recipient_name, heading.recipient))
    if heading.reply_to:
        yield _Field("Reply-To", heading.reply_to)
    yield _Field("Subject", _text(heading.subject))
    yield _Field("Message-ID", heading.message_id)
    if heading.automatic:
        yield _Field("Auto-Submitted", "auto-generated")


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    if not name.isascii():
        return f"{_text(name)} <{address}>"
    if _PHRASE.fullmatch(name):
        return f"{name} <{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _text(text: str) -> str:
    """ASCII as it is, all else wholly as encoded words (RFC 2047), cut between characters."""
    if text.isascii():
        return text
    return " ".join(f"=?utf-8?b?{base64.b64encode(piece).decode('ascii')}?=" for piece in _pieces(text))


def _pieces(text: str) -> Iterator[bytes]:
    piece = b""
    for char in text:
        encoded = char.encode()
        if len(piece) + len(encoded) > _WORD_BYTES:
            yield piece
            piece = b""
        piece += encoded
    yield piece


def _fold(field: _Field) -> str:
    """The field's lines. Breaks only before a single blank between two words, so that unfolding gives it back."""
    lines = [f"{field.name}:"]
    for part in re.split(r"(?<=[^ ])(?= [^ ])", f" {field.value}"):
        if len(lines[-1]) + len(part) > FOLD_AT and lines != [f"{field.name}:"]:
            lines.append("")
        lines[-1] += part
    return "\r\n".join(lines) + "\r\n"


def _unfold(value: str) -> str:
    return value.replace("\r\n", "")


def _line_problems(message: bytes) -> Iterator[Problem]:
    if max(map(len, message.split(b"\r\n"))) > MAX_LINE:
        yield Problem("message", f"has a line of more than {MAX_LINE} bytes", "", "E_HEADER_LONG")


def _reading_problems(message: bytes, fields: list[_Field], heading: Heading, entity: bytes) -> Iterator[Problem]:
    """Reads the message as any receiver does, and compares names, values and meanings with what was meant."""
    read = BytesHeaderParser(policy=compat32).parsebytes(message)
    seen = [(name, _unfold(str(value))) for name, value in read.raw_items()]
    meant = [(field.name, field.value) for field in (*fields, *_entity_fields(entity))]
    if seen != meant or read.defects:
        yield Problem("header", "does not read back as it was meant", "", "E_HEADER")
        return
    texts = dict(seen)
    mailboxes = {
        "From": (heading.sender_name, heading.sender_address),
        "To": (heading.recipient_name, heading.recipient),
    }
    for name, mailbox in mailboxes.items():
        display, address = parseaddr(texts[name])
        if (_decoded(display), address) != mailbox:
            yield Problem(name, "does not name the one mailbox that was meant", "", "E_HEADER")
    if _decoded(texts["Subject"]) != heading.subject:
        yield Problem("Subject", "does not decode to what was meant", "", "E_HEADER")


def _decoded(text: str) -> str:
    try:
        return str(make_header(decode_header(text)))
    except (MessageError, UnicodeError, LookupError):
        return "\0"
