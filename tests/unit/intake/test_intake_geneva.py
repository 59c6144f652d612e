"""A French list of missions as a newcomer brings it: suburbs, 'Titre' beside 'Fonction', and what was misspelt."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.domain.model import Contact
from dispatcher.domain.words import Gender, Kind
from dispatcher.intake.columns import is_field, layouts, second_choices
from dispatcher.intake.contacts import Reading, ReadOptions, read_lists
from dispatcher.intake.words import city_in

HEADER = "Pays;Mission permanente;Adresse;NPA / Localité;Langue;Chef de mission;Fonction;Courriel;Télécopie"
ROW = "{state};Mission permanente;1, chemin A;{city};Français;Mme A-{n};Ambassadrice;m{n}@x.example;{fax}"
STATES = ("Yémen", "Pérou", "Tchad", "Norvège", "Japon", "Kenya", "Chili", "Fidji")


def read_list(folder: Path, *cities: str, header: str = HEADER, row: str = ROW, fax: str = "") -> Reading:
    """A list of one mission a city."""
    lines = [row.format(state=STATES[n], city=city, n=n, fax=fax) for n, city in enumerate(cities)]
    path = folder / "missions.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return read_lists([path])


def where(contact: Contact) -> tuple[str, str, str]:
    return contact.id, contact.seat, contact.time_zone


AROUND = ("1216 Cointrin", "1218 Grand-Saconnex", "1224 Chêne-Bougeries", "1214 Vernier", "1290 Versoix",
          "1293 Bellevue", "1292 Pregny-Chambésy", "1227 Carouge")  # fmt: skip


def test_missions_around_geneva_stand_in_geneva(tmp_path: Path) -> None:
    reading = read_list(tmp_path, *AROUND)
    assert reading.problems == ()
    assert {(contact.seat, contact.time_zone) for contact in reading.contacts} == {("CH", "Europe/Zurich")}
    assert [contact.id for contact in reading.contacts][:2] == ["ye-geneva", "pe-geneva"]
    assert reading.contacts[0].postal == ("1, chemin A", "1216 Cointrin")


def test_a_national_fax_number_of_a_mission_around_geneva_is_a_swiss_one(tmp_path: Path) -> None:
    (contact,) = read_list(tmp_path, "1216 Cointrin", fax="022 555 01 00").contacts
    assert contact.address(Kind.FAX) == "+41225550100"


def test_a_list_that_names_geneva_speaks_for_a_row_that_names_no_city_that_is_known(tmp_path: Path) -> None:
    contacts = read_list(tmp_path, "1202 Genève", "1209 Genève", "1299 Quelque-Part", "").contacts
    assert {where(contact)[1:] for contact in contacts} == {("CH", "Europe/Zurich")}
    assert contacts[3].id == "no-geneva"


def test_a_mission_in_another_city_that_is_known_stands_there(tmp_path: Path) -> None:
    cities = ("1202 Genève", "1290 Versoix", "1050 Bruxelles", "1010 Copenhague", "Oslo", "3005 Berne", "Genève")
    assert [where(contact) for contact in read_list(tmp_path, *cities).contacts] == [
        ("ye-geneva", "CH", "Europe/Zurich"),
        ("pe-geneva", "CH", "Europe/Zurich"),
        ("td-brussels", "BE", "Europe/Brussels"),
        ("no-copenhagen", "DK", "Europe/Copenhagen"),
        ("jp-no", "NO", "Europe/Oslo"),
        ("ke-bern", "CH", "Europe/Zurich"),
        ("cl-geneva", "CH", "Europe/Zurich"),
    ]


def test_another_country_in_the_address_says_another_seat(tmp_path: Path) -> None:
    lines = [HEADER + ";Pays de l'adresse", ROW.format(state="Yémen", city="1202 Genève", n=0, fax="") + ";Suisse",
             ROW.format(state="Pérou", city="9999 Ici", n=1, fax="") + ";Autriche"]  # fmt: skip
    (tmp_path / "two.csv").write_text("\n".join(lines), encoding="utf-8")
    contacts = read_lists([tmp_path / "two.csv"]).contacts
    assert [where(contact)[1:] for contact in contacts] == [("CH", "Europe/Zurich"), ("AT", "Europe/Vienna")]


def test_a_french_list_that_is_not_of_geneva_is_not_moved_there(tmp_path: Path) -> None:
    contacts = read_list(tmp_path, "Sanaa-Ville", "Lima 15001").contacts
    assert [contact.time_zone for contact in contacts] == ["Asia/Aden", "America/Lima"]


def test_missions_around_new_york_stand_in_new_york(tmp_path: Path) -> None:
    header = "Member State;Permanent Mission;Address;City;Correspondence language;Head of mission;Rank;E-mail;Telefax"
    (contact,) = read_list(tmp_path, "Bronxville", header=header).contacts
    assert where(contact) == ("ye-new-york", "US", "America/New_York")


def test_every_duty_station_is_a_city_that_is_known_and_none_around_it_is() -> None:
    stations = [one for one in layouts() if one.duty_station]
    assert len(stations) == 2
    for one in stations:
        assert city_in(one.duty_station)
        assert len(one.around) >= 25
        assert [name for name in one.around if city_in(name)] == []


# -- columns -----------------------------------------------------------------------------------------------------------

TITLED = HEADER.replace("Fonction", "Titre;Fonction")


@pytest.mark.parametrize("titles", [("S.E. Mme", "S.E. M."), ("Mme", "")])
def test_a_column_of_honorifics_beside_the_office_is_the_honorific(tmp_path: Path, titles: tuple[str, str]) -> None:
    rows = [ROW.format(state=STATES[n], city="1202 Genève", n=n, fax="").replace("Ambass", f"{titles[n]};Ambass")
            for n in (0, 1)]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join([TITLED, *rows]), encoding="utf-8")
    reading = read_lists([tmp_path / "a.csv"])
    assert reading.problems == ()
    guess = next(one for one in reading.mapping if one.header == "Titre")
    assert (guess.field, guess.how) == ("honorific", "by its values")
    assert reading.contacts[0].office == "Ambassadrice"
    assert reading.contacts[0].gender is Gender.FEMALE


def test_where_it_stays_ambiguous_the_way_out_names_what_the_column_may_be(tmp_path: Path) -> None:
    row = ROW.replace("Ambass", "Docteur;Ambass")
    (fault,) = read_list(tmp_path, "1202 Genève", header=TITLED, row=row).faults
    assert fault.code == "E_CSV_HEADER"
    assert fault.way_out.startswith('Say what one of them is, as in --map "Titre=honorific"; or leave one out')
    assert '--ignore "Titre"' in fault.way_out


def test_the_address_of_the_head_of_mission_is_read_where_there_is_no_other(tmp_path: Path) -> None:
    alone = read_list(tmp_path, "1202 Genève", header=HEADER.replace("Courriel", "Courriel du chef de mission"))
    assert alone.contacts[0].address(Kind.EMAIL) == "m0@x.example"
    both = read_list(
        tmp_path, "1202 Genève",
        header=HEADER.replace("Courriel", "Courriel du chef de mission;Courriel"),
        row=ROW.replace("m{n}@", "own{n}@x.example;m{n}@"),
    )  # fmt: skip
    assert both.contacts[0].address(Kind.EMAIL) == "m0@x.example"
    assert ["Courriel du chef de mission" in one.cause for one in both.warnings if one.code == "W_COLUMN"] == [True]


def test_the_day_of_presentation_is_when_the_term_began(tmp_path: Path) -> None:
    row = ROW.replace("Ambassadrice", "Ambassadrice;3 mai 2024")
    for name in ("Date de présentation", "Date de présentation des lettres de créance"):
        header = HEADER.replace("Fonction", f"Fonction;{name}")
        (contact,) = read_list(tmp_path, "1202 Genève", header=header, row=row).contacts
        assert str(contact.since) == "2024-05-03"


def test_second_choices_are_fields_of_ours() -> None:
    assert second_choices()
    assert all(map(is_field, second_choices().values()))


def test_every_wrong_map_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Who,Where,E-mail,name\na,b,c@x.example,d\n")
    wrong = {"Who": "nmae", "Where": "citty", "E-mial": "email", "name": "xqzw"}
    problems = read_lists([path], ReadOptions(mapping=wrong, ignore=("Wher",))).problems
    assert {one.code for one in problems} == {"E_MAPPING"}
    assert [one.way_out.split(":")[0] for one in problems] == [
        "Did you mean 'name'?", "Did you mean 'city'?", "Fields", "Did you mean 'E-mail'?", "Did you mean 'Where'?",
    ]  # fmt: skip
    assert ", postcode, city, region" in problems[2].way_out


# -- notes -------------------------------------------------------------------------------------------------------------


def test_what_was_filled_in_is_one_line_a_kind_with_up_to_three_examples(tmp_path: Path) -> None:
    reading = read_list(tmp_path, "1202 Genève", "1202 Genève", *AROUND[:5])
    told = {one.code: one.cause for one in reading.warnings}
    assert len(told) == len(reading.warnings)
    assert told["W_SEAT_MADE"] == (
        "seat: made from where the office stands, 7 rows (CH, because of '1202 Genève': 2; "
        "CH, because of '1216 Cointrin'; CH, because of '1218 Grand-Saconnex'; and 3 more)"
    )


def test_a_value_of_its_own_is_among_the_examples_however_rare_it_is(tmp_path: Path) -> None:
    reading = read_list(tmp_path, *AROUND[:4], "1202 Genève", "1202 Genève", "1010 Vienne")
    (zones,) = [one.cause for one in reading.warnings if one.code == "W_ZONE_MADE"]
    assert "Europe/Vienna, because of '1010 Vienne'; " in zones
    assert zones.endswith("; and 3 more)")


def test_a_note_of_a_single_row_says_what_was_made_of_what(tmp_path: Path) -> None:
    told = {one.code: one.cause for one in read_list(tmp_path, "1216 Cointrin").warnings}
    assert told["W_SEAT_MADE"] == "seat: CH, because of '1216 Cointrin'"
    assert told["W_ID_MADE"] == "id: ye-geneva, made from state and seat"
