"""A campaign from TOML: what is read, and every complaint."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from intake_files import CAMPAIGN, LETTERS, ORGANISATIONS, ReadCampaign, problems, told

from dispatcher.domain.errors import CampaignError, Problem
from dispatcher.domain.model import Copy, Hours, Sender, Step, When
from dispatcher.domain.words import Days, Policy
from dispatcher.intake import sheet
from dispatcher.intake.campaign import read_campaign
from dispatcher.intake.contacts import ContactBook

AT = "at = 2015-10-01T09:00:00\n"


def test_a_file_becomes_a_campaign(campaign_file: ReadCampaign) -> None:
    file = campaign_file()
    campaign = file.campaign
    assert (campaign.id, campaign.title, campaign.organisation) == ("air-strikes", "Air strikes", "coalition")
    assert campaign.sender == Sender("Megan Burke", "Director", "letters@coalition.example", "Geneva")
    assert campaign.letter_date == date(2015, 10, 1)
    assert campaign.when == When(datetime.fromisoformat("2015-10-01T09:00"), "Europe/Zurich")
    assert campaign.when.instant == datetime(2015, 10, 1, 7, tzinfo=UTC)
    assert campaign.hours == Hours(time(8), time(18))
    assert campaign.contact_ids == ("pelagia-new-york", "ardesia-geneva", "miravale-geneva")
    assert campaign.policy is Policy.FAX_IF_NO_PROOF
    assert campaign.policy_for("miravale-geneva") is Policy.EMAIL
    assert (campaign.proof_after, campaign.expires_after) == (4, 20)
    assert campaign.copies == (Copy("registry", "ardesia-geneva", Policy.EMAIL),)
    assert campaign.steps == (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 10))
    assert campaign.source == CAMPAIGN
    assert file.warnings == ()


def test_what_may_be_left_out_has_a_stated_default(campaign_file: ReadCampaign) -> None:
    changes = ("letter_date = 2015-10-01\n", ""), ('hours = "08:00-18:00"\nexpires_after = 20\n', "")
    campaign = campaign_file(*changes, ("proof_after = 4\n", ""), ('channels = "email"\n', "")).campaign
    assert campaign.letter_date == date(2015, 10, 1)
    assert (campaign.hours, campaign.expires_after, campaign.proof_after) == (None, 0, 3)
    assert campaign.copies[0].policy is Policy.FAX_IF_NO_PROOF
    assert campaign.fall_back == "en"


def test_the_language_that_letters_fall_back_to_may_be_stated(campaign_file: ReadCampaign) -> None:
    change = ('title = "Air strikes"', 'title = "Air strikes"\nfall_back = "fr"')
    assert campaign_file(change).campaign.fall_back == "fr"


@pytest.mark.parametrize("days", list(Days))
def test_hours_say_on_which_days_they_are(days: Days, campaign_file: ReadCampaign) -> None:
    given = campaign_file(('hours = "08:00-18:00"', f'hours = "08:00-18:00"\ndays = "{days}"')).campaign.hours
    assert given == Hours(time(8), time(18), days)


def test_the_letter_is_dated_with_the_local_day_not_that_of_utc(campaign_file: ReadCampaign) -> None:
    changes = ("letter_date = 2015-10-01\n", ""), (AT, "at = 2015-10-01T00:30:00\n")
    assert campaign_file(*changes).campaign.letter_date == date(2015, 10, 1)


def test_the_source_is_kept_exactly_with_its_mark_and_line_endings(tmp_path: Path, book: ContactBook) -> None:
    source = "\ufeff" + CAMPAIGN.replace("\n", "\r\n")
    path = tmp_path / "campaign.toml"
    path.write_bytes(source.encode())
    assert read_campaign(path, book, LETTERS, ORGANISATIONS).campaign.source == source


# what is replaced, by what, the line on which the complaint stands, its code
FAULTS: list[tuple[str, str, int, str]] = [
    ('id = "air-strikes"', 'id = "Air Strikes"', 1, "E_ID"),
    ('title = "Air strikes"', 'title = ""', 2, "E_VALUE"),
    ('title = "Air strikes"', 'title = "Air\\nstrikes"', 2, "E_CTRL"),
    ('title = "Air strikes"', 'title = "=?x?="', 2, "E_ENCODED_WORD"),
    ('title = "Air strikes"', 'title = "a\\u202Eb"', 2, "E_BIDI"),
    ('title = "Air strikes"', 'title = "a\\u200Bb"', 2, "E_INVISIBLE"),
    ('title = "Air strikes"', f'title = "{"x" * 301}"', 2, "E_TEXT_LONG"),
    ('title = "Air strikes"', "title = true", 2, "E_TYPE"),
    ('title = "Air strikes"', 'titel = "Air strikes"\ntitle = "x"', 2, "E_KEY_UNKNOWN"),
    ('organisation = "coalition"', 'organisation = "coalitoin"', 3, "E_ORGANISATION"),
    ("letter_date = 2015-10-01", "letter_date = 2015-10-01T00:00:00", 4, "E_TYPE"),
    ("letter_date = 2015-10-01", 'letter_date = "1 October"', 4, "E_TYPE"),
    ('name = "Megan Burke"\n', "", 6, "E_KEY_MISSING"),
    ('name = "Megan Burke"', "name = 3", 7, "E_TYPE"),
    ('title = "Director"', 'title = ""', 8, "E_VALUE"),
    ('place = "Geneva"', 'place = "a\\tb"', 10, "E_CTRL"),
    ("letters@coalition.example", "letters@coalition", 9, "E_ADDR_DNS"),
    ("letters@coalition.example", "a@x.example, b@x.example", 9, "E_ADDR_MANY"),
    (AT, "", 12, "E_KEY_MISSING"),
    (AT, 'at = "2015-10-01T09:00:00"\n', 13, "E_TYPE"),
    (AT, "at = 2015-10-01\n", 13, "E_TYPE"),
    (AT, "at = 2015-10-01T09:00:00Z\n", 13, "E_TIME_OFFSET"),
    (AT, "at = 9999-10-01T09:00:00\n", 13, "E_TIME_RANGE"),
    ('zone = "Europe/Zurich"\n', "", 12, "E_TIME_ZONE"),
    ('zone = "Europe/Zurich"', 'zone = "Europe/Zurch"', 14, "E_ZONE"),
    ('"08:00-18:00"', '"8 to 18"', 15, "E_HOURS"),
    ('"08:00-18:00"', '"18:00-08:00"', 15, "E_HOURS"),
    ('hours = "08:00-18:00"', 'days = "every"', 15, "E_HOURS"),
    ('hours = "08:00-18:00"', 'hours = "08:00-18:00"\ndays = "weekdays"', 16, "E_VALUE"),
    ("expires_after = 20", "expires_after = -1", 16, "E_VALUE"),
    ("expires_after = 20", 'expires_after = "20"', 16, "E_TYPE"),
    ("expires_after = 20", "expires_after = true", 16, "E_TYPE"),
    ('contacts = ["pelagia-new-york"]', 'contacts = [\n"pelagia-new-york",\n"plagia-new-york"]', 21, "E_CONTACT"),
    ('contacts = ["pelagia-new-york"]', 'contacts = ["pelagia-new-york", "pelagia-new-york"]', 19, "E_DUP"),
    ('contacts = ["pelagia-new-york"]', 'contacts = ["pelagia-new-york", 3]', 19, "E_TYPE"),
    ('contacts = ["pelagia-new-york"]', 'contacts = "pelagia-new-york"', 19, "E_TYPE"),
    ('tags = ["geneva"]', 'tags = ["geneva", "genva"]', 20, "E_TAG"),
    ('except = ["halvorn-geneva"]', 'except = ["halvorn-geneva", "nobody"]', 21, "E_CONTACT"),
    ('default = "fax_if_no_proof"', 'default = "telex"', 24, "E_VALUE"),
    ('default = "fax_if_no_proof"\n', "", 23, "E_KEY_MISSING"),
    ("proof_after = 4", "proof_after = 0", 25, "E_VALUE"),
    ('"miravale-geneva" = "email"', '"miravale-geneva" = "fax"', 28, "E_NO_ADDRESS"),
    ('"miravale-geneva" = "email"\n', "", 24, "E_NO_ADDRESS"),
    ('"miravale-geneva" = "email"', '"miravale-geneva" = "email"\nmiravale-genva = "fax"', 29, "E_CONTACT"),
    ('"miravale-geneva" = "email"', '"miravale-geneva" = "email"\nhalvorn-geneva = "fax"', 29, "E_NOT_SELECTED"),
    ('contact = "registry"', 'contact = "regstry"', 31, "E_CONTACT"),
    ('contact = "registry"', 'contact = "ardesia-geneva"', 31, "E_CC"),
    ('for = "ardesia-geneva"', 'for = "halvorn-geneva"', 32, "E_NOT_SELECTED"),
    ('for = "ardesia-geneva"', 'for = "nobody"', 32, "E_CONTACT"),
    ('channels = "email"', 'channels = "telex"', 33, "E_VALUE"),
    ('for = "ardesia-geneva"\n', "", 30, "E_KEY_MISSING"),
    (
        'contact = "registry"\nfor = "ardesia-geneva"\nchannels = "email"',
        'contact = "miravale-geneva"\nfor = "ardesia-geneva"\nchannels = "fax"',
        33,
        "E_NO_ADDRESS",
    ),
    ("[[cc]]", '[[cc]]\ncontact = "registry"\nfor = "ardesia-geneva"\n\n[[cc]]', 35, "E_DUP"),
    ('letter = "air-strikes"\n', 'letter = "air-strike"\n', 36, "E_LETTER"),
    ('letter = "air-strikes"\n', 'letter = "air-strikes"\nafter = 3\n', 37, "E_STEP_AFTER"),
    ("after = 10\n", "", 38, "E_STEP_AFTER"),
    ("after = 10\n", "after = 0\n", 40, "E_VALUE"),
    ('"air-strikes-follow-up"', '"air-strikes"', 39, "E_DUP"),
    ("after = 10\n", "after = 10\nafter_days = 3\n", 41, "E_KEY_UNKNOWN"),
    ('title = "Air strikes"', 'title = "Air strikes"\nfall_back = "de"', 3, "E_LANGUAGE"),
    ('title = "Air strikes"', 'title = "Air strikes"\nfall_back = 3', 3, "E_TYPE"),
]


@pytest.mark.parametrize(("old", "new", "line", "code"), FAULTS)
def test_each_fault_is_named_with_its_line(
    campaign_file: ReadCampaign, old: str, new: str, line: int, code: str
) -> None:
    found = problems(lambda: campaign_file((old, new)))
    assert (str(line), code) in told(found)
    assert {problem.code for problem in found} == {code}
    assert all(problem.cause.isprintable() and problem.way_out for problem in found)


@pytest.mark.parametrize(
    ("old", "new", "way_out"),
    [
        ('zone = "Europe/Zurich"', 'zone = "Europe/Zurch"', "Did you mean 'Europe/Zurich'?"),
        ('tags = ["geneva"]', 'tags = ["genva"]', "Did you mean 'geneva'?"),
        ('title = "Air strikes"', 'titel = ""\ntitle = "x"', "Did you mean 'title'?"),
        ('default = "fax_if_no_proof"', 'default = "fax if no proof"', "Did you mean 'fax_if_no_proof'?"),
        (
            'organisation = "coalition"',
            'organisation = "x"',
            "Letterheads that exist: campaign-against-mines, coalition",
        ),
    ],
)
def test_a_misspelt_word_is_told_the_right_one(campaign_file: ReadCampaign, old: str, new: str, way_out: str) -> None:
    assert way_out in [problem.way_out for problem in problems(lambda: campaign_file((old, new)))]


@pytest.mark.parametrize("name", ["sender", "when", "select"])
def test_a_table_that_is_missing_is_named(campaign_file: ReadCampaign, name: str) -> None:
    found = problems(lambda: campaign_file((f"[{name}]", f"[x_{name}]")))
    assert ("1", "E_KEY_MISSING") in told(found)
    assert any(problem.cause == f"{name}: missing" for problem in found)


def test_a_campaign_without_a_letter_is_refused(campaign_file: ReadCampaign) -> None:
    without = CAMPAIGN[CAMPAIGN.index("[[steps]]") :]
    assert told(problems(lambda: campaign_file((without, "")))) == [("1", "E_KEY_MISSING")]
    empty = ('id = "air-strikes"\n', 'id = "air-strikes"\nsteps = []\n')
    assert told(problems(lambda: campaign_file((without, ""), empty))) == [("2", "E_VALUE")]


def test_an_item_that_is_no_table_is_named_on_its_own_line(campaign_file: ReadCampaign) -> None:
    copies = CAMPAIGN[CAMPAIGN.index("[[cc]]") : CAMPAIGN.index("[[steps]]")]
    changes = (copies, ""), ('id = "air-strikes"\n', 'id = "air-strikes"\ncc = [\n  3,\n]\n')
    assert told(problems(lambda: campaign_file(*changes))) == [("3", "E_TYPE")]


def test_a_selection_of_nobody_is_refused(campaign_file: ReadCampaign) -> None:
    changes = ('contacts = ["pelagia-new-york"]', "contacts = []"), ('tags = ["geneva"]', "tags = []")
    found = problems(lambda: campaign_file(*changes))
    assert ("18", "E_NOBODY") in told(found)


def test_a_contact_without_the_address_is_named_with_its_own_place(
    campaign_file: ReadCampaign, book: ContactBook
) -> None:
    (problem,) = problems(lambda: campaign_file(('"miravale-geneva" = "email"', '"miravale-geneva" = "both"')))
    assert problem.cause == "channels.by_contact.miravale-geneva: miravale-geneva has no fax for 'both'"
    assert book.places["miravale-geneva"] in problem.way_out


def test_a_contact_may_copy_several_letters_and_receive_its_own(campaign_file: ReadCampaign) -> None:
    more = '[[cc]]\ncontact = "registry"\nfor = "miravale-geneva"\n\n'
    more += '[[cc]]\ncontact = "pelagia-new-york"\nfor = "ardesia-geneva"\n\n[[cc]]'
    copies = campaign_file(("[[cc]]", more)).campaign.copies
    assert [(copy.contact_id, copy.for_contact_id) for copy in copies] == [
        ("registry", "miravale-geneva"),
        ("pelagia-new-york", "ardesia-geneva"),
        ("registry", "ardesia-geneva"),
    ]


def test_problems_come_in_the_order_of_their_lines(campaign_file: ReadCampaign) -> None:
    found = problems(lambda: campaign_file(("after = 10", "after = 0"), ('id = "air-strikes"', 'id = "!"'), (AT, "")))
    lines = [int(line) for line, _ in told(found)]
    assert len(lines) == 3
    assert lines == sorted(lines)


def warnings(campaign_file: ReadCampaign, at: str) -> list[Problem]:
    return list(campaign_file((AT, f"at = {at}\n")).warnings)


def test_a_time_that_spring_skips_is_a_warning_that_names_the_time_taken(campaign_file: ReadCampaign) -> None:
    (problem,) = warnings(campaign_file, "2027-03-28T02:30:00")
    assert told([problem]) == [("13", "W_TIME_GAP")]
    assert "leave at 03:30" in problem.way_out


def test_a_time_that_comes_twice_in_autumn_is_a_warning_that_names_the_one_taken(campaign_file: ReadCampaign) -> None:
    (problem,) = warnings(campaign_file, "2027-10-31T02:30:00")
    assert told([problem]) == [("13", "W_TIME_FOLD")]
    assert "00:30 UTC" in problem.way_out


@pytest.mark.parametrize("at", ["2027-03-28T01:59:59", "2027-03-28T03:00:00", "2027-10-31T03:00:00"])
def test_the_times_beside_a_change_of_clocks_are_no_warning(campaign_file: ReadCampaign, at: str) -> None:
    assert warnings(campaign_file, at) == []


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        (b'id = "a"\ntitle = b\n', "2", "E_TOML_SYNTAX"),
        (b'id = "a"\n[sender\n', "2", "E_TOML_SYNTAX"),
        (b'id = "a"\nid = "b"\n', "2", "E_TOML_SYNTAX"),
        (b'id = """a\n', "2", "E_TOML_SYNTAX"),
        ("id = “a”\n".encode(), "1", "E_TOML_SYNTAX"),
        (b"a = " + b"9" * 5000, "1", "E_TOML_SYNTAX"),
        (b'id = "a"\ntitle = "\xe8"\n', "2", "E_TOML_ENCODING"),
    ],
)
def test_a_file_that_is_no_toml_is_named_with_its_line(
    tmp_path: Path, book: ContactBook, text: bytes, line: str, code: str
) -> None:
    path = tmp_path / "campaign.toml"
    path.write_bytes(text)
    assert told(problems(lambda: read_campaign(path, book, LETTERS, ORGANISATIONS))) == [(line, code)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [("id = “a”\n", 'Use straight quotation marks ", not curved ones'), ("id = a b\n", "Put text in quotation marks")],
)
def test_the_usual_slips_of_a_first_file_are_told_by_name(
    tmp_path: Path, book: ContactBook, text: str, hint: str
) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text(text, encoding="utf-8")
    (problem,) = problems(lambda: read_campaign(path, book, LETTERS, ORGANISATIONS))
    assert hint in problem.way_out


