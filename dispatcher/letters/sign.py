"""Signs finished PDFs with pyHanko: PAdES baseline B-B (ETSI EN 319 142-1 V1.2.1), unseen on the page. Alone knows it.

A letter is frozen by the digest of its bytes, so that the same letter must be signed into the same bytes: the time is
the letter's, elliptic curves sign without chance (RFC 6979), RSA as PKCS #1 v1.5, and no number is drawn. PDF/A-2 and
PDF/UA-1 hold as before: the metadata stay as they were, and there is no field to be seen.
"""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, date, datetime, time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.generic import ArrayObject, ByteStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from dispatcher.domain.errors import Problem, TemplateError

from .seal import Signing

_DIGEST = "sha256"
_FIELD = "Signature"


class PadesSeal:
    """The keys, opened once."""

    def __init__(self, signing: Signing) -> None:
        self._certificate, *others = load_certs_from_pemder_data(signing.certificates)
        store = SimpleCertificateStore.from_certs(others)  # type: ignore[no-untyped-call]  # the one untyped name
        key = load_private_key_from_pemder_data(signing.key, signing.passphrase)
        self._hand = _Hand(self._certificate, key, store)

    @property
    def identity(self) -> str:
        """sha256 of the signer's certificate, in hex."""
        return hashlib.sha256(self._certificate.dump()).hexdigest()

    def sign(self, pdf: bytes, day: date) -> bytes:
        """The PDF with a signature of that day at 12:00 UTC, which is the time that the PDF itself bears.

        Raises TemplateError when the certificate is not valid on that day: readers would call the signature false.
        """
        noon = datetime.combine(day, time(12), UTC)
        self._check(noon)
        # PDF/A-2 (ISO 19005-2, 6.1.9) wants every object on a line of its own, and the file does not end with a line.
        writer = _Writer(io.BytesIO(pdf.rstrip(b"\r\n") + b"\n"))
        metadata = PdfSignatureMetadata(field_name=_FIELD, md_algorithm=_DIGEST, subfilter=SigSeedSubFilter.PADES)
        signed: io.BytesIO = _Signer(metadata, self._hand, noon).sign_pdf(writer)
        return signed.getvalue()

    def _check(self, when: datetime) -> None:
        first, last = self._certificate.not_valid_before, self._certificate.not_valid_after
        if not first <= when <= last:
            cause = f"the certificate is valid from {first.date()} to {last.date()}, not on the letter's {when.date()}"
            way_out = "Date the letter within that time, or name another certificate under [signing]"
            raise TemplateError(Problem("signing.certificate_file", cause, way_out, "E_SIGN_DATE"))


class _Writer(IncrementalPdfFileWriter):
    """Adds neither chance nor the present time: the file's second name comes from its contents, no metadata change."""

    @classmethod
    def _handle_id(cls, prev: PdfFileReader) -> ArrayObject:
        prev.stream.seek(0)
        first, _ = prev.trailer["/ID"]
        return ArrayObject([first, ByteStringObject(hashlib.sha256(prev.stream.read()).digest()[:16])])

    def _update_meta(self) -> None:
        pass


class _Signer(PdfSigner):
    """Signs at a given time."""

    def __init__(self, metadata: PdfSignatureMetadata, hand: SimpleSigner, when: datetime) -> None:
        super().__init__(metadata, hand)
        self._when = when

    def init_signing_session(self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False) -> Any:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self._when
        return session


class _Hand(SimpleSigner):
    """The private key. pyHanko's own draws a number for every signature over an elliptic curve."""

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        """The raw signature; `digest_algorithm` is the one that the seal asked for."""
        key = load_der_private_key(self.signing_key.dump(), password=None)
        if isinstance(key, EllipticCurvePrivateKey):
            return key.sign(data, ECDSA(SHA256(), deterministic_signing=True))
        return super().sign_raw(data, digest_algorithm)
