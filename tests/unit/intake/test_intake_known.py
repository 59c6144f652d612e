"""Lists read beside what the office has: what a list does not state stays, what belongs to somebody else goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from intake_files import Cells, csv_text, row

from dispatcher.domain.model import Address, Contact, Provenance
from dispatcher.domain.words import Form, Gender, Kind, Policy
from dispatcher.intake.contacts import Reading, ReadOptions, read_contacts, read_lists

EMAIL = Address(Kind.EMAIL, "mission@ardesia.example")
FAX = Address(Kind.FAX, "+441632960101")


@pytest.fixture
def known(tmp_path: Path) -> Contact:
    """The office's contact, with everything that no simple list has."""
    path = tmp_path / "first.csv"
    path.write_text(csv_text([row()]), encoding="utf-8")
    (contact,) = read_contacts([path]).contacts
    return replace(
        contact,
        form=Form.PERMANENT_REPRESENTATIVE,
        gender=Gender.FEMALE,
        closing="Yours truly,",
        seat="CH",
        since=date(2024, 3, 5),
        prefers=Policy.FAX,
        national_days=("08-01",),
        provenance=(Provenance(EMAIL, "Blue Book", date(2026, 1, 2), "ada"), Provenance(FAX, "telephone")),
        external_id="4711",
    )


def read(path: Path, columns: list[str], cells: Cells, *known: Contact) -> Reading:
    path.write_text(csv_text([cells], columns=columns), encoding="utf-8")
    return read_lists([path], ReadOptions().knowing({one.id: one for one in known}))


def only(reading: Reading) -> Contact:
    assert reading.problems == ()
    (contact,) = reading.contacts
    return contact


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


def test_what_a_list_has_no_column_for_is_kept(tmp_path: Path, known: Contact) -> None:
    reading = read(tmp_path / "a.csv", ["id", "organisation"], {"id": known.id, "organisation": "New name"}, known)
    assert only(reading) == replace(known, organisation="New name")
    assert reading.warnings == ()


def test_an_empty_cell_in_a_column_that_is_there_means_empty(tmp_path: Path, known: Contact) -> None:
    reading = read(tmp_path / "a.csv", ["id", "fax", "closing"], {"id": known.id, "fax": "", "closing": ""}, known)
    assert only(reading) == replace(known, addresses=(EMAIL,), provenance=known.provenance[:1], closing="")


def test_a_fax_number_that_cannot_be_read_blanks_nothing(tmp_path: Path, known: Contact) -> None:
    (bad,) = read(tmp_path / "a.csv", ["id", "fax"], {"id": known.id, "fax": "unknown"}, known).rows
    assert (bad.contact, bad.contact_id) == (None, known.id)
    assert [problem.code for problem in bad.problems] == ["E_FAX_FORM"]


def test_a_row_is_found_by_its_external_id_when_it_has_no_id(tmp_path: Path, known: Contact) -> None:
    reading = read(tmp_path / "a.csv", ["external_id", "phone"], {"external_id": "4711", "phone": "1"}, known)
    assert only(reading) == replace(known, phone="1")


def test_an_external_id_that_two_contacts_have_finds_neither(tmp_path: Path, known: Contact) -> None:
    twin = replace(known, id="twin")
    reading = read(tmp_path / "a.csv", ["external_id", "phone"], {"external_id": "4711"}, known, twin)
    assert reading.contacts == ()
    assert "E_ID" in [problem.code for problem in reading.problems]


def test_a_new_holder_does_not_inherit_gender_honorific_and_term(tmp_path: Path, known: Contact) -> None:
    reading = read(tmp_path / "a.csv", ["id", "name"], {"id": known.id, "name": "João Almeida"}, known)
    contact = only(reading)
    assert contact == replace(known, name="João Almeida", honorific="", gender=Gender.NONE, since=None)
    assert codes(reading) == ["W_HOLDER"]
    assert "honorific, gender, since of Elena Marchetti-Rossi not kept" in reading.warnings[0].cause
    assert "salutation, closing kept" in reading.warnings[0].cause


def test_a_name_that_is_filled_in_for_the_first_time_changes_no_other_field(tmp_path: Path, known: Contact) -> None:
    vacant = replace(known, name="")
    reading = read(tmp_path / "a.csv", ["id", "name"], {"id": known.id, "name": "João Almeida"}, vacant)
    assert only(reading) == replace(vacant, name="João Almeida")


def test_a_new_address_does_not_inherit_who_checked_the_old_one(tmp_path: Path, known: Contact) -> None:
    reading = read(tmp_path / "a.csv", ["id", "email"], {"id": known.id, "email": "new@ardesia.example"}, known)
    new = Address(Kind.EMAIL, "new@ardesia.example")
    assert only(reading) == replace(known, addresses=(new, FAX), provenance=known.provenance[1:])


