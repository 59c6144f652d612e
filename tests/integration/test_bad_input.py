"""Walks the table of bad input, as far as letters and contacts go: each line gets its one clear answer.

The lines stand here in the order of the table that the project was planned with; what concerns the far ends, clocks
and databases is walked by the faults.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from desk.desk import ADA, MEGAN, Desk, person

from dispatcher.channels.message import Heading, stamp
from dispatcher.domain.address import parse_email
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Contact, Sender
from dispatcher.domain.words import Policy
from dispatcher.intake.contacts import ReadOptions, read_lists
from dispatcher.letters import Order, Printer
from dispatcher.letters.attachments import look
from dispatcher.resources import resource
from dispatcher.usecases import contacts, launch

ROW = {
    "id": "ardesia",
    "name": "Elena Marchetti",
    "language": "en",
    "time_zone": "Europe/Zurich",
    "salutation": "Excellency,",
    "state": "the Republic of Ardesia",
    "email": "mission@ardesia.example",
}
_NOON = datetime(2015, 10, 1, 12, tzinfo=UTC)
ENTITY = b"Content-Type: text/plain\r\n\r\nhello\r\n"


@dataclass(slots=True)
class Doors:
    """The doors by which bad input comes in, each giving its problems; one that is refused leaves nothing behind."""

    folder: Path

    def rows(self, *rows: dict[str, str], **options: str) -> list[Problem]:
        """Contacts, as a list with these rows."""
        columns = list(dict.fromkeys(key for row in rows for key in row))
        lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
        text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
        return self.file(text.encode(), **options)

    def contact(self, **cells: str) -> list[Problem]:
        return self.rows({**ROW, **cells})

    def file(self, data: bytes, **options: str) -> list[Problem]:
        path = self.folder / "list.csv"
        path.write_bytes(data)
        reading = read_lists([path], ReadOptions(**options))  # type: ignore[arg-type]
        if reading.problems:
            bad = [row for row in reading.rows if row.problems]
            assert reading.faults or all(row.contact is None for row in bad)
        return [*reading.problems, *reading.warnings]

    def letter(self, body: str, *, subject: str = "A matter", contact: dict[str, str] | None = None) -> list[Problem]:
        """A letter's template, checked and then made out to a contact."""
        templates = self.folder / "templates"
        if not templates.exists():
            shutil.copytree(resource("templates"), templates)
        place = templates / "letters" / "own" / "en.md"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"---\nsubject: {subject}\nlanguage: en\nclosing: Sincerely,\n---\n{body}\n", "utf-8")
        printer = Printer(templates)
        order = _order(replace(person("one"), **(contact or {})))
        return _told(lambda: printer.render(order))

    def header(self, **fields: str) -> list[Problem]:
        """What goes into the fields of a mail."""
        good = Heading("Megan Burke", "letters@coalition.example", "Elena", "mission@ardesia.example", "A matter",
                       "<1@coalition.example>", _NOON)  # fmt: skip
        return _told(lambda: stamp(replace(good, **fields), ENTITY))


def _order(contact: Contact) -> Order:
    sender = Sender("Megan Burke", "Director", "letters@coalition.example", "Geneva")
    return Order("own", "cluster-munition-coalition", contact, (), sender, date(2015, 10, 1))


def _told(act: Callable[[], object]) -> list[Problem]:
    try:
        act()
    except UserError as error:
        return list(error.problems)
    return []


@pytest.fixture
def doors(tmp_path: Path) -> Doors:
    return Doors(tmp_path)


Line = tuple[str, Callable[[Doors], list[Problem]], str, str]


def lines() -> Iterator[Line]:
    """(what comes in, how, the code of the answer, words that stand in it)."""
    yield from _addresses()
    yield from _lists()
    yield from _templates()
    yield from _numbers_and_papers()


def _email(text: str) -> Callable[[Doors], list[Problem]]:
    return lambda doors: doors.contact(email=text)


