"""The cover page of a fax: its words in six languages, its page, and the letter behind it, which stays as it was."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from annexes import annex
from covers import FOLDER, NOTE, covered, first_page
from golden import SIX, TOLERANCE, difference
from letter_people import order_in
from letterbook import Own, pdf_text, words
from PIL import Image, ImageChops
from verapdf.judge import Judge

from dispatcher.domain.errors import TemplateError
from dispatcher.letters import Order, Printer, Rendered
from dispatcher.letters.address import CoverNote
from dispatcher.letters.enclosure import Enclosure
from dispatcher.letters.languages import LANGUAGES
from dispatcher.resources import resource

Box = tuple[float, float, float, float]


def _page(tiff: bytes, number: int) -> Image.Image:
    with Image.open(io.BytesIO(tiff)) as image:
        image.seek(number)
        return image.convert("L")


def _first_page_text(rendered: Rendered) -> str:
    document = pypdfium2.PdfDocument(rendered.parts["fax_pdf"])
    try:
        return str(document[0].get_textpage().get_text_range())
    finally:
        document.close()


@pytest.fixture(scope="module")
def english(printer: Printer, order: Order) -> Rendered:
    return printer.render(covered(order))


def test_it_says_from_whom_to_whom_and_how_many_pages(english: Rendered) -> None:
    said = " ".join(words(_first_page_text(english)))
    for part in (
        "Fax To H.E. Mr. Vladimir Vladimirovich Putin President Staraya pl. 42 103132 Moscow Russian Federation",
        "Fax +442079460123",
        "From Megan Burke Director Cluster Munition Coalition Fax +41 22 920 1115",
        "Date 1 October 2015",
        "Subject Air strikes in the Syrian Arab Republic",
        "included 2",
        "Copies to H.E. Mr. Alexey Borodavkin, Ambassador and Permanent Representative Fax +441632960101",
        "Remarks The original follows by post.",
        "please tell us: Telephone +41 22 920 0320 Email info@icblcmc.org",
    ):
        assert part in said


def test_the_letter_behind_it_is_the_same_page_and_the_mail_has_no_cover(
    printer: Printer, order: Order, english: Rendered
) -> None:
    plain = printer.render(order)
    assert (plain.fax_pages, english.fax_pages, english.pages) == (1, 2, 1)
    for part in ("pdf", "html", "text", "entity"):
        assert english.parts[part] == plain.parts[part]
    before, behind = _page(plain.parts["tiff"], 0), _page(english.parts["tiff"], 1)
    assert ImageChops.difference(before, behind).getbbox() is None


def test_a_letter_of_several_pages_keeps_its_own_numbers(own: Own, order: Order) -> None:
    long = "\n\n".join("A paragraph of some length that is here to fill the page. " * 6 for _ in range(13))
    mine = replace(order, letter="own", copies=())
    rendered = own(long).render(covered(mine, CoverNote("+442079460123", ())))
    assert rendered.fax_pages == 3
    assert "2/2" in pdf_text(rendered.parts["fax_pdf"])
    assert "3/3" not in pdf_text(rendered.parts["fax_pdf"])
    assert "included 3" in " ".join(words(_first_page_text(rendered)))


@pytest.mark.parametrize("tag", SIX)
def test_it_speaks_the_letters_language_and_keeps_both_standards(judge: Judge, printer: Printer, tag: str) -> None:
    rendered = printer.render(covered(order_in(tag)))
    said, labels = _first_page_text(rendered), LANGUAGES[tag].cover
    # Arabic text comes out of a PDF in the order and the shapes of its glyphs; its labels are looked at in pictures.
    if tag != "ar":
        flat = " ".join(words(said))
        wanted = (labels.to, labels.sender, labels.copies, labels.remarks, labels.missing, labels.phone)
        assert [label for label in wanted if " ".join(words(label)) not in flat] == []
    assert "+442079460123" in said
    with Image.open(FOLDER / f"{tag}.png") as golden:
        assert difference(first_page(rendered), golden.convert("1")) < TOLERANCE
    assert judge.faults(rendered.parts["fax_pdf"]) == []
    assert not [one for one in rendered.warnings if one.code.startswith("W_LEGIBLE")]


def test_a_number_keeps_its_order_on_an_arabic_page(printer: Printer) -> None:
    document = pypdfium2.PdfDocument(printer.render(covered(order_in("ar"))).parts["fax_pdf"])
    text = document[0].get_textpage()
    last = _box(text, "1115")
    others = [_box(text, group, beside=last) for group in ("+41", "22", "920")]
    assert others == sorted(others)
    assert others[-1] < last
    document.close()


def _box(text: pypdfium2.PdfTextPage, wanted: str, beside: Box | None = None) -> Box:
    """Where it stands first, or first on the line of `beside`: left, bottom, right, top."""
    found = text.search(wanted)
    while hit := found.get_next():
        box: Box = text.get_charbox(hit[0])
        if beside is None or abs(box[1] - beside[1]) < 3:
            return box
    raise AssertionError(f"{wanted} is not there")


def test_what_is_not_known_has_no_row(printer: Printer, order: Order) -> None:
    bare = printer.render(covered(replace(order, copies=()), CoverNote("", ())))
    said = words(_first_page_text(bare))
    for label in ("Copies", "Remarks", "Attachments", "+442079460123"):
        assert label not in said


def test_many_copies_make_it_smaller_and_too_many_are_refused(printer: Printer, order: Order) -> None:
    def with_copies(count: int) -> Rendered:
        copies = tuple(replace(order.copies[0], id=f"copy-{n}") for n in range(count))
        note = CoverNote("+442079460123", tuple(f"+4416329601{n:02}" for n in range(count)))
        return printer.render(covered(replace(order, copies=copies), note))

    few = with_copies(8)
    assert few.fax_pages == few.pages + 1
    with pytest.raises(TemplateError, match="E_FAX_COVER the fax cover page does not fit"):
        with_copies(40)


def test_a_letterhead_without_any_way_to_reach_us_is_told(own: Own, order: Order, tmp_path: object) -> None:
    printer = own("Words.")
    path = printer._templates / "letterheads/cluster-munition-coalition/letterhead.toml"
    kept = path.read_text(encoding="utf-8")
    lines = [line for line in kept.splitlines(True) if not line.startswith(("phone", "email"))]
    path.write_text("".join(lines), encoding="utf-8")
    try:
        with pytest.raises(TemplateError, match="E_FAX_COVER gives neither phone nor email"):
            printer.render(covered(replace(order, letter="own")))
    finally:
        path.write_text(kept, encoding="utf-8")


def test_remarks_are_shown_as_they_are_written(printer: Printer, order: Order) -> None:
    text = '#import "x" {{ 7*7 }} *star* _line_ "]); #panic("p") =?utf-8?q?=41?= \\u{41} $x$ <b>'
    rendered = printer.render(covered(order, replace(NOTE, remarks=text)))
    assert text in " ".join(_first_page_text(rendered).split())


def test_a_character_that_no_typeface_has_is_named_with_its_place(printer: Printer, order: Order) -> None:
    with pytest.raises(TemplateError, match=r"E_TPL_GLYPH .*the fax cover page"):
        printer.render(covered(order, replace(NOTE, remarks="Thanks \U0001f600")))


def test_the_same_order_gives_the_same_cover(printer: Printer, order: Order, english: Rendered) -> None:
    assert printer.render(covered(order)).parts == english.parts


def test_remarks_are_said_in_the_letters_language_where_the_letterhead_knows_them(own: Own, order: Order) -> None:
    printer = own("---\nsubject: Une affaire\nlanguage: fr\nclosing: Cordialement,\n---\nVoici.")
    folder = printer._templates / "letters/own"
    (folder / "en.md").rename(folder / "fr.md")
    path = printer._templates / "letterheads/cluster-munition-coalition/letterhead.toml"
    kept = path.read_text(encoding="utf-8")
    known = 'words = { "Original follows by post" = "L\'original suit par la poste",'
    path.write_text(kept.replace('words = { "Geneva" = "Genève",', f'{known} "Geneva" = "Genève",'), encoding="utf-8")
    try:
        contact = replace(order.contact, language="fr")
        mine = replace(order, letter="own", contact=contact)
        rendered = printer.render(covered(mine, replace(NOTE, remarks="Original follows by post")))
    finally:
        path.write_text(kept, encoding="utf-8")
        (folder / "fr.md").unlink()
    assert "original suit par la poste" in _first_page_text(rendered)


def test_a_cover_template_that_was_broken_is_found_without_a_contact(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(resource("templates"), folder)
    assert Printer(folder).check("air-strikes", "cluster-munition-coalition", "en") == []
    page = folder / "typst/cover.typ"
    page.write_text(page.read_text(encoding="utf-8").replace("c.missing", "c.mising"), encoding="utf-8")
    [found] = Printer(folder).check("air-strikes", "cluster-munition-coalition", "en")
    assert found.code == "E_TPL_PAGE"
    assert "mising" in found.cause


def test_no_word_is_so_long_that_it_runs_off_the_page(judge: Judge, printer: Printer, order: Order) -> None:
    name = "an-annex-with-a-name-that-nobody-shortened_" * 2 + ".pdf"
    long = replace(order, enclosures=(Enclosure(name, "", annex(), 1),))
    rendered = printer.render(covered(long, replace(NOTE, remarks="https://example.org/" + "x" * 280)))
    box = ImageChops.invert(first_page(rendered).convert("L")).getbbox()
    assert box
    assert box[2] < 1728 - 150
    assert "W_LEGIBLE_EDGE" not in [one.code for one in rendered.warnings]
    alone = printer.render(covered(order, replace(NOTE, remarks="x" * 280)))
    assert judge.faults(alone.parts["fax_pdf"]) == []
