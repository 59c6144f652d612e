"""Signed notes and the log's checkpoints in them (C2SP signed-note and tlog-checkpoint, versions of 2024): their text.

Signing and checking signatures is `dispatcher.seals`' affair; here is only what is written and how it is read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

_MARK = "— "
#: The signature type of Ed25519 in a key's name and bytes.
_ED25519 = b"\1"
_NAME = re.compile(r"[^\s+]{1,200}")


class BadNote(ValueError):
    """Not a signed note, not a checkpoint, or not a verifier's key; with why."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a checkpoint says: the first `size` entries of the log of `origin` have this root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """One line under a note: whose key, and its signature over the text."""

    name: str
    key_id: bytes  #: 4 bytes
    value: bytes

    @property
    def line(self) -> str:
        return f"{_MARK}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 key under the name of its log, in the form that is handed to those who verify."""

    name: str
    value: bytes  #: 32 bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.value).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.value).decode()}"

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Reads back what `str` gave. Raises BadNote."""
        name, _, rest = text.strip().partition("+")
        key_id, _, value = rest.partition("+")
        raw = _bytes(value)
        key = cls(name, raw[1:])
        if not _NAME.fullmatch(name) or raw[:1] != _ED25519 or len(raw) != 33 or key.id.hex() != key_id:
            raise BadNote("not a verifier's key: it reads NAME+ID+KEY, as 'dispatcher audit key' prints it")
        return key


def note(text: str, signatures: list[Signature]) -> str:
    return text + "\n" + "".join(one.line for one in signatures)


def parse_note(whole: str) -> tuple[str, list[Signature]]:
    """The text, with its last line's end, and the signatures under it. Raises BadNote."""
    text, gap, below = whole.rpartition("\n\n")
    if not gap or not below.endswith("\n"):
        raise BadNote("not a signed note: an empty line parts the text from its signatures")
    return text + "\n", [_signature(line) for line in below[:-1].split("\n")]


def _signature(line: str) -> Signature:
    name, _, value = line.removeprefix(_MARK).partition(" ")
    raw = _bytes(value)
    if not line.startswith(_MARK) or not _NAME.fullmatch(name) or len(raw) < 5:
        raise BadNote("not a signed note: a line under it is no signature")
    return Signature(name, raw[:4], raw[4:])


def parse_head(text: str) -> Head:
    """Raises BadNote. Lines after the third are extensions, which say nothing that we know."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not lines[0]:
        raise BadNote("not a checkpoint: it has three lines at least")
    root = _bytes(lines[2])
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) or len(root) != 32:
        raise BadNote("not a checkpoint: its second line is a number, its third a root")
    return Head(lines[0], int(lines[1]), root)


def _bytes(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"not base64: {text[:40]!r}") from error
    if base64.b64encode(raw).decode() != text:
        raise BadNote(f"not base64 in its one form: {text[:40]!r}")
    return raw