def _addresses() -> Iterator[Line]:
    yield "two addresses in one field", _email("a@x.example, b@x.example"), "E_ADDR_MANY", "one"
    yield "a line end and a command", _email("a@x.example\r\nRCPT TO:<e@x.example>"), "E_CTRL", "U+000D at 12"
    yield "NUL", lambda doors: _told(lambda: parse_email("a\0@x.example")), "E_CTRL", "U+0000"
    yield "a tab", _email("a\tb@x.example"), "E_CTRL", "U+0009 at 2"
    for form in ('"a b"@x.example', "a(c)@x.example", "@relay.example:a@x.example", "a@[127.0.0.1]"):
        yield f"the form {form}", _email(form), "E_ADDR_FORM", ""
    yield "an empty address", lambda doors: _told(lambda: parse_email("")), "E_ADDR_EMPTY", ""
    yield "<>", _email("<>"), "E_ADDR_", ""
    yield "postmaster", _email("postmaster"), "E_ADDR_NODOMAIN", ""
    yield "two dots", _email("a@x..example"), "E_ADDR_DNS", ""
    yield "a label of 64", _email(f"a@{'x' * 64}.example"), "E_ADDR_DNS", "63"
    yield "254 and more", _email(f"registry-of@{'.'.join(['x' * 59] * 4)}.example"), "E_ADDR_LONG", "254"
    yield "a long local part", _email(f"{'a' * 65}@x.example"), "E_ADDR_LONG", "64"
    yield "ä before the @", _email("ä@x.example"), "E_UTF8_ROUTE", ""
    yield "a bad IDNA domain", _email("a@\u2665.example"), "E_IDNA", ""
    yield "a look-alike domain", _email("a@mіssion.example"), "W_CONFUSABLE", "look like another"
    yield "an encoded word", lambda doors: doors.contact(name="=?utf-8?q?=0D=0ABcc:_e@x?="), "E_ENCODED_WORD", "name"
    for text, code in (
        ("a\nb", "E_CTRL"),
        ("a\u2028b", "E_CTRL"),
        ("", "E_SUBJECT_EMPTY"),
        ("x" * 999, "E_HEADER_LONG"),
    ):
        yield f"a subject such as {text[:5]!r}", lambda doors, text=text: doors.header(subject=text), code, ""


def _lists() -> Iterator[Line]:
    twice = {**ROW, "id": "halvorn"}
    yield "one recipient twice", lambda doors: doors.rows(ROW, twice), "E_DUP", "neither"
    shouted = {**twice, "email": "MISSION@ardesia.example"}
    yield "twice but for case", lambda doors: doors.rows(ROW, shouted), "E_DUP", "neither"
    yield (
        "not UTF-8",
        lambda doors: doors.file("id,name\none,Norvège\n".encode("cp1252")),
        "E_CSV_ENCODING",
        "offset 16",
    )
    yield "NUL in a list", lambda doors: doors.file(b"id,name\none,a\0b\n"), "E_CSV_ENCODING", "offset"
    yield "uneven columns", lambda doors: doors.file(b"id,name,email\none,x\n"), "E_CSV_SHAPE", "2 cells"
    yield "a header twice", lambda doors: doors.file(b"id,id,email\none,x,y\n"), "E_CSV_HEADER", ""
    yield "too large", lambda doors: doors.file(b"id,name\n" + b"x" * (33 << 20)), "E_CSV_SIZE", "larger than"
    yield "a cell that begins with =", lambda doors: doors.contact(office="=1+1"), "W_FORMULA", "plain text"


def _templates() -> Iterator[Line]:
    yield "a field that is not there", lambda doors: doors.letter("\n\n{{ missing }}"), "E_TPL_UNDEF", "missing"
    yield "a field misspelt", lambda doors: doors.letter("{{ contact.stat }}"), "E_TPL_UNDEF", "Did you mean state?"
    yield "broken braces", lambda doors: doors.letter("{{ contact.state"), "E_TPL_SYNTAX", ""
    yield "an escape", lambda doors: doors.letter("{{ ''.__class__ }}"), "E_TPL_FORBIDDEN", "__class__"
    yield "a loop", lambda doors: doors.letter("{% for i in range(10**9) %}x{% endfor %}"), "E_TPL_LIMIT", "range"
    yield "memory", lambda doors: doors.letter("{{ 'a' * 10**10 }}"), "E_TPL_LIMIT", "memory"
    yield "too long a letter", lambda doors: doors.letter("word " * 1_200_000), "E_TPL_LIMIT", ""
    yield "left braces", lambda doors: doors.letter("{% raw %}{{ x }}{% endraw %}"), "E_TPL_RESIDUE", "braces"
    for blank in ("None", "nan"):
        yield (
            f"a name {blank}",
            lambda doors, blank=blank: doors.letter("x", contact={"name": blank}),
            "E_TPL_RESIDUE",
            blank,
        )
    empty = {"salutation": ""}
    yield "an empty salutation", lambda doors: doors.letter("x", contact=empty), "E_TPL_RESIDUE", "salutation"


