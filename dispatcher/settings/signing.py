"""Looks at the certificate and the key that letters are signed with, before any letter is. Signs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from dispatcher.domain.errors import Problem

from .sources import Given

_SECTION = "signing."
#: NIST SP 800-131A Rev. 2 (March 2019): shorter RSA keys are no longer good for signatures.
_RSA_BITS = 2048
_Key = RSAPrivateKey | EllipticCurvePrivateKey


def signing_problems(given: Iterable[Given], base: Path) -> Iterator[Problem]:
    """What is wrong with the files of [signing] taken together; that a file is missing is told elsewhere.

    A certificate's days are not asked about here: what was signed while it was good still has to be sent.
    """
    named = {one.key.removeprefix(_SECTION): one for one in given if one.key.startswith(_SECTION) and one.value}
    if not named:
        return
    for needed in ("certificate_file", "key_file"):
        if needed not in named:
            place, way_out = next(iter(named.values())).origin, "Name both files, or take the section out"
            yield Problem(place, f"[signing] names no {needed}", way_out, "E_SIGNING_HALF")
    files = {name: base / Path(str(one.value)).expanduser() for name, one in named.items()}
    origins = {name: one.origin for name, one in named.items()}
    yield from _file_problems({name: file for name, file in files.items() if file.is_file()}, origins)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs letters, and in which time."""

    name: str
    first: datetime
    last: datetime


def signer(certificate_file: Path) -> Signer:
    """The signer of the certificate. The file is one that `signing_problems` let pass."""
    found = x509.load_pem_x509_certificates(certificate_file.read_bytes())[0]
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if names else found.subject.rfc4514_string()
    return Signer(name, found.not_valid_before_utc, found.not_valid_after_utc)


def _file_problems(files: Mapping[str, Path], origins: Mapping[str, str]) -> Iterator[Problem]:
    certificate: x509.Certificate | Problem | None = None
    key: _Key | Problem | None = None
    if "certificate_file" in files:
        certificate = _certificate(files["certificate_file"], origins["certificate_file"])
        yield from _certificate_problems(certificate, origins["certificate_file"])
    if "key_file" in files:
        key = _key(files["key_file"], files.get("passphrase_file"), origins)
    if isinstance(key, Problem):
        yield key
    elif key and isinstance(certificate, x509.Certificate) and not _belong(certificate, key):
        way_out = "Name the key that the certificate was issued for"
        yield Problem(origins["key_file"], "the key does not fit the certificate", way_out, "E_SIGNING_MISMATCH")


def _certificate(file: Path, origin: str) -> x509.Certificate | Problem:
    """The first certificate of the file: the signer's own."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())[0]
    except (OSError, ValueError):
        way_out = "Save it as PEM: the signer's certificate first, then those that vouch for it"
        return Problem(origin, f"{file} holds no certificate", way_out, "E_SIGNING_CERTIFICATE")


def _certificate_problems(certificate: x509.Certificate | Problem, origin: str) -> Iterator[Problem]:
    if isinstance(certificate, Problem):
        yield certificate
    elif not _may_sign(certificate):
        cause = "the certificate is not for signing documents (key usage)"
        yield Problem(origin, cause, "Ask its issuer for one that is", "E_SIGNING_USAGE")


def _may_sign(certificate: x509.Certificate) -> bool:
    """RFC 5280 section 4.2.1.3; a certificate that says nothing is for everything."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def _key(file: Path, passphrase: Path | None, origins: Mapping[str, str]) -> _Key | Problem:
    origin = origins["key_file"]
    try:
        word = passphrase.read_bytes().rstrip(b"\r\n") if passphrase else None
        key = load_pem_private_key(file.read_bytes(), word or None)
    except TypeError:
        wanted = (
            "needs a passphrase, and none is named" if passphrase is None else "has no passphrase, and one is named"
        )
        way_out = "Name the file of the passphrase in passphrase_file; leave it out for a key without one"
        return Problem(origin, f"the key {file} {wanted}", way_out, "E_SIGNING_PASSPHRASE")
    except (OSError, ValueError):
        way_out = "Save it as PEM (PKCS #8), and see that the passphrase is the right one"
        return Problem(origin, f"the key {file} cannot be opened", way_out, "E_SIGNING_KEY")
    if isinstance(key, EllipticCurvePrivateKey) or (isinstance(key, RSAPrivateKey) and key.key_size >= _RSA_BITS):
        return key
    cause = f"the key {file} is neither RSA of {_RSA_BITS} bits or more nor on an elliptic curve"
    return Problem(origin, cause, "Ask for a certificate with such a key", "E_SIGNING_KEY_KIND")


def _belong(certificate: x509.Certificate, key: _Key) -> bool:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
