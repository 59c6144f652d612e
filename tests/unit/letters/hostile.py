"""Strings that are something else to some program on a letter's way, and what each program made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

from letterbook import words

from dispatcher.intake.contacts import FIELDS, ReadRow, read_lists

#: To be shown as they stand, in every field and every form.
SHOWN = [
    "*stars* and **more**", "_low_ __lines__", "# heading", "- item", "1. item", "> quote", "`code`", "~~~", "---",
    "[text](javascript:alert(1))", "![image](https://example.org/x.png)", "<script>alert(1)</script>", "<b>bold</b>",
    "<!-- x -->", "&amp; &lt; &#65;", "a | b", "\\*escaped\\* \\", "{{ 7*7 }}", "{% for i in x %}", "{# gone #}",
    "${7*7} #{7*7}", '#import "x": *', '"]); #panic("p")', "\\u{41}", '"+read("/etc/passwd")+"', "$x^2$ @label",
    "#text(red)[x]", "= Heading", "/ Term: x", "^sup^ and ^1^", "%1000000000d %s {0}", "https://example.org/?a=1&b=2",
    "'quoted' \"twice\"", "-- ", "=_m_boundary", "From here", "Bcc: a@b.example", "None of us", "o'neill--x...",
    "a,b;c@d.example", "(comment) <a@b.example>", "../../etc/passwd", "'; DROP TABLE contact; --", "é ﬁ ½",
]  # fmt: skip
#: No typeface of an English letter has them: refused where the page is set, with the character and its place.
NO_GLYPH = ["漢字", "😀", "مرحبا"]
#: Cannot be shown as they stand: refused at the door, and again by the letter.
REFUSED = {
    "\r\nBcc: x@y.example": "E_CTRL", "two\nlines": "E_CTRL", "a\tb": "E_CTRL", "\x07": "E_CTRL",
    "a\x1b[31mb": "E_CTRL",
    "a\u2028b": "E_CTRL", "a\x85b": "E_CTRL", "a\u202eb": "E_BIDI", "a\u2066b\u2069": "E_BIDI", "a\u200fb": "E_BIDI",
    "a\u200bb": "E_INVISIBLE", "a\ufeffb": "E_INVISIBLE", "a\u00adb": "E_INVISIBLE", "a\u2060b": "E_INVISIBLE",
    "a\u034fb": "E_INVISIBLE", "a\ufe0fb": "E_INVISIBLE", "a\u200db": "E_INVISIBLE", "a\u3164b": "E_INVISIBLE",
    "a\ue100b": "E_CHARACTER", "a\ue001b": "E_CHARACTER", "a\u0378b": "E_CHARACTER", "a" + "\u0301" * 7: "E_MARKS",
    "a" + "\u0301" * 10_000: "E_MARKS",
}  # fmt: skip
#: Refused at the door alone: harmless on paper, and read as something else in a header; or simply too long.
DOOR_ONLY = {"=?utf-8?q?=0D=0ABcc:_x@y.example?=": "E_ENCODED_WORD", "x" * 301: "E_TEXT_LONG"}
HOSTILE = [*SHOWN, *NO_GLYPH, *REFUSED, *DOOR_ONLY]

#: Columns that take any words.
WORDS = (
    "honorific", "name", "office", "organisation", "address_1", "address_2", "address_3", "country", "state",
    "salutation", "closing", "in_text", "phone", "external_id", "email_source", "email_checked_by", "fax_source",
    "fax_checked_by",
)  # fmt: skip
#: Columns that take one of a few words, a date, a name or an address.
CLOSED = tuple(name for name in FIELDS if name not in WORDS)
_GOOD = {
    "honorific": "H.E. Ms.", "name": "Elena Marchetti", "office": "Ambassador", "organisation": "Mission of Ardesia",
    "address_1": "1 Rue A", "address_2": "1202 Geneva", "country": "Switzerland", "state": "the Republic of Ardesia",
    "language": "en", "time_zone": "Europe/Zurich", "salutation": "Excellency,", "closing": "Yours,",
    "in_text": "Your Excellency", "email_source": "Blue Book", "fax_source": "Blue Book",
}  # fmt: skip


def rows(folder: Path, cells: Sequence[Mapping[str, str]]) -> list[ReadRow]:
    """What the door makes of a list: one good contact a row, with some cells changed."""
    lines = [",".join(FIELDS)]
    for number, changed in enumerate(cells):
        own = {"id": f"c{number}", "email": f"c{number}@ardesia.example", "fax": f"+44 1632 {960_000 + number}"}
        row = {**_GOOD, **own, **changed}
        lines.append(",".join('"' + row.get(name, "").replace('"', '""') + '"' for name in FIELDS))
    file = folder / "hostile.csv"
    file.write_bytes("\r\n".join([*lines, ""]).encode())
    reading = read_lists([file])
    assert reading.faults == ()
    return list(reading.rows)


def bare(text: str) -> str:
    """Without spaces and with straight quotation marks, so that a line broken anywhere is still the same text."""
    return "".join(words(text))


class Page(HTMLParser):
    """An HTML page read back: its words, its tags, the names of their attributes."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.tags.append("!--")

    @property
    def text(self) -> str:
        return " ".join(self.words)


def escaped(text: str) -> str:
    """As Markdown, with every mark made plain by a backslash."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def texts_of(row: ReadRow) -> Iterator[str]:
    """Every text of a contact, one after the other."""
    contact = row.contact
    assert contact is not None
    yield from (str(getattr(contact, name)) for name in contact.__slots__ if isinstance(getattr(contact, name), str))
    yield from (*contact.postal, *contact.tags, *contact.copies_to, *contact.national_days)
    yield from (text for one in contact.provenance for text in (one.source, one.checked_by))
