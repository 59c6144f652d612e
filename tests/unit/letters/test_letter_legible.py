"""Pages with one offence each, made by Typst: each is seen, named with its place, and gone when the offence is."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
import typst
from letter_people import order_in
from PIL import Image, ImageDraw

from dispatcher.domain.errors import Problem
from dispatcher.letters import Printer, fax
from dispatcher.letters.address import CoverNote
from dispatcher.letters.legibility import Inspector, inspect
from dispatcher.resources import resource

PAGE = '#set page(paper: "a4", margin: 25mm)\n#set text(font: "Libertinus Serif", size: 11pt)\n'
BODY = "The Coalition writes to Your Excellency about the matter of which it has written before.\n\n" * 6


def pdf_of(body: str, page: str = PAGE, root: Path | None = None) -> bytes:
    made = typst.compile((page + body).encode(), format="pdf", ignore_system_fonts=True, root=root)
    assert isinstance(made, bytes)
    return made


def found(body: str, page: str = PAGE, root: Path | None = None) -> dict[str, Problem]:
    problems = inspect(pdf_of(body, page, root), "contact ardesia")
    codes = [problem.code for problem in problems]
    assert len(codes) == len(set(codes)), "one finding per kind and page"
    return {problem.code: problem for problem in problems}


#: code, the offence, the same without it, and words that the finding must hold.
OFFENCES = [
    ("W_LEGIBLE_GREY", "#text(fill: luma(60%))[Grey words]", "Grey words", "“Grey words”"),
    ("W_LEGIBLE_GREY", "#line(length: 5cm, stroke: 2pt + luma(60%))", "#line(length: 5cm, stroke: 2pt)", "a line"),
    (
        "W_LEGIBLE_REVERSED",
        "#rect(fill: black, height: 8mm, text(fill: white)[White on black])",
        "#rect(height: 8mm)[White on black]",
        "“White on black”",
    ),
    ("W_LEGIBLE_TINT", "#rect(fill: luma(80%))[A note]", "#rect[A note]", "a field of"),
    ("W_LEGIBLE_TINT", "#rect(fill: yellow, width: 5cm)[A note]", "#rect(width: 5cm)[A note]", "a field of 50"),
    (
        "W_LEGIBLE_TINT",
        "#rect(fill: gradient.linear(white, black), width: 5cm, height: 2cm)",
        "#rect(width: 5cm, height: 2cm)",
        "a run of shades",
    ),
    (
        "W_LEGIBLE_BLOCK",
        "#rect(fill: navy, width: 6cm, height: 2cm)",
        "#rect(width: 6cm, height: 2cm)",
        "a field of 60 × 20 mm",
    ),
    ("W_LEGIBLE_HAIRLINE", "#line(length: 5cm, stroke: .3pt)", "#line(length: 5cm, stroke: 1pt)", "a line or frame"),
    ("W_LEGIBLE_HAIRLINE", "#rect(width: 5cm, height: .3pt, fill: black)", "#line(length: 5cm)", "a line of 50 × 0 mm"),
    ("W_LEGIBLE_SMALL", "#text(7.5pt)[The small print]", "#text(9pt)[The small print]", "“The small print”"),
    ("W_LEGIBLE_BODY", f"#text(9.4pt)[{BODY * 3}]", f"#text(10pt)[{BODY * 3}]", "“The Coalition writes"),
    ("W_LEGIBLE_BLACK", "#rect(fill: black, width: 16cm, height: 24cm)", "#rect(width: 9cm, height: 9cm)", "are black"),
    (
        "W_LEGIBLE_STRIP",
        "#place(top, dy: -18mm)[Ref. 17/2026]",
        "#place(top, dy: -12mm)[Ref. 17/2026]",
        "“Ref. 17/2026”",
    ),
    (
        "W_LEGIBLE_EDGE",
        "#place(right, dx: 40mm)[Beyond the edge]",
        "#place(right, dx: 10mm)[Beyond the edge]",
        "“Beyond",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "offence", "mended", "words"), OFFENCES, ids=[f"{o[0]}-{i}" for i, o in enumerate(OFFENCES)]
)
def test_an_offence_is_seen_and_is_gone_when_it_is_mended(code: str, offence: str, mended: str, words: str) -> None:
    seen = found(f"{BODY}\n\n{offence}")
    assert code in seen
    assert words in seen[code].cause
    assert seen[code].place.startswith("contact ardesia, fax page ")
    assert seen[code].way_out
    assert found(f"{BODY}\n\n{mended}") == {}


def test_the_place_is_told_in_millimetres_on_its_page() -> None:
    seen = found("#pagebreak()#place(top, dy: 75mm, text(fill: luma(60%))[Pale words])")["W_LEGIBLE_GREY"]
    assert seen.place == "contact ardesia, fax page 2"
    assert seen.cause.startswith(("100 mm from the top", "101 mm from the top"))


def test_one_kind_is_told_once_a_page_with_the_number_of_places() -> None:
    pale = "#text(fill: luma(60%))[Pale words]\n\n"
    assert "and so in one more place" in found(pale * 2)["W_LEGIBLE_GREY"].cause
    assert "and so in 9 more places" in found(pale * 10)["W_LEGIBLE_GREY"].cause


def test_a_stamp_that_is_laid_over_the_page_is_seen_in_the_strip() -> None:
    with pikepdf.open(io.BytesIO(pdf_of(BODY))) as document:
        black = document.make_stream(b"0 g 0 0 100 10 re f", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
        black.BBox = pikepdf.Array([0, 0, 100, 10])
        stamp = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Stamp,
            Rect=pikepdf.Array([100, 825, 200, 835]),
            F=4,
            AP=pikepdf.Dictionary(N=black),
        )
        document.pages[0].Annots = document.make_indirect(pikepdf.Array([document.make_indirect(stamp)]))
        out = io.BytesIO()
        document.save(out)
    [problem] = inspect(out.getvalue(), "x")
    assert (problem.code, problem.cause[:40]) == ("W_LEGIBLE_STRIP", "0 mm from the top: something stands in t")


def test_a_raised_figure_is_no_small_print() -> None:
    assert found(BODY + "The 1#super[st] of October, and a note.#super[2]") == {}


def test_words_in_a_scaled_drawing_have_the_size_at_which_they_are_printed() -> None:
    assert "W_LEGIBLE_SMALL" in found("#scale(60%, reflow: true)[Words in a drawing that was made smaller]")
    assert found("#scale(120%, reflow: true)[Words in a drawing that was made larger]") == {}


def test_a_photograph_is_seen_and_a_line_drawing_is_not(tmp_path: Path) -> None:
    body = '#image("picture.png", width: 8cm)'
    shades, lines = Image.linear_gradient("L").resize((400, 300)), Image.new("L", (400, 300), 255)
    shades.save(tmp_path / "picture.png")
    assert "something of 80 × 60 mm is a picture" in found(body, root=tmp_path)["W_LEGIBLE_PICTURE"].cause
    ImageDraw.Draw(lines).line([(10, 10), (390, 290)], fill=0, width=6)
    lines.save(tmp_path / "picture.png")
    assert found(body, root=tmp_path) == {}


def test_a_page_that_takes_long_is_told_with_its_seconds(tmp_path: Path) -> None:
    coarse = Image.effect_noise((600, 800), 90).point(lambda grey: 255 * (grey > 140))
    coarse.save(tmp_path / "picture.png")
    body = '#image("picture.png", width: 16cm)'
    seen = found(body, root=tmp_path)
    assert "seconds on the line, where 90 are long" in seen["W_LEGIBLE_SLOW"].cause
    assert "W_LEGIBLE_SLOW" not in found(body.replace("16cm", "4cm"), root=tmp_path)


def test_what_the_line_of_1728_dots_does_not_hold_is_cut_off() -> None:
    wide = "#set page(width: 216mm, height: 297mm, margin: (x: 25mm, y: 25mm))\n"
    assert "is cut off" in found("#place(left, dx: -25mm)[At the very edge]", wide)["W_LEGIBLE_EDGE"].cause
    assert found("#place(left, dx: -15mm)[At the very edge]", wide) == {}


def test_a_page_that_lies_on_its_side_is_looked_at_as_it_is_drawn() -> None:
    lying = "#set page(width: 297mm, height: 210mm, margin: 25mm)\n"
    assert found(BODY, lying) == {}
    assert found("#place(left, dx: -18mm)[At the left]", lying).keys() == {"W_LEGIBLE_STRIP"}


def test_a_page_that_is_made_smaller_has_smaller_type() -> None:
    poster = '#set page(paper: "a2", margin: 60mm)\n'
    assert "W_LEGIBLE_SMALL" in found(BODY, poster)
    assert found(f"#text(24pt)[{BODY}]", poster) == {}


@pytest.mark.parametrize("tag", ["ar", "en", "es", "fr", "ru", "zh"])
def test_our_own_letters_raise_no_alarm(printer: Printer, tag: str) -> None:
    order = order_in(tag)
    rendered = printer.render(replace(order, cover=CoverNote("+41225550100", ("",) * len(order.copies), "Urgent")))
    assert [one for one in rendered.warnings if one.code.startswith("W_LEGIBLE")] == []
    looked = Inspector("print edition", 8.0)
    assert looked.findings(fax.fax_pages(rendered.parts["pdf"], looked.look)) == []


def test_a_letterhead_in_a_pale_colour_is_told_for_the_contact_whose_fax_it_spoils(tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(resource("templates"), templates)
    head = templates / "letterheads/cluster-munition-coalition/letterhead.toml"
    pale = head.read_text("utf-8").replace("fax_edition = true", "fax_edition = false").replace("#7b1e2e", "#d8b45a")
    head.write_text(pale, "utf-8")
    seen = [one for one in Printer(templates).render(order_in("en")).warnings if one.code.startswith("W_LEGIBLE")]
    assert [(one.code, one.place) for one in seen] == [("W_LEGIBLE_GREY", "contact ru-president, fax page 1")]
    assert "CLUSTER MUNITION COALITION" in seen[0].cause
