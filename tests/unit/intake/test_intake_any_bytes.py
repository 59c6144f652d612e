"""Whatever bytes a file holds, the reader answers with values or with its own error, and says printable text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from blue_book import HEADERS
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_files import CAMPAIGN, GOOD, LETTERS, ORGANISATIONS, csv_text, quoted, row

from dispatcher.domain.errors import CampaignError, ImportError_, UserError
from dispatcher.intake.campaign import read_campaign
from dispatcher.intake.contacts import FIELDS, ContactBook, read_contacts, read_lists

T = TypeVar("T")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "file"


@pytest.fixture(scope="module")
def any_book(tmp_path_factory: pytest.TempPathFactory) -> ContactBook:
    path = tmp_path_factory.mktemp("book") / "missions.csv"
    path.write_text(csv_text([GOOD, row(id="miravale-geneva", email="m@m.example", fax="")]), encoding="utf-8")
    return read_contacts([path])


def answer(read: Callable[[], T], refusal: type[UserError]) -> T | None:
    """What the reader gives, or None where it refuses in good order; every other exception goes through."""
    try:
        return read()
    except refusal as error:
        refused = error
    assert refused.problems
    assert all(problem.cause.isprintable() and problem.code for problem in refused.problems)
    return None


def spoiled(text: str) -> st.SearchStrategy[bytes]:
    """A good file in which some bytes are replaced by others."""
    data = text.encode()
    cut = st.tuples(st.integers(0, len(data)), st.integers(0, 20), st.binary(max_size=20))

    def splice(cuts: list[tuple[int, int, bytes]]) -> bytes:
        spoilt = data
        for at, length, insert in cuts:
            spoilt = spoilt[:at] + insert + spoilt[at + length :]
        return spoilt

    return st.lists(cut, min_size=1, max_size=4).map(splice)


cells = st.fixed_dictionaries({column: st.text(max_size=40) for column in FIELDS})
any_contacts = (
    st.binary(max_size=300)
    | spoiled(csv_text([GOOD, row(id="b")]))
    | cells.map(lambda cell: csv_text([cell]).encode("utf-8", "surrogatepass"))
)


@settings(max_examples=400, deadline=None)
@given(data=any_contacts)
def test_no_bytes_stop_the_reader_of_contacts(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    book = answer(lambda: read_contacts([path]), ImportError_)
    if book:
        assert len(book.places) == len(book.contacts)
        assert all(contact.addresses and (contact.salutation or contact.form) for contact in book.contacts)


CARD = """\
BEGIN:VCARD\r
VERSION:4.0\r
N:Nom;Prénom;;Mme;\r
FN:Mme Prénom Nom\r
TITLE:Ambassador\r
ADR;TYPE="work,pref":;;18\\, chemin X;Genève;;1202;Suisse\r
EMAIL;PREF=1:a@x.example\r
TEL;TYPE=fax;VALUE=uri:tel:+41225550100\r
NOTE;ENCODING=QUOTED-PRINTABLE:=41=\r
=42\r
LANG:fr\r
END:VCARD\r
"""


@settings(max_examples=300, deadline=None)
@given(data=spoiled(CARD) | st.binary(max_size=200).map(b"BEGIN:VCARD\n".__add__))
def test_no_bytes_stop_the_reader_of_cards(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    reading = read_lists([path])
    assert all(row.problems or row.contact for row in reading.rows)
    told = [*reading.problems, *reading.warnings]
    assert all(one.code and one.cause.isprintable() and one.way_out.isprintable() for one in told)


layouts = st.lists(st.sampled_from(HEADERS) | st.text(max_size=8), min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(header=layouts, rows=st.lists(st.lists(st.text(max_size=12), min_size=8, max_size=8), max_size=3))
def test_no_columns_stop_the_reader_of_lists(path: Path, header: list[str], rows: list[list[str]]) -> None:
    text = "\n".join(";".join(map(quoted, row[: len(header)])) for row in [header, *rows])
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    reading = read_lists([path])
    assert all(row.problems or row.contact for row in reading.rows)
    told = [*reading.problems, *reading.warnings]
    assert all(one.code and one.cause.isprintable() and one.way_out.isprintable() for one in told)


values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=20).map(lambda text: "x" + text) | st.just("2015-10-01"),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08X}" for c in value if not "\ud800" <= c <= "\udfff") + '"'
    return str(value)


def with_value(line: int, value: object) -> bytes:
    """The good campaign with another value in one of its lines."""
    lines = CAMPAIGN.split("\n")
    keyed = [number for number, text in enumerate(lines) if " = " in text]
    at = keyed[line % len(keyed)]
    lines[at] = lines[at].split(" = ")[0] + " = " + toml(value)
    return "\n".join(lines).encode()


any_campaign = st.binary(max_size=300) | spoiled(CAMPAIGN) | st.builds(with_value, st.integers(0, 100), values)


@settings(max_examples=400, deadline=None)
@given(data=any_campaign)
def test_no_bytes_stop_the_reader_of_campaigns(path: Path, any_book: ContactBook, data: bytes) -> None:
    path.write_bytes(data)
    file = answer(lambda: read_campaign(path, any_book, LETTERS, ORGANISATIONS), CampaignError)
    if file:
        assert file.campaign.contact_ids
        assert file.campaign.when.instant.tzinfo is not None
