"""Which days an office keeps: weekends, public and UN holidays, national days, and what one's own file says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import holidays
import pytest

from dispatcher.domain import states
from dispatcher.domain.calendars import SATURDAY_SUNDAY
from dispatcher.domain.errors import SettingsError
from dispatcher.domain.model import Contact
from dispatcher.domain.words import Form
from dispatcher.intake.almanac import Almanac, country_of, easter
from dispatcher.intake.almanac_files import read_almanac, shipped
from dispatcher.intake.public_holidays import public_holidays

YEARS = (2025, 2026, 2027)
ALMANAC = shipped()


def office(contact_id: str = "one", **facts: object) -> Contact:
    base = Contact(contact_id, "", "N. N.", "", "", (), "", "", "en", "UTC", "", ())
    return replace(base, **facts)  # type: ignore[arg-type]  # the test names only what matters


def mission(code: str, **facts: object) -> Contact:
    """A permanent mission of that state in Geneva."""
    return office(state_code=code, seat="CH", organisation="Permanent Mission", postal=("1202 Genève",), **facts)


def reason(contact: Contact, day: str, almanac: Almanac = ALMANAC) -> str:
    return almanac.of_contact(contact, YEARS).reason(date.fromisoformat(day))


# -- where an office stands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "country"),
    [
        ({"seat": "CH", "state_code": "NO", "country": "Norway"}, "CH"),
        ({"country": "Switzerland", "state_code": "NO"}, "CH"),
        ({"country": "Suisse"}, "CH"),
        ({"state_code": "NO"}, "NO"),  # a ministry in its capital
        ({}, ""),
    ],
)
def test_an_office_keeps_the_days_of_the_country_where_it_stands(facts: dict[str, object], country: str) -> None:
    assert country_of(office(**facts)) == country


def test_a_mission_keeps_the_hosts_days_and_its_own_national_day() -> None:
    norway, jordan = mission("NO"), mission("JO")
    for one in (norway, jordan):
        assert reason(one, "2026-09-10") == "public holiday: Genevan Fast"
        assert reason(one, "2026-11-27") == ""  # a Friday, whatever the weekend at home
        assert reason(one, "2026-11-29") == "Sunday"
    assert reason(norway, "2027-05-17").startswith("national day of Norway")
    assert reason(jordan, "2027-05-25") == "national day of Jordan"
    assert reason(jordan, "2026-05-17") == "Sunday"


def test_a_ministry_keeps_its_own_weekend_and_holidays() -> None:
    ministry = office(state_code="JO")
    assert reason(ministry, "2026-11-27") == "Friday"
    assert reason(ministry, "2026-11-29") == ""
    assert reason(ministry, "2026-09-10") == ""
    assert "Independence Day" in reason(ministry, "2027-05-25")


def test_the_contacts_own_national_days_go_before_those_of_the_state() -> None:
    moved = mission("NO", national_days=("06-07",))
    assert reason(moved, "2027-06-07") == "national day of Norway"
    assert "national day" not in reason(moved, "2027-05-17")
    unnamed = office(country="Switzerland", state="the Republic of Ardesia", national_days=("06-08",))
    assert reason(unnamed, "2027-06-08") == "national day of the Republic of Ardesia"


def test_of_an_office_about_which_nothing_is_known_only_saturday_and_sunday_are_closed() -> None:
    nowhere = ALMANAC.of_contact(office(), YEARS)
    assert (nowhere.place, nowhere.weekends, nowhere.closed, nowhere.yearly) == ("", (SATURDAY_SUNDAY,), {}, {})
    assert nowhere.known_until == ""


# -- the United Nations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "concerned"),
    [
        ({"organisation": "Permanent Mission of the Republic of Ardesia to the United Nations Office at Geneva"}, True),
        ({"organisation": "Mission permanente de la Norvège"}, True),
        ({"organisation": "Ständige Vertretung bei den Vereinten Nationen"}, True),
        ({"form": Form.PERMANENT_REPRESENTATIVE}, True),
        ({"state_code": "NO"}, True),
        ({"organisation": "Embassy of the Kingdom of Norway", "state_code": "NO"}, False),
        ({"organisation": "Association of Watchmakers"}, False),
        ({"state_code": "CH"}, False),
    ],
)
def test_the_holidays_of_the_united_nations_are_for_those_who_work_with_them(
    facts: dict[str, object], concerned: bool
) -> None:
    in_geneva = office(seat="CH", postal=("Chemin des Cèdres 9", "1202 Genève"), **facts)
    assert ("UN holiday" in reason(in_geneva, "2026-03-20")) is concerned
    assert "UN holiday" not in reason(replace(in_geneva, postal=("3000 Bern",)), "2026-03-20")


@pytest.mark.parametrize(
    ("seat", "city", "day", "says"),
    [
        ("CH", "1211 Geneva 10", "2026-03-20", "UN holiday: Eid al-Fitr (expected)"),
        ("US", "New York, NY 10017", "2026-04-03", "UN holiday: Good Friday"),  # no holiday of the state
        ("US", "New York, NY 10017", "2026-11-26", "public holiday: Thanksgiving"),
        ("AT", "1220 Wien", "2026-04-03", "UN holiday: Good Friday"),
        ("AT", "1220 Vienna", "2026-10-26", "public holiday: National Day"),
        ("KE", "Nairobi", "2026-10-20", "public holiday: Mashujaa Day"),
        ("KE", "Nairobi", "2025-03-31", "Eid al-Fitr"),
    ],
)
def test_the_four_stations(seat: str, city: str, day: str, says: str) -> None:
    assert says in reason(office(seat=seat, postal=(city,), form=Form.PERMANENT_REPRESENTATIVE), day)


def test_the_days_that_were_announced_for_headquarters() -> None:
    """2024 as Global Times listed them; 2015 as Youm7 reported; the letter of 1 October 2015 went a week later."""
    new_york = office(seat="US", postal=("New York",), form=Form.PERMANENT_REPRESENTATIVE)
    calendar = ALMANAC.of_contact(new_york, (2015, 2024))
    announced = ("01-01", "03-29", "04-10", "05-27", "06-17", "07-04", "09-02", "11-28", "12-25")
    assert [day for day in announced if calendar.is_open(date.fromisoformat(f"2024-{day}"))] == []
    assert calendar.reason(date(2015, 9, 23)) == "UN holiday: Eid al-Adha"
    assert calendar.reason(date(2015, 10, 1)) == ""


@pytest.mark.parametrize(
    ("year", "day"),
    [(2015, "04-05"), (2024, "03-31"), (2026, "04-05"), (2027, "03-28"), (2038, "04-25"), (2049, "04-18")],
)
def test_easter(year: int, day: str) -> None:
    assert easter(year) == date.fromisoformat(f"{year}-{day}")


# -- the shipped tables ------------------------------------------------------------------------------------------------

#: Where our table and the package's differ, and why ours stands: Libya and Palestine have Friday and Saturday, Nepal
#: Saturday alone, Somalia Friday alone; Mauritania changed in 2014; the rest are countries where shops, not offices,
#: open on Saturdays.
_OURS = {"LY", "PS", "NP", "SO", "MR"} | {"CD", "NE", "PY", "KN", "VE"}


def test_weekends_agree_with_those_of_the_package_but_where_we_know_why() -> None:
    for one in states.states():
        theirs = holidays.country_holidays(one.code, years=2026).weekend
        ours = ALMANAC.of_country(one.code, (2026,))
        days = {number for number in range(7) if ours.is_weekend(date(2026, 11, 23 + number))}
        assert days == theirs or one.code in _OURS, one.code


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("AE", "2021-12-31", "2022-01-07"),
        ("SA", "2013-06-27", "2013-07-04"),
        ("OM", "2013-04-25", "2013-05-02"),
        ("YE", "2013-08-08", "2013-08-15"),
        ("KW", "2007-08-30", "2007-09-06"),
        ("DZ", "2009-08-13", "2009-08-20"),
        ("BH", "2006-08-31", "2006-09-07"),
        ("MR", "2014-09-26", "2014-10-03"),
    ],
)
def test_weekends_that_changed_count_from_their_day(code: str, before: str, after: str) -> None:
    """A day of the week that was free until then, a week before and on the first one after."""
    calendar = ALMANAC.of_country(code, (2020,))
    assert calendar.is_weekend(date.fromisoformat(before))
    assert not calendar.is_weekend(date.fromisoformat(after))


def test_every_state_has_public_holidays_or_it_is_known_that_it_has_none() -> None:
    """Ukraine keeps none while martial law lasts; Sri Lanka announces the next year's late."""
    without = {one.code for one in states.states() for year in YEARS if not public_holidays(one.code, "", (year,))}
    assert without == {"UA", "LK"}
    assert ALMANAC.of_country("LK", YEARS).known_until == "2026-12-31"
    assert ALMANAC.of_country("UA", YEARS).known_until == ""
    assert ALMANAC.of_country("CH", YEARS).known_until == "2027-12-31"


