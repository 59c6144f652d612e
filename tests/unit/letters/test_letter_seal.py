"""The electronic signature: a stranger's program believes it, one changed byte breaks it, and it never varies."""

from __future__ import annotations

import asyncio
import hashlib
import io
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hands import HEAD, signing
from letterbook import Seed
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from signers.authority import Authority, pem

from dispatcher.domain.errors import TemplateError
from dispatcher.letters import Order, Printer, Rendered, Signing, render_in_process
from dispatcher.letters.seal import Seal, open_seal
from dispatcher.resources import resource

TEMPLATES = resource("templates")


@pytest.fixture(scope="module")
def seal() -> Seal:
    return open_seal(signing()[0])


@pytest.fixture(scope="module")
def signed(seal: Seal, order: Order) -> Rendered:
    return Printer(TEMPLATES, seal).render(order)


@pytest.fixture(scope="module")
def pdf(seed: Seed) -> bytes:
    return seed("en").parts["pdf"]


def _verdict(pdf: bytes, authority: bytes) -> PdfSignatureStatus:
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    trusted = ValidationContext(trust_roots=list(load_certs_from_pemder_data(authority)), allow_fetching=False)
    return asyncio.run(async_validate_pdf_signature(signature, trusted))


@pytest.mark.parametrize("name", ["pdf", "fax_pdf"])
def test_a_stranger_finds_it_whole_and_trusted(signed: Rendered, name: str) -> None:
    verdict = _verdict(signed.parts[name], signing()[1])
    assert (verdict.intact, verdict.valid, verdict.trusted, verdict.bottom_line) == (True, True, True, True)
    assert verdict.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert verdict.signer_reported_dt == datetime(2015, 10, 1, 12, tzinfo=UTC)
    assert verdict.md_algorithm == "sha256"


def test_it_is_pades_baseline_b(signed: Rendered) -> None:
    """ETSI EN 319 142-1 V1.2.1, table 1: the certificate's digest is signed, and the time stands outside the CMS."""
    (signature,) = PdfFileReader(io.BytesIO(signed.parts["pdf"])).embedded_signatures
    attributes = {one["type"].native for one in signature.signer_info["signed_attrs"]}
    assert attributes == {"content_type", "message_digest", "signing_certificate_v2"}
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.sig_field["/Rect"] == [0, 0, 0, 0]


def test_with_another_authority_it_is_whole_but_not_trusted(signed: Rendered) -> None:
    verdict = _verdict(signed.parts["pdf"], Authority().certificate)
    assert (verdict.intact, verdict.trusted, verdict.bottom_line) == (True, False, False)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9])
def test_one_changed_byte_breaks_it(signed: Rendered, pdf: bytes, share: float) -> None:
    """In the first page, a font, the profile of colours: wherever it is, and the file can still be opened."""
    at = pdf.index(b"stream\n", int(len(pdf) * share)) + 20
    whole = signed.parts["pdf"]
    changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    verdict = _verdict(changed, signing()[1])
    assert (verdict.intact, verdict.bottom_line) == (False, False)


def test_what_is_added_behind_it_is_seen(signed: Rendered) -> None:
    whole = signed.parts["pdf"]
    (signature,) = PdfFileReader(io.BytesIO(whole + whole[whole.rindex(b"trailer") :])).embedded_signatures
    signature.compute_integrity_info()
    assert signature.coverage != SignatureCoverageLevel.ENTIRE_FILE


def test_the_letter_stands_before_it_byte_for_byte(signed: Rendered, pdf: bytes) -> None:
    assert signed.parts["pdf"].startswith(pdf + b"\n")


def test_the_mail_and_the_fax_carry_the_signed_pages(signed: Rendered, seed: Seed) -> None:
    attached = [part for part in message_from_bytes(signed.parts["entity"]).walk() if part.get_filename()]
    assert [part.get_payload(decode=True) for part in attached] == [signed.parts["pdf"]]
    assert signed.parts["tiff"] == seed("en").parts["tiff"], "the signature is not to be seen"


def test_without_a_fax_edition_both_are_one_document(seal: Seal, order: Order, tmp_path: Path) -> None:
    folder = tmp_path / HEAD
    folder.mkdir(parents=True)
    for name in ("typst", "mail", "letters"):
        (tmp_path / name).symlink_to(TEMPLATES / name)
    words = (TEMPLATES / HEAD / "letterhead.toml").read_text()
    (folder / "letterhead.toml").write_text(words.replace("fax_edition = true", "fax_edition = false"))
    parts = Printer(tmp_path, seal).render(order).parts
    assert parts["pdf"] is parts["fax_pdf"]
    assert _verdict(parts["pdf"], signing()[1]).bottom_line


def test_another_process_signs_into_the_same_bytes(signed: Rendered, order: Order) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        again = pool.submit(render_in_process, str(TEMPLATES), order, signing()[0]).result()
    assert _digests(again) == _digests(signed)


def _digests(rendered: Rendered) -> dict[str, str]:
    return {name: hashlib.sha256(part).hexdigest() for name, part in rendered.parts.items()}


def test_an_rsa_key_never_varies_either(pdf: bytes) -> None:
    authority, key = Authority(), generate_private_key(65537, 2048)
    keys = Signing(authority.issue(key) + authority.certificate, pem(key))
    one, two = (open_seal(keys).sign(pdf, date(2015, 10, 1)) for _ in range(2))
    assert one == two
    assert _verdict(one, authority.certificate).bottom_line


def test_another_day_and_another_key_sign_otherwise(seal: Seal, pdf: bytes) -> None:
    authority, key = Authority(), generate_private_key(65537, 2048)
    other = open_seal(Signing(authority.issue(key), pem(key)))
    signed = {seal.sign(pdf, date(2015, 10, 1)), seal.sign(pdf, date(2015, 10, 2)), other.sign(pdf, date(2015, 10, 1))}
    assert len(signed) == 3


def test_who_signs_is_part_of_the_letters_digest(printer: Printer, seal: Seal, order: Order) -> None:
    assert Printer(TEMPLATES, seal).inputs_digest(order) != printer.inputs_digest(order)


@pytest.mark.parametrize("day", [date(2014, 12, 31), date(2031, 1, 1)])
def test_no_letter_is_signed_on_a_day_when_the_certificate_is_not_valid(seal: Seal, order: Order, day: date) -> None:
    with pytest.raises(TemplateError) as caught:
        Printer(TEMPLATES, seal).render(replace(order, letter_date=day))
    (problem,) = caught.value.problems
    assert problem.code == "E_SIGN_DATE"
    assert day.isoformat() in problem.cause
    assert "2015-01-01 to 2030-12-31" in problem.cause


def test_the_keys_are_shown_nowhere() -> None:
    assert "PRIVATE" not in repr(signing()[0])
    assert "sesame" not in repr(signing()[0])


def test_who_signs_nothing_does_not_load_the_program_that_signs() -> None:
    program = "import sys, dispatcher.letters; print([name for name in sys.modules if name.startswith('pyhanko')])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=TEMPLATES.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
