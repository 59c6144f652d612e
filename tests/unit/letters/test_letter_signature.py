"""The picture of a signature: where it stands, that it is black on a fax, and every file that is refused."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from golden import SIX
from hands import HEAD, SIGNER, SVG, png, put_entry, put_picture, templates_with
from letter_people import order_in
from letterbook import Seed
from PIL import Image, ImageChops

from dispatcher.domain.errors import Problem, TemplateError
from dispatcher.letters import Order, Printer

_raw = pypdfium2.raw
_NAMESPACE = "http://www.w3.org/2000/svg"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return templates_with(tmp_path_factory.mktemp("hands"))


@pytest.fixture(scope="module")
def hand(folder: Path) -> Printer:
    return Printer(folder)


@pytest.fixture(autouse=True)
def _the_usual_picture(folder: Path) -> Iterator[None]:
    yield
    put_picture(folder, SVG, "hand.svg")


def _drawn(pdf: bytes, scale: float = 3) -> Image.Image:
    """The last page, which is the one that is signed."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        image: Image.Image = document[len(document) - 1].render(scale=scale).to_pil().convert("RGB")
        return image
    finally:
        document.close()


def _lines(pdf: bytes) -> list[tuple[str, float]]:
    """Every character of the last page and its height on it, in points."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        text = document[len(document) - 1].get_textpage()
        return [(text.get_text_range(n, 1), round(text.get_charbox(n)[1], 2)) for n in range(text.count_chars())]
    finally:
        document.close()


def _alternative(pdf: bytes) -> list[str]:
    """What a screen reader says for each picture of the first page."""
    document = pypdfium2.PdfDocument(pdf)
    tree = _raw.FPDF_StructTree_GetForPage(document[0])
    try:
        tops = [_raw.FPDF_StructTree_GetChildAtIndex(tree, n) for n in range(_raw.FPDF_StructTree_CountChildren(tree))]
        return [text for top in tops for text in _said(top)]
    finally:
        _raw.FPDF_StructTree_Close(tree)
        document.close()


def _said(element: object) -> Iterator[str]:
    length = _raw.FPDF_StructElement_GetAltText(element, None, 0)
    if length > 2:
        buffer = ctypes.create_string_buffer(length)
        _raw.FPDF_StructElement_GetAltText(element, buffer, length)
        yield buffer.raw.decode("utf-16-le").rstrip("\0")
    for n in range(max(_raw.FPDF_StructElement_CountChildren(element), 0)):
        if child := _raw.FPDF_StructElement_GetChildAtIndex(element, n):
            yield from _said(child)


@pytest.mark.parametrize("tag", SIX)
def test_it_stands_between_closing_and_name_and_moves_no_line(seed: Seed, hand: Printer, tag: str) -> None:
    bare, signed = seed(tag).parts, hand.render(order_in(tag)).parts
    for name in ("pdf", "fax_pdf"):
        assert _lines(signed[name]) == _lines(bare[name])
        box = ImageChops.difference(_drawn(bare[name]), _drawn(signed[name])).getbbox() or (0, 0, 0, 0)
        wide, high = (length / 3 / 72 * 25.4 for length in (box[2] - box[0], box[3] - box[1]))
        assert 15 < wide <= 62.5
        assert 5 < high < 20


def test_a_screen_reader_says_whose_it_is_in_the_letters_language(folder: Path, order: Order) -> None:
    assert _alternative(Printer(folder).render(order).parts["pdf"]) == ["Signature of Megan Burke"]
    words = (folder / HEAD / "letterhead.toml").read_text()
    french = words.replace('"Geneva" = "Genève",', '"Geneva" = "Genève", "Signature of Megan Burke" = "Signature",')
    assert french != words
    (folder / HEAD / "letterhead.toml").write_text(french)
    assert _alternative(Printer(folder).render(order_in("fr")).parts["fax_pdf"]) == ["Signature"]


@pytest.mark.parametrize(("picture", "name"), [(SVG, "hand.svg"), (png(), "hand.png")])
def test_it_is_in_colour_in_print_and_pure_black_on_the_fax(
    folder: Path, seed: Seed, order: Order, picture: str | bytes, name: str
) -> None:
    put_picture(folder, picture, name)
    parts = Printer(folder).render(order).parts
    assert _coloured(parts["pdf"], seed("en").parts["pdf"])
    fax = _drawn(parts["fax_pdf"], 6)
    red, green, blue = fax.split()
    assert ImageChops.difference(red, green).getbbox() is None
    assert ImageChops.difference(green, blue).getbbox() is None
    ink = _picture(fax, seed)
    black, grey = sum(ink.histogram()[:32]), sum(ink.histogram()[32:224])
    assert black > 2 * grey, "grey at the edges of a stroke alone, where dots are divided"


def _coloured(pdf: bytes, bare: bytes) -> bool:
    red, _, blue = ImageChops.difference(_drawn(pdf), _drawn(bare)).split()
    return ImageChops.difference(red, blue).getbbox() is not None


def _picture(fax: Image.Image, seed: Seed) -> Image.Image:
    bare = _drawn(seed("en").parts["fax_pdf"], 6)
    return fax.crop(ImageChops.difference(bare, fax).getbbox()).convert("L")


def test_mail_carries_no_picture_but_the_one_in_the_pdf(hand: Printer, seed: Seed, order: Order) -> None:
    signed, bare = hand.render(order).parts, seed("en").parts
    assert (signed["html"], signed["text"]) == (bare["html"], bare["text"])


def test_somebody_else_signs_without_it(hand: Printer, printer: Printer, order: Order) -> None:
    other = replace(order, sender=replace(order.sender, name="Anna Example"))
    assert hand.render(other).parts["pdf"] == printer.render(other).parts["pdf"]


def test_the_same_picture_gives_the_same_bytes_and_another_one_another_digest(folder: Path, order: Order) -> None:
    one, two = Printer(folder), Printer(folder)
    assert one.render(order).parts == two.render(order).parts
    before = one.inputs_digest(order)
    put_picture(folder, SVG.replace("M5 60", "M5 61"), "hand.svg")
    assert one.inputs_digest(order) != before


def test_white_paper_and_what_is_hidden_in_the_drawing_stay_white_on_the_fax(
    folder: Path, seed: Seed, order: Order
) -> None:
    whole = '<rect width="300" height="90" '
    paper = f'{whole}fill="#fefefe"/>{whole}opacity="10%"/>{whole}style="display: none"/>'
    put_picture(folder, SVG.replace("<g style=", f"{paper}<g style="), "hand.svg")
    fax = _drawn(Printer(folder).render(order).parts["fax_pdf"], 6)
    ink = _picture(fax, seed)
    assert ink.histogram()[255] > 0.6 * ink.width * ink.height


def _svg(inner: str) -> str:
    return f'<svg xmlns="{_NAMESPACE}" viewBox="0 0 9 9">{inner}</svg>'


_LINE = '<path d="M0 0L9 9" stroke="black"/>'
_HUGE = png((5, 5))[:16] + (30000).to_bytes(4, "big") * 2 + png((5, 5))[24:]


@pytest.mark.parametrize(
    ("name", "picture", "cause"),
    [
        ("a.svg", b"", "is not an SVG"),
        ("a.svg", b"hello", "is not an SVG"),
        ("a.svg", b"\xff\xfe<\0s\0v\0g\0", "is not an SVG"),
        ("a.svg", "<html><body/></html>", "is not an SVG"),
        ("a.svg", f'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="{_NAMESPACE}">{_LINE}</svg>', "is not an SVG"),
        ("a.svg", _svg(""), "draws nothing"),
        ("a.svg", f'<svg xmlns="{_NAMESPACE}">{_LINE}</svg>', "does not say its size"),
        ("a.svg", _svg(_LINE + "<script>alert(1)</script>"), "holds <script>"),
        ("a.svg", _svg('<path d="M0 0L9 9" onload="alert(1)"/>'), "holds a script (onload)"),
        ("a.svg", _svg('<image href="https://example.org/x.png"/>'), "holds <image>"),
        ("a.svg", _svg('<a href="https://example.org"><path d="M0 0"/></a>'), "holds <a>"),
        ("a.svg", _svg("<style>@import 'https://example.org/x.css'</style>" + _LINE), "holds <style>"),
        ("a.svg", _svg("<foreignObject/>" + _LINE), "holds <foreignObject>"),
        ("a.svg", _svg("<text>Megan</text>"), "holds <text>"),
        ("a.svg", _svg(f"<defs>{_LINE}</defs>{_LINE}"), "holds <defs>"),
        ("a.svg", _svg('<path d="M0 0L9 9" style="fill:url(#g)"/>'), "paints with url(#g)"),
        ("a.svg", _svg("<g>" * 40 + _LINE + "</g>" * 40), "nested deeper"),
        ("a.svg", _svg(_LINE) + " " * 300_000, "longer than 256 KB"),
        ("a.png", b"hello", "is not a PNG"),
        ("a.png", png()[:200], "is not a PNG"),
        ("a.png", SVG, "is not a PNG"),
        ("a.png", png((120, 40)), "has 120 × 40 dots"),
        ("a.png", png((4100, 40)), "has 4100 × 40 dots"),
        ("a.png", _HUGE, "has 30000 × 30000 dots"),
        ("a.png", png(ink="#f0f0f0"), "too pale"),
        ("a.gif", b"GIF89a", "neither an SVG nor a PNG"),
    ],
)
def test_what_is_no_fit_picture_is_refused(
    folder: Path, hand: Printer, order: Order, name: str, picture: str | bytes, cause: str
) -> None:
    put_picture(folder, picture, name)
    problem = _refused(hand, order)
    assert cause in problem.cause
    assert problem.code == "E_TPL_PICTURE"
    assert problem.place == f'{HEAD}/letterhead.toml [signatures."{SIGNER}"] {name}'


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ('picture = "gone.svg"\nalt = "x"', "there is no such picture"),
        ('picture = "../letterhead.toml"\nalt = "x"', "picture has the wrong form"),
        ('picture = "hand.svg"\nalt = " "', "alt has the wrong form"),
        ('picture = "hand.svg"', "alt is missing"),
        ('alt = "x"', "picture is missing"),
        ('picture = "hand.svg"\nalt = "x"\nheight = 3', "unknown key height"),
    ],
)
def test_an_entry_that_is_no_good_is_refused_by_the_check_too(
    folder: Path, hand: Printer, order: Order, entry: str, cause: str
) -> None:
    put_entry(folder, entry)
    assert cause in _refused(hand, order).cause
    found = hand.check("air-strikes", order.organisation, "en")
    assert [cause in problem.cause for problem in found] == [True]


def _refused(printer: Printer, order: Order) -> Problem:
    with pytest.raises(TemplateError) as caught:
        printer.render(order)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].way_out
    return caught.value.problems[0]


def test_a_letterhead_says_what_language_its_words_are_in(folder: Path, order: Order) -> None:
    file = folder / HEAD / "letterhead.toml"
    english = file.read_text()
    assert 'language = "en"' in english
    file.write_text(english.replace('language = "en"', 'language = "fr"'))
    html = Printer(folder).render(order).parts["html"].decode()
    assert '<div lang="fr" dir="ltr" style="text-align:center">' in html
    file.write_text(english.replace('language = "en"', 'language = "de"'))
    assert "language has the wrong form" in _refused(Printer(folder), order).cause