def test_years_beyond_the_end_of_a_table_are_left_out_in_silence() -> None:
    assert public_holidays("SO", "", (1900, 2026, 2199)) == public_holidays("SO", "", (2026,))


def test_a_country_without_a_table_has_none() -> None:
    assert public_holidays("XX", "", YEARS) == ()


# -- a file of one's own -----------------------------------------------------------------------------------------------

OWN = """\
[[closed]]
day = 2026-12-28
until = 2026-12-30
reason = "the mission moves"
contacts = ["one"]

[[closed]]
day = 2026-11-25
reason = "a day of mourning"
countries = ["CH"]
cities = ["new-york"]

[[open]]
day = 2026-03-20
cities = ["geneva"]
"""


@pytest.fixture
def own(tmp_path: Path) -> Almanac:
    path = tmp_path / "closed-days.toml"
    path.write_text(OWN, encoding="utf-8")
    return read_almanac(path)


def test_ones_own_days_are_closed_for_those_they_name(own: Almanac) -> None:
    one, two = mission("NO"), mission("NO", id="two")
    assert reason(one, "2026-12-29", own) == "closed: the mission moves"
    assert reason(two, "2026-12-29", own) == ""
    assert reason(two, "2026-11-25", own) == "closed: a day of mourning"
    new_york = office("three", seat="US", postal=("New York, NY 10017",))
    assert reason(new_york, "2026-11-25", own) == "closed: a day of mourning"
    assert reason(office("four", seat="US"), "2026-11-25", own) == ""


