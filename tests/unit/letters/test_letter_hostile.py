"""Whatever stands in the data is shown as it stands, in every field and every form, or refused with its place."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest
from hostile import CLOSED, DOOR_ONLY, HOSTILE, NO_GLYPH, REFUSED, SHOWN, WORDS, Page, bare, escaped, rows, texts_of
from letterbook import Own, pdf_text

from dispatcher.channels.base import Parcel
from dispatcher.channels.message import heading_of, stamp
from dispatcher.domain.calendars import PLAIN
from dispatcher.domain.errors import Problem, TemplateError, UserError
from dispatcher.domain.model import Campaign, Contact
from dispatcher.domain.words import Kind
from dispatcher.intake.campaign import read_campaign
from dispatcher.intake.contacts import ContactBook
from dispatcher.letters import Order, Printer, Rendered
from dispatcher.resources import resource
from dispatcher.usecases.prepare import order_for

# -- the door ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", WORDS)
def test_a_cell_of_words_is_taken_as_it_stands_or_refused_with_place_cause_and_way_out(
    column: str, tmp_path: Path
) -> None:
    read = rows(tmp_path, [{column: text} for text in HOSTILE])
    for text, row in zip(HOSTILE, read, strict=True):
        if column.startswith("address") and "\n" in text:
            # Outlook writes a whole address into one cell: its lines are the address lines, a fourth beside the third.
            assert all(line.strip() in "|".join(texts_of(row)) for line in text.splitlines())
        elif code := {**REFUSED, **DOOR_ONLY}.get(text):
            assert row.contact is None
            [problem, *_] = [one for one in row.problems if one.code == code]
            assert ("hostile.csv:" in problem.place, column in problem.cause, bool(problem.way_out)) == (True,) * 3
        else:
            assert row.problems == ()
            assert text.strip() in list(texts_of(row))


@pytest.mark.parametrize("column", CLOSED)
def test_a_cell_that_takes_no_words_refuses_them_or_keeps_them_whole(column: str, tmp_path: Path) -> None:
    texts = [text for text in HOSTILE if text.strip()]
    for text, row in zip(texts, rows(tmp_path, [{column: text} for text in texts]), strict=True):
        if row.contact is None:
            assert row.problems
            assert all(one.code and one.cause and one.place for one in row.problems)
        elif not any(column in one.cause for one in row.warnings):
            assert "".join(text.split()) in "".join("".join(one.split()) for one in texts_of(row))


# -- a campaign's own words --------------------------------------------------------------------------------------------

CAMPAIGN = """
id = "hostile"
title = {title}
organisation = "own"
letter_date = 2026-01-12
[sender]
name = {name}
title = {office}
email = {email}
place = {place}
[when]
at = 2026-01-12T09:00:00
zone = "Europe/Zurich"
[select]
contacts = ["c0"]
[channels]
default = "email"
[[steps]]
letter = "own"
"""
_PLAIN = {"title": "A title", "name": "Megan", "office": "Director", "email": "a@b.example", "place": "Geneva"}


def campaign_of(folder: Path, contact: Contact, **words: str) -> Campaign:
    """Read from its file, in which these words stand. Raises CampaignError."""
    file = folder / "hostile.toml"
    spelt = {name: json.dumps(text, ensure_ascii=False) for name, text in {**_PLAIN, **words}.items()}
    file.write_text(CAMPAIGN.format(**spelt), "utf-8")
    return read_campaign(file, ContactBook((contact,), (), {}), ["own"], ["own"]).campaign


@pytest.fixture(scope="module")
def somebody(tmp_path_factory: pytest.TempPathFactory) -> Contact:
    [row] = rows(tmp_path_factory.mktemp("somebody"), [{}])
    assert row.contact is not None
    return row.contact


@pytest.mark.parametrize("key", sorted(_PLAIN))
def test_a_campaigns_words_are_taken_as_they_stand_or_refused(key: str, somebody: Contact, tmp_path: Path) -> None:
    for text in HOSTILE:
        problems = refusals(lambda: campaign_of(tmp_path, somebody, **{key: text}))  # noqa: B023  # called at once
        if code := {**REFUSED, **DOOR_ONLY}.get(text):
            assert code in [one.code for one in problems]
        elif not problems:
            campaign = campaign_of(tmp_path, somebody, **{key: text})
            sender = campaign.sender
            shown = {"title": campaign.title, "name": sender.name, "office": sender.title, "place": sender.place}
            assert shown[key] == text.strip()
        else:
            assert key == "email"
        assert all("hostile.toml:" in one.place and one.cause and one.way_out for one in problems)


def refusals(act: Callable[[], object]) -> tuple[Problem, ...]:
    try:
        act()
    except UserError as error:
        return error.problems
    return ()


# -- every form --------------------------------------------------------------------------------------------------------

HEAD = """title = {0}
colour = "#882233"
intro = {1}
board = [{2}]
footer = [[{3}]]
fax_edition = true
"""
LETTER = """---
subject: {subject}
language: en
closing: '{{{{ contact.closing }}}}'
---
{body}
"""
#: Each field in the middle of every mark of Markdown, and at the beginning of a line.
AROUND = """{{ contact.state }} begins; *{{ contact.state }}* **{{ contact.state }}** [{{ contact.in_text }}](https://e.org/a)

- {{ contact.in_text }}

> {{ contact.state }}
"""
#: What stands around a text, so that each field's own can be told: field → (before, after).
_AROUND_FIELD = {name: (f"Q{number}q", f"q{number}Q") for number, name in enumerate(WORDS)}
_LETTERHEAD = ("title", "intro", "board", "footer")
_SENDER = ("sender name", "sender title", "sender place")


def _between(field: str, text: str) -> str:
    return f"{field[0].upper()}{len(field)}z{text}z{field[-1]}"


@dataclass(frozen=True)
class Made:
    """One letter in which a hostile text stands in every field, and all its forms read back."""

    order: Order
    rendered: Rendered
    message: EmailMessage

    def forms(self) -> Iterator[tuple[str, str]]:
        parts = self.rendered.parts
        yield "pdf", bare(pdf_text(parts["pdf"]))
        yield "fax", bare(pdf_text(parts["fax_pdf"]))
        yield "html", bare(Page(parts["html"]).text)
        yield "text", bare(parts["text"].decode())
        for kind in ("plain", "html"):
            part = self.message.get_body((kind,))
            assert isinstance(part, EmailMessage)
            sent = part.get_content()
            yield f"sent {kind}", bare(sent if kind == "plain" else Page(sent.encode()).text)


class Chancery:
    """A templates folder and files of its own, in which everything is written anew for each text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(resource("templates"), folder / "templates")
        for name in ("letters/own", "letterheads/own"):
            (folder / "templates" / name).mkdir()
        self.printer = Printer(folder / "templates")

    def make(self, text: str, subject: str = "A matter", body: str = AROUND) -> Made:
        words = {field: _between(field, text) for field in WORDS}
        copied = {field: "C" + words[field] for field in WORDS}
        contact, copy = (row.contact for row in rows(self.folder, [words, copied]))
        assert contact is not None
        assert copy is not None
        sender = {key: _between(f"sender {key}", text) for key in ("name", "title", "place")}
        campaign = campaign_of(
            self.folder, contact, name=sender["name"], office=sender["title"], place=sender["place"], title=text
        )
        head = HEAD.format(*(json.dumps(_between(name, text), ensure_ascii=False) for name in _LETTERHEAD))
        (self.folder / "templates/letterheads/own/letterhead.toml").write_text(head, "utf-8")
        letter = LETTER.format(subject=json.dumps(subject, ensure_ascii=False), body=body)
        (self.folder / "templates/letters/own/en.md").write_text(letter, "utf-8")
        order = order_for(campaign, campaign.steps[0], contact, (copy,), (), PLAIN)
        rendered = self.printer.render(order)
        return Made(order, rendered, sent_message(order, rendered))


def sent_message(order: Order, rendered: Rendered) -> EmailMessage:
    """What leaves by mail, read back as any mail program does."""
    parcel = Parcel(
        attempt_id="a.1",
        delivery_id="a",
        kind=Kind.EMAIL,
        address="c0@ardesia.example",
        recipient_name=order.contact.display_name,
        sender_name=order.sender.name,
        sender_address=order.sender.email,
        return_path="",
        subject=rendered.subject,
        message_id="<a@coalition.example>",
        date=datetime(2026, 1, 12, 9, tzinfo=UTC),
        entity=rendered.parts["entity"],
        document=b"",
    )
    message = BytesParser(policy=default).parsebytes(stamp(heading_of(parcel), parcel.entity))
    assert isinstance(message, EmailMessage)
    return message


@pytest.fixture(scope="module")
def chancery(tmp_path_factory: pytest.TempPathFactory) -> Chancery:
    return Chancery(tmp_path_factory.mktemp("chancery"))


@pytest.fixture(scope="module")
def harmless(chancery: Chancery) -> Made:
    return chancery.make("plain")


#: What is printed where. A record of where an address was learned is on no letter.
_PRINTED = tuple(name for name in WORDS if not re.match(r"email_|fax_|phone|external", name))
_COPIED = ("honorific", "name", "office", "organisation")


@pytest.mark.parametrize("text", SHOWN)
def test_a_hostile_text_in_every_field_stands_literally_in_every_form(
    text: str, chancery: Chancery, harmless: Made
) -> None:
    made = chancery.make(text)
    expected = [_between(field, text) for field in (*_PRINTED, *_SENDER, *_LETTERHEAD)]
    expected += ["C" + _between(field, text) for field in _COPIED]
    for form, shown in made.forms():
        folded = shown.casefold()  # a title may be printed in capitals
        assert [one for one in expected if bare(one).casefold() not in folded] == [], form
        assert folded.count(bare(_between("state", text)).casefold()) >= 4, form
    page, plain = Page(made.rendered.parts["html"]), Page(harmless.rendered.parts["html"])
    assert (page.tags, page.attributes) == (plain.tags, plain.attributes)
    [to], [sender] = made.message["To"].addresses, made.message["From"].addresses
    assert (to.display_name, to.addr_spec) == (made.order.contact.display_name, "c0@ardesia.example")
    assert (sender.display_name, sender.addr_spec) == (made.order.sender.name, "a@b.example")
    assert sorted(made.message.keys()) == sorted(harmless.message.keys())
    assert made.message["Bcc"] is None


@pytest.mark.parametrize("text", NO_GLYPH)
def test_a_text_that_no_typeface_has_is_refused_with_its_character(text: str, chancery: Chancery) -> None:
    with pytest.raises(TemplateError, match="E_TPL_GLYPH") as caught:
        chancery.make(text)
    assert any(f"U+{ord(char):04X}" in str(caught.value) for char in text)


# -- past the door -----------------------------------------------------------------------------------------------------

_LETTER_FIELDS = ("honorific", "name", "office", "organisation", "country", "state", "salutation", "closing", "in_text")


@pytest.mark.parametrize("text", REFUSED)
def test_what_came_past_the_door_is_refused_by_the_letter(text: str, printer: Printer, order: Order) -> None:
    """Nothing is taken out in silence: not of a contact, not of a copy's, not of the sender's words."""
    orders = [replace(order, contact=replace(order.contact, **{name: text})) for name in _LETTER_FIELDS]
    orders += [replace(order, contact=replace(order.contact, postal=("1 Rue A", text)))]
    orders += [replace(order, copies=(replace(order.copies[0], name=text),))]
    orders += [replace(order, sender=replace(order.sender, **{name: text})) for name in ("name", "title", "place")]
    for one in orders:
        with pytest.raises(TemplateError, match=r"E_TPL_HIDDEN \w+ holds the .* U\+[0-9A-F]{4} at \d+"):
            printer.render(one)


@pytest.mark.parametrize("text", [text for text in REFUSED if len(text) < 100])
def test_a_letterhead_and_a_letters_own_file_refuse_it_too(text: str, own: Own, chancery: Chancery) -> None:
    spelt = json.dumps(text)
    for front in (f"subject: {spelt}\nclosing: C,", f"subject: S\nclosing: {spelt}"):
        problems = own(f"---\n{front}\nlanguage: en\n---\nText.\n").check("own", "cluster-munition-coalition", "en")
        assert {one.code for one in problems} == {"E_TPL_SYNTAX"}, front
        assert all(one.place.startswith("letters/own/en.md:") for one in problems)
    head = chancery.folder / "templates/letterheads/own/letterhead.toml"
    for at in range(4):
        head.write_text(HEAD.format(*(spelt if number == at else '"x"' for number in range(4))), "utf-8")
        problems = chancery.printer.check("air-strikes", "own", "en")
        assert [one.code for one in problems] == ["E_TPL_SYNTAX"]
        assert _LETTERHEAD[at] in problems[0].place


@pytest.mark.parametrize("spelt", ["&#x202e;", "&#8238;", "&#xe100;", "&shy;", "&ZeroWidthSpace;"])
def test_an_escape_in_the_body_brings_nothing_unseen(spelt: str, own: Own) -> None:
    for body in (f"a{spelt}b", f"[a](https://e.org/{spelt})", f"*a{spelt}b*"):
        problems = own(body).check("own", "cluster-munition-coalition", "en")
        assert "E_TPL_SYNTAX" in {one.code for one in problems}, body


@pytest.mark.parametrize("constant", ["'a\u202eb'", r"'a\u202eb'", "'a\\tb'"])
def test_a_constant_in_a_tag_brings_nothing_unseen(constant: str, own: Own) -> None:
    problems = own("{{ " + constant + " }}").check("own", "cluster-munition-coalition", "en")
    assert {one.code for one in problems} == {"E_TPL_SYNTAX"}


# -- the letter's own words --------------------------------------------------------------------------------------------

_MARKDOWN = [text for text in SHOWN if not re.search(r"[{}]", text) and text.strip()]


def test_a_body_and_a_subject_whose_marks_are_escaped_are_shown_as_they_are(chancery: Chancery) -> None:
    body = "\n\n".join(f"Before {escaped(text)} after." for text in _MARKDOWN)
    made = chancery.make("plain", body=body)
    for _, shown in made.forms():
        assert [text for text in _MARKDOWN if bare(f"before {text} after.").casefold() not in shown.casefold()] == []


@pytest.mark.parametrize("text", ["&amp; <b>", "=_m_boundary", '#import "x": \\*', "Bcc: a@b.example", "1\\. item"])
def test_a_subject_is_the_same_on_paper_and_in_the_header(text: str, chancery: Chancery) -> None:
    meant = bare(text.replace("\\", "").replace("&amp;", "&"))
    made = chancery.make("plain", subject=text)
    assert bare(made.message["Subject"]) == meant
    assert all(meant in shown for _, shown in made.forms())


def test_a_field_within_marks_keeps_its_own_marks(own: Own, order: Order) -> None:
    contact = replace(order.contact, name="a*b_c]d(e")
    page = own("Dear *{{ contact.name }}*, **{{ contact.name | upper }}**.").render(
        replace(order, letter="own", contact=contact)
    )
    html = page.parts["html"].decode()
    assert "<em>a*b_c]d(e</em>" in html
    assert "<strong>A*B_C]D(E</strong>" in html
