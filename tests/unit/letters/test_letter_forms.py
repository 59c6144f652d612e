"""Forms of address: every office in every language, whose words win, what is asked for, and what is said of them."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from letter_people import order_in
from letterbook import Own, html_text, pdf_text, words

from dispatcher.domain.errors import Problem, TemplateError
from dispatcher.domain.words import Form, Gender
from dispatcher.letters import Order, Printer
from dispatcher.letters.forms import OFFICES, courtesy, read_forms
from dispatcher.resources import resource

SIX = ("ar", "en", "es", "fr", "ru", "zh")
FORMS = resource("templates") / "forms"
NAMES = {"ar": "ليلى حداد", "en": "Ada Byron", "es": "Ada Byron", "fr": "Ada Byron", "ru": "А. Байрон", "zh": "王伟"}
#: Offices that each language addresses without knowing the gender.
_RANKS = {Form.HEAD_OF_STATE, Form.HEAD_OF_GOVERNMENT, Form.FOREIGN_MINISTER, Form.PERMANENT_REPRESENTATIVE}
_RANKS |= {Form.AMBASSADOR}
WITHOUT: dict[str, set[Form]] = {
    "ar": {Form.DIRECTOR, Form.PLAIN},
    "en": {*_RANKS, Form.DIRECTOR, Form.PLAIN},
    "es": {*_RANKS, Form.MONARCH, Form.PLAIN},
    "fr": {*_RANKS, Form.MONARCH, Form.DIRECTOR, Form.PLAIN},
    "ru": set(),
    "zh": set(OFFICES),
}
#: A letter that prints every word of a form, of the addressee and of those who receive copies.
ALL_WORDS = (
    "---\nsubject: A matter\nlanguage: {tag}\nclosing: '{{{{ contact.closing }}}}'\n---\n"
    "{{{{ contact.display_name }}}}, {{{{ contact.in_text }}}}.\n\n"
    "{{% for one in copies %}}{{{{ one.display_name }}}}, {{{{ one.salutation }}}} {{{{ one.in_text }}}}. "
    "{{{{ one.closing }}}} {{% endfor %}}\n"
)
BOLIVIA = "the Plurinational State of Bolivia"


@pytest.fixture(scope="module")
def wordy(tmp_path_factory: pytest.TempPathFactory) -> Printer:
    """A printer whose letter `own` prints, in six languages, every word of a form of address."""
    folder = tmp_path_factory.mktemp("forms") / "templates"
    shutil.copytree(resource("templates"), folder)
    (folder / "letters/own").mkdir()
    for tag in SIX:
        (folder / f"letters/own/{tag}.md").write_text(ALL_WORDS.format(tag=tag), encoding="utf-8")
    return Printer(folder)


def addressed(tag: str, form: Form, gender: Gender, **own: str) -> Order:
    """A letter to somebody who brings no words but a name, and those in `own`."""
    order = order_in(tag, "own")
    blank = replace(order.contact, honorific="", salutation="", name=NAMES[tag], form=form, gender=gender)
    return replace(order, contact=replace(blank, **own), copies=())  # type: ignore[arg-type]


def text_of(printer: Printer, order: Order) -> str:
    """The letter as plain text, on one line, with straight apostrophes."""
    return " ".join(words(printer.render(order).parts["text"].decode()))


def faults(printer: Printer, order: Order) -> tuple[Problem, ...]:
    with pytest.raises(TemplateError) as caught:
        printer.render(order)
    return caught.value.problems


def codes(printer: Printer, order: Order) -> list[str]:
    return [warning.code for warning in printer.render(order).warnings if warning.code.startswith("W_FORM")]


# -- every office ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", SIX)
def test_every_office_is_addressed_in_every_language_whatever_the_gender(wordy: Printer, tag: str) -> None:
    one = addressed(tag, Form.AMBASSADOR, Gender.FEMALE)
    people = [replace(one.contact, form=form, gender=gender) for form in OFFICES for gender in Gender if gender]
    text = text_of(wordy, replace(one, copies=tuple(people)))
    assert len(people) == 18
    for contact in people:
        manner = courtesy(contact, read_forms(FORMS, tag))
        assert manner.genders == ()
        assert not set("{}") & set(f"{manner.honorific}{manner.suffix}")
        for word in (manner.salutation, manner.in_text, manner.closing, manner.named(contact.name)):
            assert word
            assert not set("{}") & set(word)
            assert " ".join(words(word)) in text


@pytest.mark.parametrize("tag", SIX)
@pytest.mark.parametrize("form", OFFICES)
def test_where_a_language_cannot_do_without_the_gender_it_is_asked_for_and_never_guessed(
    wordy: Printer, tag: str, form: Form
) -> None:
    order = addressed(tag, form, Gender.NONE)
    missing = courtesy(order.contact, read_forms(FORMS, tag)).genders
    if not missing:
        assert form in WITHOUT[tag]
        return
    (problem,) = faults(wordy, order)
    assert form not in WITHOUT[tag]
    assert (problem.code, problem.place) == ("E_FORM_GENDER", "contact ru-president")
    assert f"the form {form} needs a gender for {missing[0]}" in problem.cause
    assert "Write f or m under gender" in problem.way_out


@pytest.mark.parametrize("tag", ["en", "fr", "es", "ar", "zh"])
def test_where_a_language_can_do_without_the_gender_the_letter_goes_without(wordy: Printer, tag: str) -> None:
    form = Form.PLAIN if tag == "ar" else Form.AMBASSADOR
    manner = courtesy(addressed(tag, form, Gender.NONE).contact, read_forms(FORMS, tag))
    assert " ".join(words(manner.salutation)) in text_of(wordy, addressed(tag, form, Gender.NONE))


def test_the_two_genders_are_told_apart(wordy: Printer) -> None:
    forms = read_forms(FORMS, "fr")
    lady = courtesy(addressed("fr", Form.FOREIGN_MINISTER, Gender.FEMALE).contact, forms)
    gentleman = courtesy(addressed("fr", Form.FOREIGN_MINISTER, Gender.MALE).contact, forms)
    assert (lady.salutation, gentleman.salutation) == ("Madame la Ministre,", "Monsieur le Ministre,")
    assert lady.honorific == "Son Excellence Madame"
    assert lady.closing.startswith("Veuillez agréer, Madame la Ministre, les")


def test_an_arabic_closing_calls_by_the_vocative() -> None:
    manner = courtesy(addressed("ar", Form.AMBASSADOR, Gender.MALE).contact, read_forms(FORMS, "ar"))
    assert manner.closing == "وتفضلوا، يا صاحب السعادة، بقبول فائق التقدير والاحترام."


def test_a_chinese_name_has_its_word_of_respect_behind_it_once(wordy: Printer) -> None:
    order = addressed("zh", Form.AMBASSADOR, Gender.NONE)
    assert "王伟阁下" in text_of(wordy, order)
    polite = replace(order, contact=replace(order.contact, name="王伟阁下"))
    assert "王伟阁下阁下" not in text_of(wordy, polite)
    plain = addressed("zh", Form.PLAIN, Gender.FEMALE, name="王伟女士")
    assert "尊敬的王伟女士：" in text_of(wordy, plain)


# -- whose words win ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("honorific", "The Rt. Hon."),
        ("salutation", "Dear Ada,"),
        ("in_text", "Your Ladyship"),
        ("closing", "Ever yours,"),
    ],
)
def test_a_word_of_the_contacts_own_takes_the_place_of_the_forms(wordy: Printer, field: str, word: str) -> None:
    order = addressed("en", Form.CHARGE_DAFFAIRES, Gender.FEMALE)
    formed = courtesy(order.contact, read_forms(FORMS, "en"))
    own = replace(order, contact=replace(order.contact, **{field: word}))  # type: ignore[arg-type]
    text = text_of(wordy, own)
    assert word in text
    assert field not in courtesy(own.contact, read_forms(FORMS, "en")).formed
    if field in ("salutation", "closing"):
        assert getattr(formed, field) not in text


def test_a_closing_of_the_contacts_own_takes_the_place_of_the_letters(printer: Printer, order: Order) -> None:
    own = replace(order, contact=replace(order.contact, closing="With deep respect,"))
    rendered = printer.render(own)
    for text in (pdf_text(rendered.parts["pdf"]), html_text(rendered.parts["html"])):
        assert "With deep respect," in text
        assert "Sincerely," not in text


def test_a_form_does_not_touch_the_closing_of_a_letter_that_has_its_own(printer: Printer, order: Order) -> None:
    formal = replace(order, contact=replace(order.contact, form=Form.HEAD_OF_STATE, gender=Gender.MALE, salutation=""))
    text = text_of(printer, formal)
    assert "Sincerely," in text
    assert "Excellency," in text
    assert "assurances" not in text


@pytest.mark.parametrize(
    ("form", "closing"),
    [
        (Form.NONE, "Veuillez agréer l'expression de notre très haute considération."),
        (Form.AMBASSADOR, "Veuillez agréer, Madame l'Ambassadrice, les assurances de notre haute considération."),
    ],
)
def test_a_letter_may_close_with_the_words_of_the_form_where_there_is_one(
    printer: Printer, form: Form, closing: str
) -> None:
    order = addressed("fr", form, Gender.FEMALE, salutation="" if form else "Madame,")
    assert closing in text_of(printer, replace(order, letter="air-strikes-follow-up"))


def test_words_of_its_own_need_neither_gender_nor_name(wordy: Printer) -> None:
    own = {"honorific": "Doctor", "salutation": "Madam or Sir,", "closing": "Yours,"}
    assert "Madam or Sir," in text_of(wordy, addressed("en", Form.CHARGE_DAFFAIRES, Gender.NONE, **own))


def test_a_gender_is_not_asked_for_words_that_the_letter_does_not_print(printer: Printer) -> None:
    # In Arabic the closing of an ambassador needs a gender; the seed letter closes in words of its own.
    order = addressed("ar", Form.AMBASSADOR, Gender.NONE, honorific="سعادة", salutation="سعادة السفير،")
    assert "سعادة السفير،" in text_of(printer, replace(order, letter="air-strikes"))


def test_without_a_form_nothing_changes(printer: Printer, order: Order) -> None:
    manner = courtesy(order.contact, read_forms(FORMS, "en"))
    assert (manner.honorific, manner.salutation, manner.closing) == ("H.E. Mr.", "Excellency,", "")
    assert printer.render(order).warnings == ()
    nobody = replace(order, contact=replace(order.contact, salutation=""))
    (problem,) = faults(printer, nobody)
    assert problem.code == "E_TPL_RESIDUE"
    assert "salutation is empty" in problem.cause


def test_an_office_whose_holder_nobody_knows_has_no_words_before_its_empty_name(printer: Printer) -> None:
    order = addressed("en", Form.AMBASSADOR, Gender.FEMALE, name="", office="The Ambassador")
    lines = printer.render(replace(order, letter="air-strikes")).parts["text"].decode().splitlines()
    assert "The Ambassador" in lines
    assert not any("H.E." in line for line in lines)


def test_a_salutation_by_name_needs_the_name(own: Own) -> None:
    order = addressed("en", Form.PLAIN, Gender.FEMALE, name="")
    found = faults(own("A word to you.\n"), order)
    assert [problem.code for problem in found] == ["E_TPL_RESIDUE"]
    assert "needs a name" in found[0].cause


def test_those_who_receive_copies_are_addressed_by_their_form_too(printer: Printer, order: Order) -> None:
    copy = replace(order.copies[0], honorific="", salutation="", form=Form.AMBASSADOR, gender=Gender.MALE)
    assert "cc. H.E. Mr. Alexey Borodavkin, Ambassador" in text_of(printer, replace(order, copies=(copy,)))
    unknown = replace(copy, form=Form.MONARCH, gender=Gender.NONE)
    (problem,) = faults(printer, replace(order, copies=(unknown,)))
    assert (problem.code, problem.place) == ("E_FORM_GENDER", "contact ru-geneva")


# -- states ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "name"),
    [("en", BOLIVIA), ("fr", "l'État plurinational de Bolivie"), ("zh", "多民族玻利维亚国")],
)
def test_a_state_by_its_code_is_named_in_the_language_of_the_letter(printer: Printer, tag: str, name: str) -> None:
    order = order_in(tag)
    coded = replace(order, contact=replace(order.contact, state="", state_code="BO"))
    assert name in text_of(printer, coded)


def test_a_state_in_words_goes_before_its_code(printer: Printer, order: Order) -> None:
    text = text_of(printer, replace(order, contact=replace(order.contact, state_code="BO")))
    assert "armed forces of the Russian Federation refrain" in text
    assert BOLIVIA not in text


@pytest.mark.parametrize(
    ("seat", "country", "postal", "last"),
    [
        ("CH", "", ("12, rue de la Paix", "1202 Geneva"), "Switzerland"),
        ("CH", "Suisse", ("12, rue de la Paix", "1202 Geneva"), "Suisse"),
        ("AT", "", ("Ring 1", "1010 Vienna"), "1010 Vienna"),
        ("", "", ("12, rue de la Paix", "1202 Geneva"), "1202 Geneva"),
    ],
)
def test_an_address_ends_with_its_country_unless_it_names_the_capital(
    printer: Printer, order: Order, seat: str, country: str, postal: tuple[str, ...], last: str
) -> None:
    contact = replace(order.contact, seat=seat, country=country, postal=postal)
    lines = printer.render(replace(order, contact=contact)).parts["text"].decode().splitlines()
    start = next(number for number, line in enumerate(lines) if postal[-1] in line)
    shown = [line for line in lines[start : start + 2] if line.strip()]
    assert shown[-1] == last


# -- what is said of them ----------------------------------------------------------------------------------------------


def test_a_form_that_nobody_reviewed_says_so_once_with_its_file(wordy: Printer) -> None:
    order = addressed("fr", Form.AMBASSADOR, Gender.FEMALE)
    (warning,) = [one for one in wordy.render(order).warnings if one.code == "W_FORM_UNREVIEWED"]
    assert warning.place == "forms/fr.toml:ambassador"
    assert "ambassador in fr was not reviewed" in warning.cause
    assert "reviewed_by in templates/forms/fr.toml" in warning.way_out


def test_no_warning_where_all_words_are_the_contacts_own(wordy: Printer) -> None:
    own = {"honorific": "Mme", "salutation": "Chère Ada,", "in_text": "vous", "closing": "Amitiés,"}
    assert codes(wordy, addressed("fr", Form.AMBASSADOR, Gender.NONE, **own)) == []


def test_a_reviewed_file_is_quiet_and_an_office_may_have_a_reader_of_its_own(mended: Path) -> None:
    path, printer = mended / "forms/fr.toml", Printer(mended)
    whole = path.read_text(encoding="utf-8")
    order = replace(addressed("fr", Form.AMBASSADOR, Gender.FEMALE), letter="air-strikes")
    path.write_text(whole.replace('reviewed_by = ""', 'reviewed_by = "Camille Martin, 2026"', 1), encoding="utf-8")
    assert codes(printer, order) == []
    path.write_text(whole.replace("[ambassador]", '[ambassador]\nreviewed_by = "Camille Martin"'), encoding="utf-8")
    assert codes(printer, order) == []
    director = replace(order, contact=replace(order.contact, form=Form.DIRECTOR))
    assert codes(printer, director) == ["W_FORM_UNREVIEWED"]


def test_a_russian_name_is_never_inflected_and_the_case_that_its_words_ask_for_is_said(wordy: Printer) -> None:
    order = addressed("ru", Form.AMBASSADOR, Gender.FEMALE)
    assert "Её Превосходительству госпоже А. Байрон" in text_of(wordy, order)
    assert codes(wordy, order) == ["W_FORM_UNREVIEWED", "W_FORM_CASE"]
    own = replace(order, contact=replace(order.contact, honorific="Её Превосходительство г-жа"))
    assert codes(wordy, own) == ["W_FORM_UNREVIEWED"]


def test_another_form_is_another_letter(printer: Printer, order: Order, mended: Path) -> None:
    formed = replace(order, contact=replace(order.contact, form=Form.HEAD_OF_STATE))
    other = Printer(mended)
    before = other.inputs_digest(formed)
    assert before == printer.inputs_digest(formed)
    path = mended / "forms/en.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("Yours sincerely", "Yours truly"), encoding="utf-8")
    assert other.inputs_digest(formed) != before
    assert other.inputs_digest(order) == printer.inputs_digest(order)


# -- the files ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def mended(tmp_path: Path) -> Path:
    """A folder of templates to change."""
    shutil.copytree(resource("templates"), tmp_path / "templates")
    return tmp_path / "templates"


@pytest.mark.parametrize("tag", SIX)
def test_a_file_says_where_each_office_was_taken_from(tag: str) -> None:
    forms = read_forms(FORMS, tag)
    assert set(forms.entries) == set(OFFICES) == set(Form) - {Form.NONE}
    assert all(entry.source for entry in forms.entries.values())


SPOILT = [
    ("[monarch]", "[monarhc]", "forms/en.toml:monarhc", "unknown key"),
    ("[monarch]", "[monarhc]", "forms/en.toml:monarch", "is missing"),
    ('language = "en"', 'language = "fr"', "forms/en.toml:language", "is the file for en"),
    ('salutation = "Your Majesty,"', "", "forms/en.toml:monarch.salutation", "is missing"),
    ('salutation = "Your Majesty,"', 'salutation = ""', "forms/en.toml:monarch.salutation", "is empty"),
    ('salutation = "Your Majesty,"', "salutation = 3", "forms/en.toml:monarch.salutation", "is not a text"),
    ('salutation = "Your Majesty,"', 'salutaton = "x"', "forms/en.toml:monarch.salutaton", "unknown key"),
    ('m = "His Majesty"', 'x = "His Majesty"', "forms/en.toml:monarch.honorific.m", "is missing"),
    ('m = "His Majesty"', 'x = "His Majesty"', "forms/en.toml:monarch.honorific.x", "unknown key"),
    ("accept, Your Majesty", "accept, {cal}", "forms/en.toml:monarch.closing", "{cal} stands for nothing"),
    ("accept, Your Majesty", "accept, {call", "forms/en.toml:monarch.closing", "half a pair of braces"),
    ("accept, Your Majesty", "accept, {vocative}", "forms/en.toml:monarch.closing", "there is no vocative"),
    ("accept, Your Majesty", "accept\\u202e,", "forms/en.toml:monarch.closing", "U+202E"),
    ("[monarch]", '[monarch]\nname_case = "dativ"', "forms/en.toml:monarch.name_case", "dativ is not a case"),
    ("[monarch]", "[monarch]\nsource", "forms/en.toml", "is not TOML"),
]


@pytest.mark.parametrize(("old", "new", "place", "cause"), SPOILT)
def test_a_fault_of_a_file_is_named_with_file_and_key(mended: Path, old: str, new: str, place: str, cause: str) -> None:
    path = mended / "forms/en.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    found = Printer(mended).check("air-strikes", "cluster-munition-coalition", "en")
    assert {problem.code for problem in found} == {"E_FORM_FILE"}
    assert any(problem.place == place and cause in problem.cause and problem.way_out for problem in found)


def test_all_faults_of_a_file_are_told_at_once(mended: Path) -> None:
    path = mended / "forms/en.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^source = .*$", "", text), encoding="utf-8")
    found = Printer(mended).check("air-strikes", "cluster-munition-coalition", "en")
    assert len(found) == len(OFFICES)


def test_a_form_in_a_folder_without_forms_is_said_and_the_rest_works(mended: Path, order: Order) -> None:
    shutil.rmtree(mended / "forms")
    bare = Printer(mended)
    assert bare.render(order).language == "en"
    (problem,) = faults(bare, replace(order, contact=replace(order.contact, form=Form.AMBASSADOR)))
    assert (problem.code, problem.place) == ("E_FORM_MISSING", "contact ru-president")


def test_words_in_the_letters_of_another_language_are_noticed(wordy: Printer) -> None:
    order = addressed("ru", Form.AMBASSADOR, Gender.FEMALE, in_text="Your Excellency", closing="Yours ever,")
    causes = [warning.cause for warning in wordy.render(order).warnings if warning.code == "W_LANGUAGE"]
    assert len(causes) == 2
    assert causes[0].startswith("in_text 'Your Excellency' is not written in the letters of ru")
    assert causes[1].startswith("closing 'Yours ever,' is not written in the letters of ru")
