"""Signs the state of the audit log, checks such signatures, and keeps them in a file outside the database.

A chain of hashes shows an edit; that its end was cut off, or all of it written anew, shows only against what was kept
elsewhere. It knows nothing of the database. The key is a file that only the process that sends needs to read.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from dispatcher.domain.audit import canonical
from dispatcher.domain.errors import Problem, SettingsError
from dispatcher.domain.notes import BadNote, Head, PublicKey, Signature, note, parse_head, parse_note


class BadSignature(BadNote):
    """The note names this key, and its signature is not this key's."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A signed state of the log, when it was made, and what for."""

    at: str  #: UTC, ISO 8601
    why: str
    note: str  #: as signed

    @property
    def line(self) -> str:
        """As it stands in the file."""
        return canonical({"at": self.at, "why": self.why, "note": self.note}) + "\n"


@dataclass(frozen=True, slots=True)
class Seals:
    """Where one log's seals are kept, and the key that they are made with. The key is made when it is first needed."""

    origin: str  #: the log's own name, in every seal
    file: Path  #: one seal a line, only ever added to
    key_file: Path  #: PEM; the public half lies beside it, for those who only check

    @property
    def public_file(self) -> Path:
        return self.key_file.with_suffix(".pub")

    def public(self) -> PublicKey:
        """Raises SettingsError where there is none, or something else."""
        try:
            return PublicKey.parse(self.public_file.read_text("ascii"))
        except (OSError, ValueError) as error:
            raise SettingsError(
                Problem(str(self.public_file), f"cannot be read: {error}", _PUBLIC_WANTED, "E_SEAL_KEY")
            ) from error

    def seal(self, size: int, root: bytes) -> str:
        """The signed note. Raises SettingsError where the key cannot be read."""
        key = self._key()
        head = Head(self.origin, size, root)
        public = _public_of(self.origin, key)
        return note(head.text, [Signature(public.name, public.id, key.sign(head.text.encode()))])

    def kept(self) -> list[Seal]:
        """What the file holds, first to last. Raises BadNote for a line that is no seal, OSError."""
        if not self.file.exists():
            return []
        return [_seal(line, f"{self.file}:{n}") for n, line in enumerate(self.file.read_text("utf-8").splitlines(), 1)]

    def _key(self) -> Ed25519PrivateKey:
        if not self.key_file.exists():
            _make(self.key_file)
        try:
            key = load_pem_private_key(self.key_file.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            why = f"cannot be read as a key: {error}"
            raise SettingsError(Problem(str(self.key_file), why, _KEY_WANTED, "E_SEAL_KEY")) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(Problem(str(self.key_file), "is a key of another kind", _KEY_WANTED, "E_SEAL_KEY"))
        if not self.public_file.exists():
            self.public_file.write_text(f"{_public_of(self.origin, key)}\n", "ascii")
        return key


_KEY_WANTED = "It holds an Ed25519 key as PEM without a passphrase; bring it back from where a copy is kept."
_PUBLIC_WANTED = "Whoever seals the log makes it at the first seal; see: dispatcher audit seal"


def _public_of(origin: str, key: Ed25519PrivateKey) -> PublicKey:
    return PublicKey(origin, key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def _make(path: Path) -> None:
    """Durably, for its owner alone; where several processes make one at the same moment, the first counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(made, path)
    made.unlink()


def _seal(line: str, place: str) -> Seal:
    try:
        record = json.loads(line)
        return Seal(record["at"], record["why"], record["note"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadNote(f"{place} is no seal") from error


def opened(whole: str, key: PublicKey) -> Head:
    """What the note says, if this key has signed it. Raises BadSignature, or BadNote where it is none of this key's."""
    text, signatures = parse_note(whole)
    head = parse_head(text)
    ours = [one for one in signatures if (one.name, one.key_id) == (key.name, key.id)]
    if head.origin != key.name or not ours:
        raise BadNote(f"it is about the log '{head.origin}', and not signed with the key of '{key.name}'")
    try:
        Ed25519PublicKey.from_public_bytes(key.value).verify(ours[0].value, text.encode())
    except InvalidSignature:
        raise BadSignature(
            f"its signature is not that of '{key.name}': it was altered, or made by somebody else"
        ) from None
    return head