def test_an_expected_day_that_did_not_come_can_be_opened(own: Almanac) -> None:
    assert reason(mission("NO"), "2026-03-20", own) == ""
    assert "UN holiday" in reason(mission("NO"), "2026-03-20")


FAULTS = [
    ("day = 2026-12-28", 'day = "28 December"', 2, "E_TYPE"),
    ("until = 2026-12-30", "until = 2026-12-27", 3, "E_VALUE"),
    ("until = 2026-12-30", "until = 2028-12-30", 3, "E_VALUE"),
    ('reason = "the mission moves"\n', "", 1, "E_KEY_MISSING"),
    ('countries = ["CH"]', 'countries = ["Switzerland"]', 10, "E_STATE"),
    ('cities = ["new-york"]', 'cities = ["new york"]', 11, "E_VALUE"),
    ("[[open]]", "[[opens]]", 13, "E_KEY_UNKNOWN"),
    ("[[open]]", "[[open", 13, "E_TOML_SYNTAX"),
]


@pytest.mark.parametrize(("text", "instead", "line", "code"), FAULTS)
def test_what_is_wrong_with_the_file_is_told_with_its_line(
    text: str, instead: str, line: int, code: str, tmp_path: Path
) -> None:
    assert text in OWN
    path = tmp_path / "closed-days.toml"
    path.write_text(OWN.replace(text, instead), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        read_almanac(path)
    assert [(one.place, one.code) for one in refused.value.problems] == [(f"{path}:{line}", code)]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="E_FILE"):
        read_almanac(tmp_path / "closed-days.toml")


SHIPPED_FAULTS = [
    ("weekends.toml", '[[weekends]]\ncountries = ["JO"]\ndays = ["Fryday"]\nsource = "x"\n', "E_VALUE"),
    ("weekends.toml", '[[weekends]]\ncountries = ["JO"]\ndays = []\nsource = "x"\n', "E_VALUE"),
    ("weekends.toml", '[[weekends]]\ncountries = ["JO"]\ndays = ["Friday"]\n', "E_KEY_MISSING"),
    ("stations.toml", '[[stations]]\ncity = "gotham"\nsource = "x"\nyearly = {}\n', "E_VALUE"),
    ("stations.toml", '[[stations]]\ncity = "geneva"\nsource = "x"\nyearly = { "02-30" = "x" }\n', "E_VALUE"),
    ("stations.toml", '[[days]]\nstations = ["rome"]\nday = 2027-01-01\nname = "x"\nsource = "x"\n', "E_VALUE"),
]


@pytest.mark.parametrize(("name", "text", "code"), SHIPPED_FAULTS)
def test_a_table_that_somebody_spoilt_is_refused(name: str, text: str, code: str, tmp_path: Path) -> None:
    for one in ("weekends.toml", "stations.toml"):
        (tmp_path / one).write_text(text if one == name else "", encoding="utf-8")
    with pytest.raises(SettingsError, match=code):
        read_almanac(folder=tmp_path)
