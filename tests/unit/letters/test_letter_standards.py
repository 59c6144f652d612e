"""Every PDF keeps PDF/A-2a and PDF/UA-1 by veraPDF's own rules, and one that does not is found out."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
import typst
from golden import SIX
from hands import signing, templates_with
from letter_people import order_in
from letterbook import Own, Seed
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore
from verapdf.judge import Judge

from dispatcher.letters import Order, Printer, Rendered
from dispatcher.letters.seal import open_seal


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Printer:
    """A printer with everything: a picture of the signature, and the electronic one."""
    return Printer(templates_with(tmp_path_factory.mktemp("signed")), open_seal(signing()[0]))


@pytest.fixture(scope="module")
def plain(seed: Seed) -> bytes:
    return seed("en").parts["pdf"]


def _faults(judge: Judge, rendered: Rendered) -> list[str]:
    return [f"{name}: {fault}" for name in ("pdf", "fax_pdf") for fault in judge.faults(rendered.parts[name])]


@pytest.mark.parametrize("tag", SIX)
def test_the_seed_letter_keeps_both_standards_in_print_and_by_fax(judge: Judge, seed: Seed, tag: str) -> None:
    assert _faults(judge, seed(tag)) == []


@pytest.mark.parametrize("tag", SIX)
def test_several_pages_with_picture_and_signature_keep_them(judge: Judge, signed: Printer, tag: str) -> None:
    rendered = signed.render(order_in(tag, "long"))
    assert min(rendered.pages, rendered.fax_pages) > 1
    assert all(b"/ETSI.CAdES.detached" in rendered.parts[name] for name in ("pdf", "fax_pdf"))
    assert _faults(judge, rendered) == []


def test_one_page_with_picture_and_signature_keeps_them(judge: Judge, signed: Printer, order: Order) -> None:
    rendered = signed.render(order)
    assert (rendered.pages, rendered.fax_pages) == (1, 1)
    assert _faults(judge, rendered) == []


def test_every_mark_that_a_letter_can_hold_keeps_them(judge: Judge, own: Own, order: Order) -> None:
    body = (
        "## Points\n\nSome *soft* and **loud** words, the 1^st^ of two\\\nlines, see [the text](https://example.org/t)."
        "\n\n- one\n- two\n  - within\n\n3. three\n4. four\n\n> A quotation.\n"
    )
    assert _faults(judge, own(body).render(replace(order, letter="own"))) == []


@pytest.mark.parametrize(
    ("standards", "rule"),
    [([], "PDFA-2A 6.6.4-1"), (["a-2a"], "PDFUA-1 5-1"), (["ua-1"], "PDFA-2A 6.6.4-1"), (["a-3a"], "PDFA-2A 6.6.4-2")],
)
def test_a_page_that_claims_less_is_found_out(judge: Judge, standards: list[str], rule: str) -> None:
    source = b"#set document(title: [A matter])\n= A matter\nWords."
    pdf = typst.compile(source, pdf_standards=standards)
    assert any(fault.startswith(rule) for fault in judge.faults(pdf))


@pytest.mark.parametrize(
    ("there", "instead", "rule"),
    [
        (b"/Marked true", b"/Marked fals", "6.7.2.2-1"),
        (b"/DisplayDocTitle true", b"/DisplayDocTitle fals", "7.1-10"),
        (b"<pdfaid:conformance>A<", b"<pdfaid:conformance>B<", "6.6.4-3"),
    ],
)
def test_one_changed_word_is_found_out(judge: Judge, plain: bytes, there: bytes, instead: bytes, rule: str) -> None:
    assert there in plain
    assert rule in " ".join(judge.faults(plain.replace(there, instead, 1)))


def test_one_changed_byte_in_a_font_is_found_out(judge: Judge, plain: bytes) -> None:
    """The file still opens and still has its pages; only a strict reader sees it."""
    (number, *_) = re.findall(rb"/FontFile2 (\d+) 0 R", plain)
    at = plain.index(b"stream\n", plain.index(b"\n%s 0 obj" % number)) + 37
    damaged = plain[:at] + bytes([plain[at] ^ 0xFF]) + plain[at + 1 :]
    assert any("font programs" in fault for fault in judge.faults(damaged))


def test_a_signature_set_in_the_common_way_is_found_out(judge: Judge, plain: bytes) -> None:
    """The file of Typst ends without a line, and the first object of the signature would begin in the middle of one."""
    keys = signing()[0]
    (certificate,) = load_certs_from_pemder_data(keys.certificates)
    key = load_private_key_from_pemder_data(keys.key, keys.passphrase)
    hand = SimpleSigner(certificate, key, SimpleCertificateStore())
    metadata = PdfSignatureMetadata(field_name="Signature")
    out = PdfSigner(metadata, hand).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(plain)))
    assert any(fault.startswith("PDFA-2A 6.1.9-1") for fault in judge.faults(out.getvalue()))


def test_what_is_no_pdf_is_found_out(judge: Judge) -> None:
    assert all("cannot be read" in fault for fault in judge.faults(b"hello"))
    assert len(judge.faults(b"hello")) == 2
