"""Contacts from CSV: what is read, and every complaint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from intake_files import GOOD, Found, WriteContacts, csv_text, problems, row, told

from dispatcher.domain.errors import ImportError_
from dispatcher.domain.model import Address
from dispatcher.domain.words import Kind
from dispatcher.intake import table
from dispatcher.intake.contacts import FIELDS, read_contacts

FoundIn = Callable[[bytes], Found]


def test_a_row_becomes_a_contact(contacts_file: WriteContacts) -> None:
    path = contacts_file(row(id="a", honorific=" H.E. Ms. "))
    book = read_contacts([path])
    contact = book.contacts[0]
    assert contact.display_name == "H.E. Ms. Elena Marchetti-Rossi"
    assert contact.postal == ("18, chemin des Charmilles-Hautes", "1202 Geneva")
    assert contact.addresses == (Address(Kind.EMAIL, "mission@ardesia.example"), Address(Kind.FAX, "+441632960101"))
    assert contact.tags == ("mission", "geneva")
    assert book.places == {"a": f"{path}:2"}
    assert book.warnings == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_usual_delimiter_mark_and_line_ending_is_read(
    tmp_path: Path, delimiter: str, mark: str, ending: str
) -> None:
    path = tmp_path / "missions.csv"
    text = mark + csv_text([GOOD, row(id="b", name="Zoë Łuczak", email="b@b.example", fax="")], delimiter)
    path.write_bytes(text.replace("\n", ending).encode())
    assert [contact.name for contact in read_contacts([path]).contacts] == ["Elena Marchetti-Rossi", "Zoë Łuczak"]


def test_columns_may_stand_in_any_order_and_optional_ones_may_be_missing(found_in: FoundIn) -> None:
    assert found_in(b"Salutation,time_zone,language,name,fax,ID\nExcellency,Europe/Zurich,en,A,+441632960101,a\n") == []


def test_empty_rows_are_passed_over_and_lines_are_still_counted_right(found_in: FoundIn) -> None:
    text = (
        csv_text([GOOD]) + "\n" + "," * 15 + "\n" + csv_text([row(id="B!", email="b@b.example", fax="")]).split("\n")[1]
    )
    assert told(found_in(text.encode())) == [("5", "E_ID")]


FAULTS: list[tuple[dict[str, str], str]] = [
    ({"id": "Ardesia Geneva"}, "E_ID"),
    ({"id": "a" * 65}, "E_ID"),
    ({"name": "", "office": ""}, "E_NAME"),
    ({"salutation": " "}, "E_SALUTATION"),
    ({"time_zone": "", "address_2": ""}, "E_TIME_ZONE"),
    ({"language": ""}, "E_LANGUAGE"),
    ({"language": "tlh"}, "E_LANGUAGE"),
    ({"time_zone": "Europe/Zürich"}, "E_ZONE"),
    ({"time_zone": "EST"}, "E_ZONE"),
    ({"name": "Elena\tRossi"}, "E_CTRL"),
    ({"name": "Elena\u2028Rossi"}, "E_CTRL"),
    ({"name": "Elena\x85Rossi"}, "E_CTRL"),
    ({"name": "Elena \u202eissoR"}, "E_BIDI"),
    ({"name": "Elena\u200bRossi"}, "E_INVISIBLE"),
    ({"name": "=?utf-8?q?=0D=0ABcc:_e@x?="}, "E_ENCODED_WORD"),
    ({"office": "x" * 301}, "E_TEXT_LONG"),
    ({"email": "", "fax": ""}, "E_NO_ADDRESS"),
    ({"email": "a@x.example, b@y.example"}, "E_ADDR_MANY"),
    ({"email": "a@x.example\r\nRCPT TO:<e>"}, "E_CTRL"),
    ({"email": '"a b"@x.example'}, "E_ADDR_FORM"),
    ({"email": "postmaster"}, "E_ADDR_NODOMAIN"),
    ({"email": "a@x..example"}, "E_ADDR_DNS"),
    ({"email": "ä@x.example"}, "E_UTF8_ROUTE"),
    ({"email": f"{'a' * 65}@x.example"}, "E_ADDR_LONG"),
    ({"email": "a@\u0301x.example"}, "E_IDNA"),
    ({"email": "a@ab--cd.example"}, "E_IDNA"),
    ({"fax": "00 41 22 555 01 00"}, "E_FAX_FORM"),
    ({"fax": "0041225550100"}, "E_FAX_FORM"),
    ({"fax": "+1 800 FLOWERS"}, "E_FAX_FORM"),
    ({"fax": "+41 22 555 01 00 ext. 5"}, "E_FAX_FORM"),
    ({"fax": "+999 12345678"}, "E_FAX_FORM"),
    ({"fax": "+41 22 555 01 00 99 99 99"}, "E_FAX_FORM"),
    ({"fax": "022 555 01 00", "country": "Ardesia"}, "E_FAX_FORM"),
    ({"fax": "022 555 01 00", "country": ""}, "E_FAX_FORM"),
    ({"fax": "022 555 01 00 / 022 555 01 01"}, "E_FAX_MANY"),
    ({"fax": "1" * 290}, "E_FAX_FORM"),
    ({"fax": "1" * 150 + "/" * 140}, "E_FAX_FORM"),
    ({"fax": "118"}, "E_FAX_CLASS"),
    ({"fax": "0900 123 456"}, "E_FAX_CLASS"),
    ({"fax": "+7 809 555 01 23"}, "E_FAX_CLASS"),
    ({"tags": "geneva Überfällig"}, "E_TAG"),
]


@pytest.mark.parametrize(("cells", "code"), FAULTS)
def test_each_fault_of_a_cell_is_named_with_its_line(
    contacts_file: WriteContacts, cells: dict[str, str], code: str
) -> None:
    found = problems(lambda: read_contacts([contacts_file(row(**cells))]))
    assert told(found) == [("2", code)]
    assert next(iter(cells)) in found[0].cause
    assert found[0].cause.isprintable()


@pytest.mark.parametrize(
    ("cells", "code"), [({"email": "a@x.example\r\nRCPT TO:<e>"}, "email: control character U+000D at 12")]
)
def test_a_control_character_is_named_with_its_position(
    contacts_file: WriteContacts, cells: dict[str, str], code: str
) -> None:
    assert [problem.cause for problem in problems(lambda: read_contacts([contacts_file(row(**cells))]))] == [code]


def test_twenty_faults_in_one_file_are_all_reported(contacts_file: WriteContacts) -> None:
    # Each row has an address of its own, so that only the planted fault is found.
    plain = [{**GOOD, "id": f"c{n}", "email": f"c{n}@x.example", "fax": ""} for n in range(20)]
    planted = [fault for fault in FAULTS if "\n" not in "".join(fault[0].values())][5:25]
    rows = [cells | change for cells, (change, _) in zip(plain, planted, strict=True)]
    found = problems(lambda: read_contacts([contacts_file(*rows)]))
    assert told(found) == [(str(line), code) for line, (_, code) in enumerate(planted, start=2)]


def test_faults_of_all_files_are_reported_together_and_none_is_taken(contacts_file: WriteContacts) -> None:
    first = contacts_file(row(time_zone="Europe/Zurch"), name="one.csv")
    second = contacts_file(row(id="b", email="b@b.example", fax="", language="xx"), name="two.csv")
    with pytest.raises(ImportError_) as caught:
        read_contacts([first, second, first.with_name("none.csv")])
    places = [(problem.place, problem.code) for problem in caught.value.problems]
    expected = [(f"{first}:2", "E_ZONE"), (f"{second}:2", "E_LANGUAGE"), (str(first.with_name("none.csv")), "E_FILE")]
    assert places == expected
    assert caught.value.problems[0].way_out == "Did you mean 'Europe/Zurich'?"


@pytest.mark.parametrize(
    "same",
    [
        {"email": "b@b.example", "fax": ""},
        {"id": "b", "email": "MISSION@Ardesia.example", "fax": ""},
        {"id": "b", "email": "", "fax": "+44 (1632) 960-101"},
    ],
)
def test_a_contact_that_stands_twice_is_named_with_both_places(
    contacts_file: WriteContacts, same: dict[str, str]
) -> None:
    one, two = contacts_file(GOOD, name="one.csv"), contacts_file(row(**same), name="two.csv")
    found = problems(lambda: read_contacts([one, two]))
    assert told(found) == [("2", "E_DUP"), ("2", "E_DUP")]
    assert [problem.place for problem in found] == [f"{one}:2", f"{two}:2"]
    assert f"{two}:2" in found[0].cause
    assert f"{one}:2" in found[1].cause


def test_addresses_that_differ_only_in_unicode_form_are_the_same(contacts_file: WriteContacts) -> None:
    composed, apart = row(email="a@b\u00fccher.example", fax=""), row(id="b", email="a@bu\u0308cher.example", fax="")
    assert told(problems(lambda: read_contacts([contacts_file(composed, apart)]))) == [
        ("2", "E_DUP"),
        ("3", "E_DUP"),
    ]


def test_the_same_path_twice_is_one_file(contacts_file: WriteContacts) -> None:
    path = contacts_file(GOOD)
    assert len(read_contacts([path, path]).contacts) == 1


@pytest.mark.parametrize(
    ("written", "country", "canonical"),
    [
        ("022 555 01 00", "Switzerland", "+41225550100"),
        ("(022) 555.01.00", "CH", "+41225550100"),
        ("022 555 01 00", "SUISSE", "+41225550100"),
        ("+41 (0)22 555 01 00", "Austria", "+41225550100"),
        ("212-555-0103", "United States of America", "+12125550103"),
        ("+1\u00a0212\u00a0555\u00a00103", "", "+12125550103"),
    ],
)
def test_a_fax_number_is_made_canonical_by_its_plus_or_its_country(
    contacts_file: WriteContacts, written: str, country: str, canonical: str
) -> None:
    book = read_contacts([contacts_file(row(fax=written, country=country))])
    assert book.contacts[0].address(Kind.FAX) == canonical


@pytest.mark.parametrize("written", ["a@bücher.example", "a@BÜCHER.Example", "a@bu\u0308cher.example"])
def test_a_domain_in_national_letters_is_made_canonical(contacts_file: WriteContacts, written: str) -> None:
    book = read_contacts([contacts_file(row(email=written))])
    assert book.contacts[0].address(Kind.EMAIL) == "a@xn--bcher-kva.example"
    assert book.warnings == ()


@pytest.mark.parametrize(
    "domain", ["\u0430rdesia.example", "\u0430\u0440\u0440\u0435.example", "xn--rdesia-3fg.example"]
)
def test_a_domain_that_may_pass_for_another_is_a_warning(contacts_file: WriteContacts, domain: str) -> None:
    book = read_contacts([contacts_file(row(email=f"a@{domain}"))])
    assert told(book.warnings) == [("2", "W_CONFUSABLE")]


@pytest.mark.parametrize("domain", ["日本ひらカタa.example", "министерство.example", "αθηναϊκή.example"])
def test_a_domain_in_one_honest_script_is_no_warning(contacts_file: WriteContacts, domain: str) -> None:
    assert read_contacts([contacts_file(row(email=f"a@{domain}"))]).warnings == ()


def test_a_cell_that_looks_like_a_formula_is_text_and_a_warning(contacts_file: WriteContacts) -> None:
    book = read_contacts([contacts_file(row(office='=HYPERLINK("x")'))])
    assert told(book.warnings) == [("2", "W_FORMULA")]
    assert book.contacts[0].office == '=HYPERLINK("x")'


def test_text_that_is_not_utf8_is_named_with_offset_and_a_sample(found_in: FoundIn) -> None:
    data = csv_text([GOOD, row(id="b", state="Norvège", email="b@b.example", fax="")]).encode("cp1252")
    (problem,) = found_in(data)
    assert told([problem]) == [("3", "E_CSV_ENCODING")]
    assert f"offset {data.index(0xE8)}" in problem.cause
    assert "Norvège" in problem.way_out
    assert "cp1252" in problem.way_out


@pytest.mark.parametrize(
    ("data", "line", "code"),
    [
        (b"\xef\xbb\xbfid,name\n\xff", "2", "E_CSV_ENCODING"),
        (b"id,name\na,b\0\n", "2", "E_CSV_ENCODING"),
        (csv_text([GOOD]).encode() + b"a,b\n", "3", "E_CSV_SHAPE"),
        (csv_text([GOOD]).encode() + b'"a,b\n', "3", "E_CSV_SHAPE"),
        (csv_text([GOOD]).encode() + b"x" * 140_000, "3", "E_CSV_SHAPE"),
        (csv_text([]).encode(), "1", "E_CSV_EMPTY"),
        (csv_text([], columns=(*FIELDS, "id")).encode(), "1", "E_CSV_HEADER"),
        (csv_text([GOOD], columns=[c for c in FIELDS if c != "language"]).encode(), "1", "E_LANGUAGE"),
        (
            csv_text([row(office="")], columns=[c for c in FIELDS if c not in ("salutation", "form")]).encode(),
            "1",
            "E_SALUTATION",
        ),
        (b"Anything,Else\na,b\n", "1", "E_CSV_HEADER"),
    ],
)
def test_each_fault_of_a_file_is_named_with_its_line(found_in: FoundIn, data: bytes, line: str, code: str) -> None:
    assert told(found_in(data)) == [(line, code)]


def test_a_file_without_a_header_is_told_what_to_begin_with(found_in: FoundIn) -> None:
    (problem,) = found_in(b"\n\n")
    assert problem.code == "E_CSV_HEADER"
    assert "id,honorific" in problem.way_out


def test_a_misspelt_column_is_named_with_the_right_one(tmp_path: Path) -> None:
    columns = ["emial" if column == "email" else column for column in FIELDS]
    path = tmp_path / "missions.csv"
    path.write_text(csv_text([{**GOOD, "emial": "a@x.example"}], columns=columns))
    (warning,) = read_contacts([path]).warnings
    assert (warning.code, warning.way_out) == ("W_COLUMN", "Did you mean 'email'?")
    assert "emial" in warning.cause


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    contacts_file: WriteContacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "LARGEST", 100)
    assert [p.code for p in problems(lambda: read_contacts([contacts_file(GOOD)]))] == ["E_CSV_SIZE"]


def test_a_cell_over_several_lines_does_not_shift_the_lines_of_later_rows(contacts_file: WriteContacts) -> None:
    path = contacts_file(row(name="a\nb"), row(id="B!", email="b@b.example", fax=""))
    assert told(problems(lambda: read_contacts([path]))) == [("2", "E_CTRL"), ("4", "E_ID")]
