"""States: any of their names gives their code, and their code gives a name that a sentence can hold."""

from __future__ import annotations

import csv
from importlib.resources import files
from io import StringIO
from zoneinfo import ZoneInfo

import pytest

from dispatcher.domain.states import (
    LANGUAGES,
    State,
    could_be,
    formal,
    in_sentence,
    nearest,
    resolve,
    short,
    state,
    states,
)

ALL = [(one, tag) for one in states() for tag in LANGUAGES]
#: Neither members nor observers of the United Nations, and parties to its treaties all the same.
ASSOCIATED = {"CK", "NU"}
OBSERVERS = {"PS", "VA"}

#: As lists of missions, address books and letters spell them.
SPELLINGS = {
    "Swaziland": "SZ", "Ivory Coast": "CI", "COTE D'IVOIRE": "CI", "Cote d’Ivoire": "CI", "Côte d'Ivoire (la)": "CI",
    "Burma": "MM", "Czech Republic": "CZ", "the Czech Republic": "CZ", "Turkey": "TR", "TURKIYE": "TR", "Turquie": "TR",
    "Bolivia (Plurinational State of)": "BO", "Bolivia, Plurinational State of": "BO", "bolivia": "BO",
    "Venezuela (Bolivarian Republic of)": "VE", "Venezuela": "VE", "Republic of Korea": "KR", "South Korea": "KR",
    "Korea, Republic of": "KR", "DPRK": "KP", "D.P.R.K.": "KP", "North Korea": "KP", "Corée du Nord": "KP",
    "Congo": "CG", "the Congo": "CG", "Congo (le)": "CG", "Congo-Brazzaville": "CG", "Republic of the Congo": "CG",
    "Democratic Republic of the Congo": "CD", "DR Congo": "CD", "Congo (Kinshasa)": "CD", "Zaïre": "CD", "RDC": "CD",
    "Holy See": "VA", "Vatican": "VA", "Saint-Siège": "VA", "Palestine": "PS", "State of Palestine": "PS",
    "Russia": "RU", "russian federation": "RU", "Fédération de Russie (la)": "RU", "Россия": "RU", "俄罗斯": "RU",
    "UK": "GB", "U.K.": "GB", "Royaume-Uni": "GB", "Great Britain": "GB", "Великобритания": "GB", "英国": "GB",
    "USA": "US", "U.S.A.": "US", "United States": "US", "Etats-Unis": "US", "EE.UU.": "US", "США": "US", "美国": "US",
    "Syria": "SY", "Iran": "IR", "Laos": "LA", "Moldova": "MD", "Tanzania": "TZ", "Vietnam": "VN", "Cape Verde": "CV",
    "The Netherlands": "NL", "Holland": "NL", "Pays-Bas": "NL", "Netherlands (Kingdom of the)": "NL",
    "The former Yugoslav Republic of Macedonia": "MK", "East Timor": "TL", "St. Lucia": "LC",
    "St Vincent & the Grenadines": "VC", "Bosnia-Herzegovina": "BA", "Trinidad & Tobago": "TT", "Brunei": "BN",
    "São Tomé and Príncipe": "ST", "Hong Kong": "HK", "Macau": "MO", "Taiwan, Province of China": "TW", "Kosovo": "XK",
    "Greenland": "GL", "Puerto Rico": "PR", "الإمارات": "AE", "السعودية": "SA", "سوريا": "SY", "韩国": "KR",
    "朝鲜": "KP",
    "l'Andorre": "AD", "L’ALLEMAGNE": "DE", "la Argentina": "AR", "Guinea": "GN", "GUINEA BISSAU": "GW", "che": "CH",
    "Türkei": "TR", "PAPUA-NEW GUINEA": "PG", "  Chad ": "TD", "Niger": "NE", "Nigeria": "NG", "Dominica": "DM",
}  # fmt: skip


def test_the_table_holds_every_member_both_observers_and_two_more() -> None:
    codes = {one.code for one in states()}
    assert len(codes - OBSERVERS - ASSOCIATED) == 193
    assert codes >= OBSERVERS | ASSOCIATED
    assert len({one.code3 for one in states()}) == len(states()) == 197


@pytest.mark.parametrize("one", states(), ids=lambda one: one.code)
def test_a_state_has_a_capital_a_time_zone_that_exists_and_days_that_a_leap_year_has(one: State) -> None:
    assert one.capital
    assert ZoneInfo(one.zone).key == one.zone
    for day in one.national_days:
        month, number = map(int, day.split("-"))
        assert 1 <= month <= 12
        assert 1 <= number <= 31
        assert day == f"{month:02}-{number:02}"