@pytest.mark.parametrize("written", ["+44 (0)1632 960101", "+44 1632-960101"])
def test_the_same_number_in_another_form_keeps_its_provenance(tmp_path: Path, known: Contact, written: str) -> None:
    assert only(read(tmp_path / "a.csv", ["id", "fax"], {"id": known.id, "fax": written}, known)) == known


def test_a_national_number_is_one_of_the_seat_that_the_office_knows(tmp_path: Path, known: Contact) -> None:
    reading = read(tmp_path / "a.csv", ["id", "fax"], {"id": known.id, "fax": "022 555 01 00"}, known)
    assert only(reading).address(Kind.FAX) == "+41225550100"


def test_two_rows_may_not_take_one_address_also_when_one_of_them_keeps_it(tmp_path: Path, known: Contact) -> None:
    other = replace(known, id="other", addresses=(Address(Kind.EMAIL, "o@x.example"),), provenance=(), external_id="")
    path = tmp_path / "a.csv"
    path.write_text(f"id,email\n{known.id},{EMAIL.value}\nother,{EMAIL.value}\n")
    reading = read_lists([path], ReadOptions(known={one.id: one for one in (known, other)}))
    assert [(one.place.rpartition(":")[2], one.code) for one in reading.problems] == [("2", "E_DUP"), ("3", "E_DUP")]


def test_what_is_said_for_all_fills_only_what_neither_list_nor_office_has(tmp_path: Path, known: Contact) -> None:
    path = tmp_path / "a.csv"
    text = f"id,name,office,email,address_2\n{known.id},{known.name},{known.office},{EMAIL.value},\n"
    text += "new,A. Name,Ambassador,n@x.example,1202 Geneva\nnewer,B. Name,Ambassador,m@x.example,Lima\n"
    path.write_text(text)
    options = ReadOptions(defaults={"language": "French", "time_zone": "America/Lima"}, known={known.id: known})
    reading = read_lists([path], options)
    assert reading.problems == ()
    assert [(one.language, one.time_zone) for one in reading.contacts] == [
        ("en", "Europe/Zurich"), ("fr", "Europe/Zurich"), ("fr", "America/Lima"),
    ]  # fmt: skip


def test_what_no_column_says_is_told_once_for_the_list_and_not_once_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,email,office\n" + "".join(f"n{n},n{n}@x.example,Ambassador\n" for n in range(50)))
    reading = read_lists([path])
    assert [(one.place, one.code) for one in reading.problems] == [
        (f"{path}:1", "E_LANGUAGE"), (f"{path}:1", "E_TIME_ZONE"),
    ]  # fmt: skip
    assert all(row.contact is None and len(row.problems) == 2 for row in reading.rows[1:])
    assert "--default language=" in reading.problems[0].way_out


def test_ids_that_would_be_the_same_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "Tchad,Genève,Fr,Mme A,Ambassadeur,a@x.example\nTchad,Genève,Fr,M. B,Ambassadeur,b@x.example\n"
    path.write_text("Pays,Ville,Langue,Chef de mission,Titre,Courriel\n" + rows)
    problems = read_lists([path]).problems
    assert [one.code for one in problems] == ["E_DUP", "E_DUP"]
    assert "'td-geneva' stands here and at" in problems[0].cause
    assert "in a column 'id'" in problems[0].way_out


def test_a_made_id_that_another_organisation_has_is_noted(tmp_path: Path, known: Contact) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Pays,Ville,Langue,Chef de mission,Titre,Courriel,Mission\n"
        "Tchad,Genève,Fr,Mme A,Ambassadeur,a@x.example,Consulat du Tchad\n"
    )
    mission = replace(known, id="td-geneva", organisation="Mission du Tchad")
    assert "W_ID_MADE" in codes(read_lists([path], ReadOptions(known={"td-geneva": mission})))
    consulate = replace(mission, organisation="Consulat du Tchad")
    assert "W_ID_MADE" not in codes(read_lists([path], ReadOptions(known={"td-geneva": consulate})))


def test_what_is_said_about_a_city_can_be_shown_on_any_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Pays,Ville,Langue,Chef de mission,Titre,Courriel\nTchad,Genève\u202e,Fr,Mme A,Ambassadeur,a@x.example\n"
    )
    reading = read_lists([path])
    assert [one.code for one in reading.problems] == ["E_BIDI"]
    assert all(one.cause.isprintable() for one in reading.warnings)
