"""One cell at a time: languages, genders, offices, days, places, encodings; and the tables of words themselves."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.words import Form, Gender, Policy
from dispatcher.intake import columns, words
from dispatcher.intake.columns import FIELDS
from dispatcher.intake.contacts import ReadOptions, read_lists
from dispatcher.intake.findings import Findings
from dispatcher.intake.guard import guard, unguard
from dispatcher.intake.identity import slug_of
from dispatcher.intake.places import read_state
from dispatcher.intake.text import Where
from dispatcher.intake.values import (
    LANGUAGES,
    form_of,
    read_date,
    read_days,
    read_form,
    read_gender,
    read_language,
    read_policy,
    split_honorific,
    tags_of,
    time_zones,
)

HERE = Where("list.csv:2", "column")
Read = Callable[[str, Where, Findings], Any]


def value(read: Read, text: str) -> Any:
    findings = Findings()
    found = read(text, HERE, findings)
    assert findings.problems == []
    return found


def refused(read: Read, text: str) -> tuple[str, str, str]:
    findings = Findings()
    read(text, HERE, findings)
    (problem,) = findings.problems
    assert problem.place == HERE.place
    return problem.code, problem.cause, problem.way_out


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fr", "fr"), ("FR", "fr"), ("French", "fr"), ("français", "fr"), ("Francais", "fr"), ("fr-CH", "fr"),
        ("fr_FR", "fr"), ("Russe", "ru"), ("русский", "ru"), ("Spanisch", "es"), ("中文", "zh"), ("العربية", "ar"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_language_is_read_by_code_or_name(text: str, code: str) -> None:
    assert value(read_language, text) == code


def test_a_language_nobody_writes_is_refused_with_those_that_are() -> None:
    assert refused(read_language, "Klingon") == (
        "E_LANGUAGE", "column: 'Klingon' is not known here", "Give one of: ar, de, en, es, fr, ru, zh",
    )  # fmt: skip


@pytest.mark.parametrize(("text", "near"), [("Fançais", "français"), ("englsh", "English"), ("Руский", "русский")])
def test_a_language_that_is_misspelt_is_told_the_nearest(text: str, near: str) -> None:
    assert refused(read_language, text)[2] == f"Did you mean {near!r}?"


@pytest.mark.parametrize(
    ("text", "gender"),
    [("f", "f"), ("Female", "f"), ("Femme", "f"), ("Mme", "f"), ("H.E. Mr.", "m"), ("Herr", "m"), ("мужской", "m")],
)
def test_a_gender_is_read_as_it_is_stated(text: str, gender: str) -> None:
    assert value(read_gender, text) is Gender(gender)


def test_a_gender_that_is_no_such_word_is_refused() -> None:
    assert refused(read_gender, "Andrea")[0] == "E_GENDER"


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("S.E. M. Jean Dupont", ("S.E. M.", "Jean Dupont")),
        ("H.E. Ms. Elena Rossi", ("H.E. Ms.", "Elena Rossi")),
        ("Son Excellence Madame A B", ("Son Excellence Madame", "A B")),
        ("Mme Dupont", ("Mme", "Dupont")),
        ("Jean Dupont", ("", "Jean Dupont")),
        ("Dr. Jean Dupont", ("", "Dr. Jean Dupont")),
        ("M.", ("", "M.")),
        ("", ("", "")),
    ],
)
def test_an_honorific_before_a_name_is_known_by_the_table_alone(name: str, split: tuple[str, str]) -> None:
    assert split_honorific(name) == split


@pytest.mark.parametrize(
    ("office", "form"),
    [
        ("Permanent Representative", Form.PERMANENT_REPRESENTATIVE),
        ("Ambassadrice, Représentante permanente", Form.PERMANENT_REPRESENTATIVE),
        ("Chargé d'affaires a.i.", Form.CHARGE_DAFFAIRES),
        ("Chargée d’affaires ad interim", Form.CHARGE_DAFFAIRES),
        ("Ministre des affaires étrangères", Form.FOREIGN_MINISTER),
        ("PRIME MINISTER", Form.HEAD_OF_GOVERNMENT),
        ("Botschafterin", Form.AMBASSADOR),
        ("head_of_state", Form.HEAD_OF_STATE),
        ("Deputy Permanent Representative", None),
        ("Former President", None),
        ("President of the Chamber of Commerce", None),
        ("", None),
    ],
)
def test_an_office_names_a_form_of_address_only_with_all_of_its_words(office: str, form: Form | None) -> None:
    assert form_of(office) is form


def test_a_form_that_is_not_known_is_none_with_a_note() -> None:
    findings = Findings()
    assert read_form("Permanent Representativ", HERE, findings) is Form.NONE
    assert [(one.code, one.way_out) for one in findings.warnings] == [
        ("W_FORM", "Did you mean 'Permanent Representative'?")
    ]


@pytest.mark.parametrize(("text", "policy"), [("fax", Policy.FAX), ("By email", Policy.EMAIL), ("", None)])
def test_the_preferred_channel_is_read_by_word(text: str, policy: Policy | None) -> None:
    assert value(read_policy, text) is policy


def test_a_channel_that_nobody_has_is_refused() -> None:
    assert refused(read_policy, "pigeon") == (
        "E_PREFERS", "column: 'pigeon' is no way to send", "Give: email, fax, both, fax_if_no_proof",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-04-03", "2026-04-03"), ("2026-04-03 00:00:00", "2026-04-03"), ("3 April 2026", "2026-04-03"),
        ("April 3, 2026", "2026-04-03"), ("3 avril 2026", "2026-04-03"), ("1er août 2026", "2026-08-01"),
        ("3 de abril de 2026", "2026-04-03"), ("3. März 2026", "2026-03-03"), ("3 апреля 2026", "2026-04-03"),
        ("03.04.2026", "2026-04-03"), ("13/04/2026", "2026-04-13"), ("04/13/2026", "2026-04-13"),
        ("04/04/2026", "2026-04-04"),
    ],
)  # fmt: skip
def test_a_day_is_read_where_it_can_mean_one_only(text: str, iso: str) -> None:
    assert value(read_date, text).isoformat() == iso


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("03/04/2026", "may be 03 April or 04 March"), ("03-04-2026", "may be 03 April or 04 March"),
        ("2026-02-30", "is a day that does not exist"), ("31 April 2026", "is a day that does not exist"),
        ("13/13/2026", "is a day that does not exist"), ("soon", "is not a date"), ("April 2026", "is not a date"),
        ("3 Brumaire 2026", "is not a date"), ("03/04/26", "is not a date"), ("2026", "is not a date"),
    ],
)  # fmt: skip
def test_a_day_that_can_mean_two_or_none_is_refused(text: str, why: str) -> None:
    code, cause, way_out = refused(read_date, text)
    assert code == "E_DATE"
    assert why in cause
    assert "2026-04-03" in way_out


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("08-01", ("08-01",)), ("08-01 12-25", ("08-01", "12-25")), ("1 August", ("08-01",)), ("1er août", ("08-01",)),
        ("August 1; 6 January", ("08-01", "01-06")), ("July 4, 14 July", ("07-04", "07-14")), ("1.8.", ("08-01",)),
        ("2026-08-01", ("08-01",)), ("25/12", ("12-25",)), ("02-29", ("02-29",)), ("4 July 1776", ("07-04",)), ("", ()),
    ],
)  # fmt: skip
def test_days_of_the_year_are_read(text: str, days: tuple[str, ...]) -> None:
    assert value(read_days, text) == days


@pytest.mark.parametrize("text", ["04/07", "02-30", "13-13", "31 février", "every Monday", "August"])
def test_days_that_are_none_are_refused(text: str) -> None:
    assert refused(read_days, text)[0] == "E_DATE"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Tchad (le)", "TD"),
        ("Viet Nam", "VN"),
        ("République arabe syrienne", "SY"),
        ("ch", "CH"),
        ("the Netherlands", "NL"),
    ],
)
def test_a_state_is_read_by_any_of_its_names(text: str, code: str) -> None:
    assert value(read_state, text) == code


def test_a_state_that_is_misspelt_is_refused_with_the_nearest_name() -> None:
    assert refused(read_state, "Switzerlnd") == (
        "E_STATE", "column: 'Switzerlnd' is not a state that is known", "Did you mean 'Switzerland'?",
    )  # fmt: skip


def test_a_name_that_two_states_share_is_refused_with_both() -> None:
    assert refused(read_state, "Corée") == (
        "E_STATE", 'column: \'Corée\' could be "Democratic People\'s Republic of Korea" or \'Republic of Korea\'',
        "Write which of them it is",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("1202 Genève", "geneva"), ("Genève 20", "geneva"), ("CH-1211 Geneva 20", "geneva"),
        ("New York, NY 10017", "new-york"),
        ("The Hague", "the-hague"), ("1010 Wien", "vienna"), ("rue de Genève", ""),
        ("Lac de Genève Hôtel", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_line_names_a_city_only_beside_a_postcode(text: str, slug: str) -> None:
    city = words.city_in(text)
    assert (city.slug if city else "") == slug


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Mission permanente du Tchad", "mission-permanente-du-tchad"),
        ("Łódź & Söhne", "odz-sohne"),
        ("Миссия", ""),
        ("a" * 70, ""),
    ],
)
def test_a_made_id_is_plain_and_cut_between_words(text: str, slug: str) -> None:
    assert slug_of(text) == slug or slug_of(text) == slug.replace("odz", "lodz")
    assert len(slug_of("mission " * 20)) <= 64
    assert not slug_of("mission " * 20).endswith("-")


def test_groups_of_other_programs_become_plain_tags() -> None:
    assert tags_of("* myContacts ::: Geneva missions; VIP") == "mycontacts geneva-missions vip"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+41 22", "'+41 22"), ("-5", "'-5"), ("@x", "'@x"), ("'=1", "''=1"), ("'Ali", "'Ali"),
        ("''", "''"), ("a=b", "a=b"), ("", ""),
        ("x;=1", "x;'=1"), ("x;'=1", "x;''=1"), ("=1;+2;@3", "'=1;'+2;'@3"), ("a\t=1", "a\t'=1"), ("\t=1", "'\t'=1"),
        ("a\n-1", "a\n'-1"), ("a\r\n=1", "a\r\n'=1"), (";;=", ";;'="), ("x; y", "x; y"), ("x;'y", "x;'y"),
    ],
)  # fmt: skip
def test_the_protection_of_a_cell_comes_off_exactly(cell: str, written: str) -> None:
    assert guard(cell) == written
    assert unguard(written) == cell


# -- encodings ---------------------------------------------------------------------------------------------------------

TEXT = "id,name,office,email,language,time_zone\na,Zoë Žižek,Ambassador,a@x.example,en,Europe/Prague\n"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-16", "cp1252"),
        ("cp1252", "cp1252"),
        ("cp1250", "cp1250"),
    ],
)
def test_a_list_is_read_by_its_mark_or_as_somebody_says(tmp_path: Path, encoding: str, said: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(TEXT.encode(encoding))
    (contact,) = read_lists([path], ReadOptions(encoding=said)).contacts
    assert contact.name == "Zoë Žižek"


def test_a_list_in_no_stated_encoding_is_asked_about_and_never_guessed(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(TEXT.encode("cp1252"))
    (fault,) = read_lists([path]).faults
    assert (fault.place, fault.code) == (f"{path}:2", "E_CSV_ENCODING")
    assert "Zoë Žižek" in fault.way_out
    assert "--encoding cp1252" in fault.way_out


@pytest.mark.parametrize(
    ("data", "said", "code"),
    [
        (TEXT.encode("cp1252"), "klingon", "E_ENCODING"),
        (b"id,name\na,\x81\n", "cp1252", "E_CSV_ENCODING"),
        ("id,name\na,\0\n".encode("utf-16"), "", "E_CSV_ENCODING"),
        ("id".encode("utf-16")[:-1], "", "E_CSV_ENCODING"),
    ],
)
def test_what_cannot_be_decoded_is_a_fault_of_the_file(tmp_path: Path, data: bytes, said: str, code: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    assert [one.code for one in read_lists([path], ReadOptions(encoding=said)).faults] == [code]


# -- the tables --------------------------------------------------------------------------------------------------------

TABLES = Path(words.__file__).parent


@pytest.mark.parametrize("name", ["languages", "genders", "honorifics", "forms", "policies", "months"])
def test_no_word_stands_twice_in_a_table(name: str) -> None:
    section = tomllib.loads((TABLES / "words.toml").read_text(encoding="utf-8"))[name]
    counts = Counter(word for listed in section.values() for word in {words.fold(one) for one in listed})
    assert [word for word, count in counts.items() if count > 1] == []
    assert "" not in counts


def test_the_tables_speak_of_codes_that_exist() -> None:
    assert set(words.table("languages").values()) == set(LANGUAGES)
    assert set(words.table("forms").values()) == {form.value for form in Form if form}
    assert set(words.table("genders").values()) == {gender.value for gender in Gender if gender}
    assert set(words.table("policies").values()) == {policy.value for policy in Policy}
    assert {city.zone for city in words.cities().values()} <= time_zones()


def test_every_header_of_the_tables_is_mapped_to_a_field_that_exists() -> None:
    for layout in columns.layouts():
        assert all(columns.is_field(name) for name in layout.fields.values()), layout.name
    assert all(columns.is_field(name) for name in columns.synonyms().values())


def test_no_header_means_two_fields_in_one_layout() -> None:
    tables = tomllib.loads((TABLES / "columns.toml").read_text(encoding="utf-8"))
    for section in (tables["synonyms"], *(one["columns"] for one in tables["layout"])):
        counts = Counter(header for listed in section.values() for header in {columns._key(one) for one in listed})
        assert [header for header, count in counts.items() if count > 1] == []


def test_every_column_of_our_own_is_explained() -> None:
    guide = tomllib.loads((TABLES / "fields.toml").read_text(encoding="utf-8"))
    assert tuple(guide) == FIELDS
    assert all(one["holds"].endswith(".") for one in guide.values())
