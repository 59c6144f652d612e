"""What signs finished PDFs: the keys it is given, and its shape. Loads the signing program only where it is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pkgutil import resolve_name
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Signing:
    """With what letters are signed."""

    certificates: bytes  #: PEM: the signer's first, then those that vouch for it
    key: bytes = field(repr=False)  #: PEM; RSA or an elliptic curve
    passphrase: bytes | None = field(default=None, repr=False)  #: of the key


class Seal(Protocol):
    """Signs a PDF so that any change to it is seen."""

    @property
    def identity(self) -> str:
        """sha256 of the signer's certificate, in hex."""

    def sign(self, pdf: bytes, day: date) -> bytes:
        """The PDF and its signature of that day. Same inputs, same bytes. Raises TemplateError when it may not."""


def open_seal(signing: Signing) -> Seal:
    """The program behind it takes a second to load and brings much with it: who signs nothing is spared both."""
    seal: Seal = resolve_name("dispatcher.letters.sign:PadesSeal")(signing)
    return seal
