"""What is seen in a PDF that is to go with a letter, and what is refused."""

from __future__ import annotations

import random

import annexes
import pikepdf
import pytest
from annexes import annex, changed, encrypted, opens_with, packed

from dispatcher.letters.attachments import MOST_PAGES, look


def codes(data: bytes) -> list[str]:
    return [one.code for one in look("annex.pdf", data)]


def says(data: bytes) -> str:
    return " ".join(f"{one.cause} {one.way_out}" for one in look("annex.pdf", data))


@pytest.mark.parametrize(
    "data",
    [
        annex(),
        annex(pages=3),
        annex(paper='paper: "us-letter"'),
        packed(lambda pdf: None),
        changed(lambda pdf: None, linearize=True),
        changed(annexes.link_and_bookmark),
    ],
)
def test_a_plain_document_goes(data: bytes) -> None:
    assert codes(data) == []


@pytest.mark.parametrize(
    ("data", "word"),
    [(b"PK\x03\x04rest", "Word"), (b"\x89PNG\r\n", "picture"), (b"<html>", "web"), (b"Dear Sir", "something else")],
)
def test_what_is_no_pdf_is_named_and_the_way_to_one_told(data: bytes, word: str) -> None:
    assert codes(data) == ["E_ATT_TYPE"]
    assert word in says(data)
    assert "Save As" in says(data)


def test_an_empty_file_is_refused() -> None:
    assert codes(b"") == ["E_ATT_EMPTY"]


@pytest.mark.parametrize(
    "data",
    [
        annex()[: len(annex()) // 2],
        annex()[:-200] + b"%%EOF",
        b"%PDF-1.7\n%%EOF",
        b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"%%EOF",
        annexes.with_a_flipped_byte(annex()),
        annexes.with_a_flipped_byte(packed(lambda pdf: None)),
        changed(lambda pdf: pdf.pages.__delitem__(0)),
    ],
    ids=["half", "no end", "no body", "noise", "one byte", "one byte, packed", "no page"],
)
def test_a_broken_file_is_refused(data: bytes) -> None:
    assert codes(data) == ["E_ATT_BROKEN"]


@pytest.mark.parametrize(
    "how", [{"owner": "a", "user": "b"}, {"owner": "a", "user": ""}, {"owner": "a", "user": "", "R": 4}]
)
def test_an_encrypted_file_is_refused_with_and_without_a_password_to_open_it(how: dict[str, object]) -> None:
    assert codes(encrypted(**how)) == ["E_ATT_ENCRYPTED"]


ACTIVE = [
    (opens_with(annexes.script), "a script"),
    (annexes.script_by_name, "a script"),
    (annexes.script_after_a_jump, "a script"),
    (opens_with(annexes.launch), "starts a program"),
    (annexes.prints_itself, "runs by itself"),
    (annexes.carries_a_file, "an embedded file"),
    (annexes.pinned_file, "an embedded file"),
    (annexes.field(pikepdf.Name.Tx), "a form"),
    (annexes.xfa, "a form"),
    (annexes.film, "a film"),
    (annexes.other_file, "opens another file"),
]


@pytest.mark.parametrize("way", [changed, packed], ids=["plain", "packed"])
@pytest.mark.parametrize(("change", "word"), ACTIVE, ids=[f"{n} {word}" for n, (_, word) in enumerate(ACTIVE)])
def test_what_is_more_than_paper_is_refused_and_named(change: annexes.Change, word: str, way: object) -> None:
    data = way(change)  # type: ignore[operator]
    assert codes(data) == ["E_ATT_ACTIVE"]
    assert word in says(data)


def test_a_script_that_was_added_to_a_finished_file_is_seen() -> None:
    whole = annex()  # it has the second of its making in it
    data = annexes.script_added_later(whole)
    assert data.startswith(whole)
    assert codes(data) == ["E_ATT_ACTIVE"]


def test_packing_hides_the_words_from_a_search() -> None:
    """Or the test above would prove nothing about reading by structure."""
    assert b"JavaScript" in changed(annexes.script_by_name)
    assert b"JavaScript" not in packed(annexes.script_by_name)


def test_the_word_alone_is_no_script() -> None:
    assert codes(annex("/JavaScript (app.alert) /Launch /EmbeddedFile")) == []


def test_a_document_that_was_signed_electronically_goes() -> None:
    assert codes(changed(annexes.field(pikepdf.Name.Sig))) == []


def test_fonts_that_are_not_in_the_file_are_a_warning() -> None:
    data = changed(annexes.without_fonts)
    assert codes(data) == ["W_ATT_FONTS"]
    assert "Helvetica" in says(data)


def test_paper_larger_than_a_faxs_is_a_warning_and_a_page_on_its_side_is_none() -> None:
    assert codes(annex(pages=2, paper='paper: "a3"')) == ["W_ATT_PAPER"]
    assert "page 1, 2" in says(annex(pages=2, paper='paper: "a3"'))
    assert codes(annex(paper='paper: "a4", flipped: true')) == []


def test_a_book_is_refused() -> None:
    assert codes(annex(pages=MOST_PAGES)) == []
    assert codes(annex(pages=MOST_PAGES + 1)) == ["E_ATT_PAGES"]


def test_whatever_the_bytes_are_there_is_an_answer() -> None:
    chance = random.Random(3)
    for whole in (annex(), packed(annexes.script_by_name)):
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 9)):
                data[chance.randrange(8, len(data))] = chance.randrange(256)
            assert all(one.code and one.cause for one in look("annex.pdf", bytes(data)))