def test_lists_nested_without_end_are_refused(tmp_path: Path, book: ContactBook) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text("a = " + "[" * 50_000 + "]" * 50_000, encoding="utf-8")
    found = problems(lambda: read_campaign(path, book, LETTERS, ORGANISATIONS))
    assert [problem.code for problem in found] == ["E_TOML_SYNTAX"]


def test_a_file_that_is_missing_or_too_large_is_refused(
    tmp_path: Path, book: ContactBook, campaign_file: ReadCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = problems(lambda: read_campaign(tmp_path / "none.toml", book, LETTERS, ORGANISATIONS))
    assert [problem.code for problem in missing] == ["E_FILE"]
    monkeypatch.setattr(sheet, "LARGEST", 100)
    assert [problem.code for problem in problems(campaign_file)] == ["E_TOML_SIZE"]


def test_twenty_faults_in_one_file_are_all_reported(campaign_file: ReadCampaign) -> None:
    # One fault for each line that has any, so that none hides another.
    lines = [fault for fault in FAULTS if "\n" not in fault[0] + fault[1]]
    chosen = {line: (old, new, code) for old, new, line, code in reversed(lines)}
    assert len(chosen) >= 20
    with pytest.raises(CampaignError) as caught:
        campaign_file(*((old, new) for old, new, _ in chosen.values()))
    found = told(caught.value.problems)
    assert {(str(line), code) for line, (_, _, code) in chosen.items()} <= set(found)
