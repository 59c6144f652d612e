"""The six languages of the United Nations: what a reader of each would look for, on the page and in the mail."""

from __future__ import annotations

import email
import email.policy
import re
import time
from dataclasses import replace
from datetime import date

import pypdfium2
import pytest
from letter_people import order_in
from letterbook import pdf_text

from dispatcher.domain.errors import TemplateError
from dispatcher.letters import Order, Printer, Rendered
from dispatcher.letters.check import strange
from dispatcher.letters.languages import LANGUAGES, written
from dispatcher.letters.parse import marked
from dispatcher.letters.tree import plain
from dispatcher.letters.typography import direction, finish, polish

SIX = ("ar", "en", "es", "fr", "ru", "zh")
NB, NARROW = "\u00a0", "\u202f"
FIRST = date(2015, 10, 1)

#: date line, label and subject, label of the copies: as a reader sees them.
SEEN = {
    "ar": ("جنيف، 1 تشرين الأول/أكتوبر 2015", "الموضوع: الضربات الجوية", "نسخة إلى:"),
    "en": ("Geneva, 1 October 2015", "Re: Air strikes", "cc."),
    "es": ("Ginebra, 1 de octubre de 2015", "Asunto: Ataques aéreos", "c.c.:"),
    "fr": ("Genève, le 1er octobre 2015", "Objet : Frappes aériennes", "Copie :"),
    "ru": ("Женева, 1 октября 2015 года", "Касается: Авиационные удары", "Копия:"),
    "zh": ("日内瓦，2015年10月1日", "事由：关于阿拉伯叙利亚共和国", "抄送："),
}
#: The faces of the letter and of its fax edition, as the files name them.
FACES = {
    "ar": (b"Amiri", b"NotoNaskhArabic"),
    "ru": (b"EBGaramond", b"SourceSans3"),
    "zh": (b"NotoSerifSC", b"NotoSansSC"),
}


@pytest.fixture(scope="module")
def letters(printer: Printer) -> dict[str, Rendered]:
    return {tag: printer.render(order_in(tag)) for tag in SIX}


def _plain(text: str) -> str:
    return text.replace(NB, " ").replace(NARROW, " ")


@pytest.mark.parametrize("tag", SIX)
def test_a_letter_in_each_language_has_one_page_and_at_most_two_by_fax(letters: dict[str, Rendered], tag: str) -> None:
    letter = letters[tag]
    assert (letter.language, letter.pages) == (tag, 1)
    assert letter.fax_pages <= 2
    for part in ("pdf", "fax_pdf"):
        pdf = letter.parts[part]
        assert b"<pdfaid:part>2</pdfaid:part>" in pdf
        assert b"<pdfaid:conformance>A</pdfaid:conformance>" in pdf
        assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
        assert f"/Lang({LANGUAGES[tag].locale})".encode() in pdf.replace(b"/Lang (", b"/Lang(")


@pytest.mark.parametrize("tag", SIX)
def test_date_and_labels_are_those_of_the_language(letters: dict[str, Rendered], tag: str) -> None:
    text = letters[tag].parts["text"].decode()
    page = re.sub(r"</?sup>", "", _plain(letters[tag].parts["html"].decode()))
    for seen in SEEN[tag]:
        assert seen in text
        assert seen in page
    assert text.index(SEEN[tag][0]) < text.index(SEEN[tag][1]) < text.index(SEEN[tag][2])


@pytest.mark.parametrize("tag", SIX)
def test_the_mail_declares_language_and_direction(letters: dict[str, Rendered], tag: str) -> None:
    page = letters[tag].parts["html"].decode()
    row = LANGUAGES[tag]
    assert page.count(f'lang="{row.locale}" dir="{row.direction}"') == 2
    message = email.message_from_bytes(letters[tag].parts["entity"], policy=email.policy.SMTP)
    plain, web, _ = (part for part in message.walk() if not part.is_multipart())
    assert (plain["Content-Language"], web["Content-Language"]) == (row.locale, row.locale)
    assert plain.get_content().replace("\r\n", "\n").encode() == letters[tag].parts["text"]