def _fax(text: str) -> Callable[[Doors], list[Problem]]:
    return lambda doors: doors.contact(fax=text, country="Switzerland")


def _numbers_and_papers() -> Iterator[Line]:
    yield "a prefix", _fax("00 41 22 555 01 00"), "E_FAX_FORM", "+41"
    yield "letters", _fax("+41 22 FAX ME"), "E_FAX_FORM", "+41"
    yield "an extension", _fax("+41 22 555 01 00 ext. 3"), "E_FAX_FORM", "+41"
    yield "a premium number", _fax("+41 900 123 456"), "E_FAX_CLASS", "premium"
    yield "a short number", _fax("+41 117"), "E_FAX_CLASS", "short"
    yield "an empty attachment", lambda doors: list(look("annex.pdf", b"")), "E_ATT_EMPTY", "annex.pdf"
    yield "no PDF", lambda doors: list(look("annex.pdf", b"PK\x03\x04...")), "E_ATT_TYPE", "Word"
    yield "a broken attachment", lambda doors: list(look("annex.pdf", b"%PDF-1.7\nhalf")), "E_ATT_BROKEN", ""


LINES = list(lines())


@pytest.mark.parametrize(("act", "code", "words"), [line[1:] for line in LINES], ids=[line[0] for line in LINES])
def test_each_bad_input_has_its_one_clear_answer(
    doors: Doors, act: Callable[[Doors], list[Problem]], code: str, words: str
) -> None:
    found = [one for one in act(doors) if one.code.startswith(code)]
    assert found, [str(one) for one in act(doors)]
    for one in found:
        assert one.place or "header" in one.cause or one.code.startswith(("E_ADDR", "E_CTRL", "E_SUBJECT")), one
        assert one.cause
    assert any(words.lower() in str(one).lower() for one in found), [str(one) for one in found]


def test_a_domain_in_other_letters_is_taken_and_shown_as_it_travels(doors: Doors) -> None:
    path = doors.folder / "good.csv"
    path.write_text(",".join(ROW) + "\n" + ",".join(f'"{v}"' for v in {**ROW, "email": "a@bücher.example"}.values()))
    [contact] = read_lists([path]).contacts
    assert contact.addresses[0].value == "a@xn--bcher-kva.example"


async def test_a_suppressed_recipient_is_named_without_the_address(desk: Desk) -> None:
    await desk.keep_contacts([person("one", email="old@ardesia.example")])
    await contacts.suppress(desk.office, contacts.read_address("old@ardesia.example"), "they asked", ADA)
    with pytest.raises(UserError, match=r"E_SUPPRESSED .* since 01 October 2015, by operator:ada") as caught:
        await desk.prepare([person("one", email="old@ardesia.example")], Policy.EMAIL)
    assert "old@ardesia.example" not in str(caught.value)


async def test_an_approval_of_a_text_that_was_changed_names_both(desk: Desk) -> None:
    first = await desk.prepare([person("one", email="a@ardesia.example")], Policy.EMAIL)
    second = await desk.prepare([person("one", email="b@ardesia.example")], Policy.EMAIL)
    with pytest.raises(Conflict, match="E_CONTENT_CHANGED") as caught:
        await launch.approve(desk.office, "air-strikes", first.digest, MEGAN)
    assert first.digest[:12] in str(caught.value)
    assert second.digest[:12] in str(caught.value)
