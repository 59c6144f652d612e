"""Whatever stands in the data is shown as it stands: it is never Markdown, Jinja, Typst or HTML."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from letterbook import Own, html_text, pdf_text, words

from dispatcher.letters import Order, Printer

HOSTILE = [
    "*stars* and **more**", "_low_ __lines__", "# heading", "- item", "1. item", "> quote", "`code`", "~~~", "---",
    "[text](javascript:alert(1))", "![image](https://example.org/x.png)", "<script>alert(1)</script>", "<b>bold</b>",
    "&amp; &lt; &#65;", "a | b", "\\*escaped\\* \\", "{{ 7*7 }}", "{% for i in x %}", "{# gone #}", "${7*7} #{7*7}",
    '#import "x": *', '"]); #panic("p")', "\\u{41}", '"+read("/etc/passwd")+"', "$x^2$ @label <label>",
    "#text(red)[x]", "= Heading", "/ Term: x", "^sup^ and ^1^", "%1000000000d %s {0}", "https://example.org/?a=1&b=2",
    "'quoted' \"twice\"", "-- ", "=_m_boundary", "From here", "Bcc: a@b.example", "None of us", "o'neill--x...",
]  # fmt: skip

#: A mark of ASCII, and the same with the backslash that makes it plain in Markdown.
MARK, BACKSLASHED = r"([!-/:-@\[-`{-~])", r"\\\1"


def _bare(text: str) -> str:
    """Without spaces, so that a line broken anywhere is still the same text."""
    return "".join(words(text))


#: Each field in the middle of every mark of Markdown, and at the beginning of a line.
AROUND = """{% for copy in copies %}
{{ copy.state }} begins; *{{ copy.state }}* **{{ copy.state }}** [{{ copy.state }}](https://example.org/a)

- {{ copy.state }}

> {{ copy.state }}
{% endfor %}"""


@pytest.fixture(scope="module")
def printed(own: Own, order: Order) -> list[str]:
    """One letter with every hostile text as a name, a state and a street; what three writers made of it."""
    copies = tuple(replace(order.contact, name=f"N{t}N", state=f"S{t}S") for t in HOSTILE)
    contact = replace(order.contact, postal=tuple(f"P{text}P" for text in HOSTILE))
    parts = own(AROUND).render(replace(order, letter="own", contact=contact, copies=copies)).parts
    # A page's running line and its contact lines may stand between two lines of a paragraph: leave them out.
    pages = re.sub(
        r"H\.E\.\sMr\.\sVladimir[^\n]*\d+/\d+|Maison de la Paix.*?munitions\.org",
        "",
        pdf_text(parts["pdf"]),
        flags=re.DOTALL,
    )
    return [_bare(pages), _bare(html_text(parts["html"])), _bare(parts["text"].decode())]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_a_state_and_a_street_are_shown_as_they_are(printed: list[str], text: str) -> None:
    for shown in printed:
        assert _bare(f"N{text}N") in shown
        assert _bare(f"P{text}P") in shown
        assert shown.count(_bare(f"S{text}S")) == 6


def test_hostile_text_leaves_no_mark_in_the_page(printer: Printer, order: Order) -> None:
    contact = replace(order.contact, name="<script>x</script>", state='" onload="x', salutation="<img src=x>")
    page = printer.render(replace(order, contact=contact)).parts["html"].decode()
    assert "<script" not in page
    assert "<img" not in page
    assert 'onload="' not in page


@pytest.fixture(scope="module")
def bodies(own: Own, order: Order) -> list[str]:
    """Every hostile text as a paragraph whose every mark is escaped, in one letter; what three writers made of it."""
    paragraphs = (f"Before {re.sub(MARK, BACKSLASHED, text)} after." for text in HOSTILE if "{" not in text)
    parts = own("\n\n".join(paragraphs)).render(replace(order, letter="own")).parts
    return [_bare(pdf_text(parts["pdf"])), _bare(html_text(parts["html"])), _bare(parts["text"].decode())]


@pytest.mark.parametrize("text", [text for text in HOSTILE if "{" not in text])
def test_a_body_whose_marks_are_escaped_is_shown_as_it_is(text: str, bodies: list[str]) -> None:
    for shown in bodies:
        assert _bare(f"Before {text} after.") in shown


def test_a_field_within_marks_keeps_its_own_marks(own: Own, order: Order) -> None:
    contact = replace(order.contact, name="a*b_c]d(e")
    page = own("Dear *{{ contact.name }}*, **{{ contact.name | upper }}**.").render(
        replace(order, letter="own", contact=contact)
    )
    html = page.parts["html"].decode()
    assert "<em>a*b_c]d(e</em>" in html
    assert "<strong>A*B_C]D(E</strong>" in html


@pytest.mark.parametrize("unseen", ["\u202e", "\u2066", "\u200b", "\ue141", "\x07", "\x00", "\ufeff", "\ue001"])
def test_unseen_characters_in_the_data_never_arrive(printer: Printer, order: Order, unseen: str) -> None:
    contact = replace(order.contact, name=f"Rufus{unseen}Firefly")
    parts = printer.render(replace(order, contact=contact)).parts
    assert "RufusFirefly" in parts["text"].decode()
    assert unseen not in parts["html"].decode()


def test_a_field_of_several_lines_stays_one_line(printer: Printer, order: Order) -> None:
    contact = replace(order.contact, state="the Republic\r\n\r\n# of Freedonia")
    assert "the Republic # of Freedonia" in " ".join(
        printer.render(replace(order, contact=contact)).parts["text"].decode().split()
    )