@pytest.mark.parametrize("tag", SIX)
def test_the_same_letter_has_the_same_bytes(printer: Printer, letters: dict[str, Rendered], tag: str) -> None:
    assert printer.render(order_in(tag)).parts == letters[tag].parts


@pytest.mark.parametrize("tag", sorted(FACES))
def test_print_and_fax_have_the_faces_of_the_script(letters: dict[str, Rendered], tag: str) -> None:
    for part, face in zip(("pdf", "fax_pdf"), FACES[tag], strict=True):
        assert face in letters[tag].parts[part]


def test_a_letter_in_latin_letters_carries_no_arabic_and_no_chinese_face(letters: dict[str, Rendered]) -> None:
    for tag in ("en", "es", "fr", "ru"):
        assert not any(face in letters[tag].parts["pdf"] for face in (b"Amiri", b"NotoSerifSC"))


# -- Arabic ------------------------------------------------------------------------------------------------------------


def _boxes(pdf: bytes, word: str) -> tuple[float, float, float]:
    """Left, right and bottom of the first place where the word stands on the first page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0].get_textpage()
        found = page.search(word).get_next()
        assert found, f"{word} is not on the page"
        boxes = [page.get_charbox(found[0] + offset) for offset in range(found[1])]
        return min(b[0] for b in boxes), max(b[2] for b in boxes), min(b[1] for b in boxes)
    finally:
        document.close()


def test_arabic_comes_out_of_the_page_in_the_order_in_which_it_is_read(letters: dict[str, Rendered]) -> None:
    # The face for faxes draws dots apart from letters and tells them by /ActualText, which PDFium does not read.
    text = _plain(pdf_text(letters["ar"].parts["pdf"]))
    assert "الموضوع: الضربات الجوية في الجمهورية العربية السورية" in text
    assert "استخدام أي ذخائر عنقودية في العمل العسكري الجاري" in " ".join(text.split())


def test_arabic_runs_from_the_right_and_the_latin_name_in_it_from_the_left(letters: dict[str, Rendered]) -> None:
    pdf = letters["ar"].parts["pdf"]
    label, subject = _boxes(pdf, "الموضوع"), _boxes(pdf, "الضربات")
    assert subject[1] < label[0]
    first, last = _boxes(pdf, "Alexey"), _boxes(pdf, "Borodavkin")
    title, office = _boxes(pdf, "سعادة"), _boxes(pdf, "والممثل")
    assert office[0] < first[0] < first[1] < last[0] < last[1] < title[0]
    number, city = _boxes(pdf, "103132"), _boxes(pdf, "Moscow")
    assert number[1] < city[0]
    assert city[1] == pytest.approx(label[1], abs=2)


def test_a_latin_line_keeps_its_own_direction_in_an_arabic_mail(letters: dict[str, Rendered]) -> None:
    page = letters["ar"].parts["html"].decode()
    assert '<span dir="ltr">103132 Moscow</span>' in page
    assert page.count(' lang="en" dir="ltr" style="') == 2
    assert "letter-spacing" not in page.split("فخامة السيد", 1)[1]


def test_the_groups_of_a_telephone_number_keep_their_order_in_arabic() -> None:
    spans = marked("رقم +41 22 920 في عام 2015", LANGUAGES["ar"])
    assert [(span.kind, plain((span,))) for span in spans] == [
        ("text", "رقم "), ("ltr", "+41 22 920"), ("text", " في عام 2015"),
    ]  # fmt: skip


# -- Chinese -----------------------------------------------------------------------------------------------------------


def test_chinese_lines_are_broken_between_characters_and_never_before_a_mark(letters: dict[str, Rendered]) -> None:
    for part in ("pdf", "fax_pdf"):
        lines = [line.strip() for line in pdf_text(letters["zh"].parts[part]).splitlines()]
        body = [line for line in lines if len(line) > 30]
        assert len(body) >= 8
        assert not any(line[0] in "，。；：？！、）》”" for line in lines if line)
        assert not any(line[-1] in "（《“" for line in lines if line)


def test_chinese_text_is_not_wrapped(letters: dict[str, Rendered]) -> None:
    lines = letters["zh"].parts["text"].decode().splitlines()
    assert max(map(len, lines)) > 150
    assert "总统先生阁下：" in lines
    at = lines.index("抄送：阿列克谢·博罗达夫金大使阁下，常驻代表")
    assert lines[at + 1] == " " * 6 + "俄罗斯联邦常驻联合国日内瓦办事处代表团"


def test_chinese_paragraphs_begin_with_two_empty_squares(letters: dict[str, Rendered]) -> None:
    assert "text-indent:2em" in letters["zh"].parts["html"].decode()
    assert "text-indent" not in letters["ar"].parts["html"].decode()
    pdf = letters["zh"].parts["pdf"]
    assert _boxes(pdf, "集束弹药联盟（")[0] > _boxes(pdf, "俄罗斯联邦总统")[0] + 18


# -- the rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "given", "expected"),
    [
        ("fr", "Non ! Vraiment?", f"Non{NARROW}! Vraiment{NARROW}?"),
        ("fr", "ainsi : « oui »", f"ainsi{NB}: «{NB}oui{NB}»"),
        ("fr", "S.E. M. Borodavkine, le 1er octobre 2015", f"S.E.{NB}M.{NB}Borodavkine, le 1er{NB}octobre{NB}2015"),
        ("fr", "https://example.org/?a=b à 10:30", "https://example.org/?a=b à 10:30"),
        ("es", "1 de octubre de 2015", f"1{NB}de{NB}octubre{NB}de{NB}2015"),
        ("es", "Excmo. Sr. Putin", f"Excmo.{NB}Sr.{NB}Putin"),
        ("ru", "в ходе войны — не в мире ли", f"в{NB}ходе войны{NB}— не{NB}в{NB}мире{NB}ли"),
        ("ru", "г-ну В. В. Путину", f"г-ну{NB}В.{NB}В.{NB}Путину"),
        ("ru", "1 октября 2015 года", f"1{NB}октября{NB}2015{NB}года"),
        ("ar", "نعم, لا?", "نعم، لا؟"),
        ("ar", "في 1 تشرين الأول/أكتوبر 2015", f"في 1{NB}تشرين{NB}الأول/أكتوبر{NB}2015"),
        ("zh", '他说:"好", 然后(笑)走了.', "他说：“好”，然后（笑）走了。"),
        ("zh", "第一行 第二行 and English, too", "第一行第二行 and English, too"),
    ],
)
def test_the_typographic_pass_knows_the_habits_of_the_language(tag: str, given: str, expected: str) -> None:
    assert finish(given, LANGUAGES[tag]) == expected
    assert finish(expected, LANGUAGES[tag]) == expected


@pytest.mark.parametrize("tag", SIX)
@pytest.mark.parametrize(
    "piece", ["(", "（", "漢", "(漢", " ", "« ", " »", '"', "а ", "+1 ", "00 ", ", ", "В. ", "1 de "]
)
def test_the_pass_takes_no_longer_for_a_text_made_to_delay_it(tag: str, piece: str) -> None:
    started = time.perf_counter()
    marked(polish("漢(" + piece * 10_000, LANGUAGES[tag]), LANGUAGES[tag])
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("tag", "first", "later"),
    [
        ("ar", "1 تشرين الأول/أكتوبر 2015", "22 كانون الثاني/يناير 2016"),
        ("en", "1 October 2015", "22 January 2016"),
        ("es", "1 de octubre de 2015", "22 de enero de 2016"),
        ("fr", "1er octobre 2015", "22 janvier 2016"),
        ("ru", "1 октября 2015 года", "22 января 2016 года"),
        ("zh", "2015年10月1日", "2016年1月22日"),
    ],
)
def test_dates_are_written_out(tag: str, first: str, later: str) -> None:
    row = LANGUAGES[tag]
    assert (written(FIRST, row), written(date(2016, 1, 22), row)) == (first, later)
    assert len(set(row.months)) == 12


def test_the_french_first_is_raised_in_print_and_in_the_mail(letters: dict[str, Rendered]) -> None:
    assert f"le 1<sup>er</sup>{NB}octobre" in letters["fr"].parts["html"].decode()
    assert "le 1er octobre 2015" in _plain(pdf_text(letters["fr"].parts["pdf"]))


@pytest.mark.parametrize(
    ("text", "way"), [("103132 Moscow", "ltr"), ("42 موسكو", "rtl"), ("12", "rtl"), ("Москва", "ltr")]
)
def test_the_direction_of_a_line_is_that_of_its_first_letter(text: str, way: str) -> None:
    assert direction(text, "rtl") == way


# -- choice and warnings -----------------------------------------------------------------------------------------------


def test_a_text_that_nobody_reviewed_says_so(letters: dict[str, Rendered]) -> None:
    for tag in SIX:
        codes = [problem.code for problem in letters[tag].warnings]
        assert ("W_UNREVIEWED" in codes) == (tag != "en")
        assert "W_LANGUAGE" not in codes


def test_a_language_that_the_letter_lacks_falls_back_to_english_and_says_so(printer: Printer, order: Order) -> None:
    german = replace(order, letter="briefing-invitation", contact=replace(order.contact, language="de"))
    letter = printer.render(german)
    (warning,) = letter.warnings
    assert (letter.language, warning.code, warning.place) == ("en", "W_LANGUAGE", "contact ru-president")
    assert "not written in de; it goes out in en" in warning.cause


def test_an_order_may_fall_back_to_another_language_than_english(printer: Printer) -> None:
    french = order_in("fr", "briefing-invitation")
    german = replace(french, contact=replace(french.contact, language="de"), fall_back="fr")
    letter = printer.render(german)
    assert letter.language == "fr"
    assert "a l’honneur d’inviter" in " ".join(letter.parts["text"].decode().split())
    assert any("not written in de; it goes out in fr" in warning.cause for warning in letter.warnings)


def test_a_language_in_which_nothing_is_written_is_refused_as_a_fall_back(printer: Printer, order: Order) -> None:
    german = replace(order, contact=replace(order.contact, language="de"), fall_back="de")
    with pytest.raises(TemplateError, match="the language de is not known"):
        printer.render(german)


@pytest.mark.parametrize("letter", ["air-strikes-follow-up", "briefing-invitation"])
@pytest.mark.parametrize("tag", SIX)
def test_every_letter_of_ours_is_written_in_every_language(printer: Printer, tag: str, letter: str) -> None:
    assert printer.check(letter, "cluster-munition-coalition", tag) == []
    rendered = printer.render(replace(order_in(tag, letter), first_date=date(2015, 9, 1)))
    assert (rendered.language, rendered.pages) == (tag, 1)
    assert {warning.code for warning in rendered.warnings} == ({"W_UNREVIEWED"} if tag != "en" else set())


def test_a_letter_names_the_senders_place_in_its_own_language(printer: Printer) -> None:
    text = printer.render(order_in("fr", "briefing-invitation")).parts["text"].decode()
    assert "se tiendra à Genève" in " ".join(text.split())


def test_a_field_in_the_letters_of_another_language_is_noticed(printer: Printer) -> None:
    chinese = order_in("zh")
    contact = replace(chinese.contact, state="the Russian Federation")
    causes = [str(w) for w in printer.render(replace(chinese, contact=contact)).warnings if w.code == "W_LANGUAGE"]
    assert len(causes) == 1
    assert "state 'the Russian Federation' is not written in the letters of zh" in causes[0]
    assert not strange("42", LANGUAGES["zh"])


def test_a_character_beyond_the_faces_is_an_error_in_every_language(printer: Printer) -> None:
    for tag in SIX:
        order = order_in(tag)
        strange_name = replace(order.contact, name="ᚠᚢᚦ")
        with pytest.raises(TemplateError) as caught:
            printer.render(replace(order, contact=strange_name))
        assert [problem.code for problem in caught.value.problems] == ["E_TPL_GLYPH"]


@pytest.mark.parametrize("tag", SIX)
def test_every_language_passes_the_check_before_there_is_a_contact(printer: Printer, tag: str) -> None:
    assert printer.check("air-strikes", "cluster-munition-coalition", tag) == []
