"""Issues certificates for signing documents, good or faulty as told."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

FIRST, LAST = datetime(2015, 1, 1, tzinfo=UTC), datetime(2030, 12, 31, tzinfo=UTC)
_USES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class Authority:
    """Signs certificates with a key of its own."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        raw = _certificate("Authority", self._key, FIRST, LAST, ("key_cert_sign", "crl_sign"))
        raw = raw.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = raw.sign(self._key, SHA256()).public_bytes(Encoding.PEM)

    def issue(
        self,
        key: CertificateIssuerPrivateKeyTypes,
        first: datetime = FIRST,
        last: datetime = LAST,
        uses: tuple[str, ...] = ("digital_signature", "content_commitment"),
    ) -> bytes:
        """A certificate for this key, in PEM."""
        return _certificate("Anna Example", key, first, last, uses).sign(self._key, SHA256()).public_bytes(Encoding.PEM)


def _certificate(
    subject: str, key: CertificateIssuerPrivateKeyTypes, first: datetime, last: datetime, uses: tuple[str, ...]
) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(**{name: name in uses for name in _USES})
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name("Authority"))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    return builder.not_valid_before(first).not_valid_after(last).add_extension(usage, critical=True)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem(key: PrivateKeyTypes, passphrase: bytes | None = None) -> bytes:
    """The private key in PKCS #8."""
    shut = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, shut)
