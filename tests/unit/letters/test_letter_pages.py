"""Copy-fitting, pages that run on, marks of Markdown in every form, and the typographic pass."""

from __future__ import annotations

from dataclasses import replace

import pypdfium2
import pytest
from letterbook import Own, pdf_text

from dispatcher.domain.errors import TemplateError
from dispatcher.letters import Order
from dispatcher.letters.languages import LANGUAGES
from dispatcher.letters.typography import clean, finish

SENTENCE = "We should be grateful for an early reply to the questions that this letter raises with your Government. "
EN = LANGUAGES["en"]


def _sizes(pdf: bytes) -> list[float]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0].get_textpage()
        return [pypdfium2.raw.FPDFText_GetFontSize(page, i) for i in range(page.count_chars())]
    finally:
        document.close()


def _body_size(pdf: bytes) -> float:
    sizes = _sizes(pdf)
    return round(max(set(sizes), key=sizes.count), 2)


def _letter(paragraphs: int) -> str:
    return "\n\n".join(f"Paragraph {n}. {SENTENCE * 4}" for n in range(paragraphs))


def test_a_short_letter_is_large_a_longer_one_smaller_and_both_have_one_page(own: Own, order: Order) -> None:
    mine = replace(order, letter="own")
    short, longer = (own(_letter(n)).render(mine) for n in (2, 6))
    assert (short.pages, longer.pages) == (1, 1)
    assert _body_size(short.parts["pdf"]) > 11
    assert 10.2 <= _body_size(longer.parts["pdf"]) < 11.2


def test_a_letter_too_long_for_one_page_runs_on_under_a_line_that_names_it(own: Own, order: Order) -> None:
    rendered = own(_letter(11)).render(replace(order, letter="own"))
    assert (rendered.pages, rendered.fax_pages) == (2, 2)
    first, second = _page_texts(rendered.parts["pdf"])
    assert "Maison de la Paix" in first
    assert "Maison de la Paix" not in second
    running = "H.E. Mr. Vladimir Vladimirovich Putin · Geneva, 1 October 2015 2/2"
    assert " ".join(second.splitlines()[0].split()) == running
    assert "Megan Burke" in second
    assert _body_size(rendered.parts["pdf"]) > 10.8


def _page_texts(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_range().replace("\N{NO-BREAK SPACE}", " ") for page in document]
    finally:
        document.close()


def test_a_fax_of_many_pages_brings_a_warning_and_a_book_is_refused(own: Own, order: Order) -> None:
    mine = replace(order, letter="own")
    assert [problem.code for problem in own(_letter(25)).render(mine).warnings] == [
        "W_LETTER_PAGES",
        "W_FAX_PAGES",
    ]
    with pytest.raises(TemplateError, match="pages"):
        own("A paragraph of its own.\n\n" * 580).render(mine)


def test_every_mark_arrives_in_every_form(own: Own, order: Order) -> None:
    body = (
        "## Points\n\nSome *soft* and **loud** words, the 1^st^ of two\\\nlines, see [the text](https://example.org/t)."
        "\n\n- one\n- two\n\n3. three\n4. four\n\n> A quotation.\n"
    )
    parts = own(body).render(replace(order, letter="own")).parts
    page, text = parts["html"].decode(), parts["text"].decode()
    for mark in ("<h2 ", "<em>soft</em>", "<strong>loud</strong>", "1<sup>st</sup>", "<br>", "<ul ", '<ol start="3"'):
        assert mark in page
    assert '<a href="https://example.org/t"' in page
    for line in ("the text (https://example.org/t)", "  - one\n  - two", "  3. three\n  4. four", "    A quotation."):
        assert line in text
    assert "the text (https://example.org/t)" in " ".join(pdf_text(parts["fax_pdf"]).split())
    assert "(https://example.org/t)" not in pdf_text(parts["pdf"])


def test_quotation_marks_and_apostrophes_are_typographic(own: Own, order: Order) -> None:
    body = """The "so-called 'rules'" of {{ contact.name }}'s office."""
    contact = replace(order.contact, name="Maeve O'Neill")
    text = own(body).render(replace(order, letter="own", contact=contact)).parts["text"].decode()
    assert "The “so-called ‘rules’” of Maeve O’Neill’s office." in text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("H.E. Mr. Putin", "H.E.\u00a0Mr.\u00a0Putin"),
        ("on 1 October 2015 and 30 September", "on 1\u00a0October\u00a02015 and 30\u00a0September"),
        ("  a\n b\t\tc ", "a b c"),
        ("e\u0301", "é"),
        ("Mayor of 103132 May", "Mayor of 103132 May"),
    ],
)
def test_the_typographic_pass_binds_and_cleans(given: str, expected: str) -> None:
    assert finish(given, EN) == expected


def test_cleaning_twice_changes_nothing() -> None:
    text = "\u202ea\ue000b\u0301\r\nc\x00 d"
    assert clean(clean(text)) == clean(text) == "ab\u0301 c d"