def test_the_short_and_the_formal_name_lead_back_to_the_code_in_every_language() -> None:
    for one, tag in ALL:
        for name in (short(one.code, tag), formal(one.code, tag), in_sentence(one.code, tag), one.shorts[tag]):
            assert resolve(name) == one.code, name
            assert resolve(name.upper()) == one.code, name
        assert resolve(one.code) == resolve(one.code3.lower()) == one.code


def test_a_name_in_a_sentence_has_no_parentheses_and_its_article_in_front() -> None:
    for one, tag in ALL:
        name = in_sentence(one.code, tag)
        assert name
        assert not set("()（）*") & set(name)
        assert name == " ".join(name.split())


@pytest.mark.parametrize(
    ("code", "tag", "name"),
    [
        ("RU", "en", "the Russian Federation"), ("RU", "fr", "la Fédération de Russie"), ("AD", "fr", "l'Andorre"),
        ("AR", "es", "la Argentina"), ("BO", "en", "the Plurinational State of Bolivia"), ("SV", "es", "El Salvador"),
        ("IR", "ru", "Исламская Республика Иран"), ("VE", "ar", "جمهورية فنزويلا البوليفارية"),
        ("CG", "zh", "刚果共和国"), ("FR", "en", "France"), ("US", "fr", "les États-Unis d'Amérique"),
        ("CI", "fr", "la Côte d'Ivoire"), ("TR", "en", "Türkiye"), ("VA", "es", "la Santa Sede"),
    ],
)  # fmt: skip
def test_names_read_right_in_a_sentence(code: str, tag: str, name: str) -> None:
    assert in_sentence(code, tag) == name


def test_short_and_formal_names_keep_to_what_the_united_nations_write() -> None:
    assert short("RU", "en") == "Russian Federation"
    assert short("IR", "en") == "Iran (Islamic Republic of)"
    assert formal("CH", "en") == "the Swiss Confederation"
    assert short("RU", "de") == short("RU", "en")  # no German names: English ones


@pytest.mark.parametrize(("spelt", "code"), SPELLINGS.items())
def test_a_spelling_of_the_real_world_is_understood(spelt: str, code: str) -> None:
    assert resolve(spelt) == code


@pytest.mark.parametrize(
    "name", ["", "  ", "Korea", "刚果", "Virgin Islands", "Saint Martin", "Atlantis", "Nigerio", "XX"]
)
def test_what_is_ambiguous_or_unknown_is_not_guessed(name: str) -> None:
    assert resolve(name) == ""


@pytest.mark.parametrize(
    ("name", "near"), [("Swizerland", "Switzerland"), ("Kirgistan", "Kirguistán"), ("Zzzqqq", ""), ("", "")]
)
def test_a_near_name_is_only_ever_a_hint(name: str, near: str) -> None:
    assert nearest(name) == near
    assert resolve(name) == ""


@pytest.mark.parametrize("name", ["Korea", "corée", "Корея", "كوريا"])
def test_a_name_that_two_states_share_names_both_and_is_neither(name: str) -> None:
    assert could_be(name) == ("Democratic People's Republic of Korea", "Republic of Korea")
    assert resolve(name) == ""


def test_no_name_that_is_certain_is_in_the_table_of_doubts() -> None:
    rows = csv.DictReader(StringIO(files("dispatcher.domain").joinpath("state_doubts.csv").read_text(encoding="utf-8")))
    for row in rows:
        assert resolve(row["name"]) == ""
        assert len([code for code in row["codes"].split() if state(code)]) > 1
    assert could_be("Congo") == could_be("") == ()


@pytest.mark.parametrize("code", ["HK", "GL", "XX", ""])
def test_a_territory_is_no_state_and_has_no_name(code: str) -> None:
    assert state(code) is None
    assert short(code, "en") == formal(code, "en") == in_sentence(code, "en") == ""


def test_every_alias_is_needed_and_leads_to_its_own_code() -> None:
    text = files("dispatcher.domain").joinpath("state_aliases.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(StringIO(text)))
    assert len(rows) >= 150
    assert [row for row in rows if resolve(row["alias"]) != row["code"]] == []
    own = {name for one, tag in ALL for name in (short(one.code, tag), formal(one.code, tag))}
    assert [row for row in rows if row["alias"] in own] == []
