"""The letters on the command line: any contact in any form, a test to oneself, what changed, the whole sheet."""

from __future__ import annotations

import asyncio
import io
import shutil
from pathlib import Path

import pypdfium2
import pytest
from farend.rogue import Rogue, say
from PIL import Image
from terminal.program import Program, Ran
from terminal.project import lay_out, point_at

from dispatcher.resources import resource

LETTER = "templates/letters/air-strikes/en.md"


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with contacts, its own templates, and nothing prepared."""
    program = Program(lay_out(tmp_path_factory.mktemp("laid-out")))
    shutil.copytree(resource("templates"), program.folder / "templates")
    settings = program.folder / "config" / "dispatcher.toml"
    settings.write_text(settings.read_text("utf-8") + '\n[templates]\nfolder = "templates"\n', "utf-8")
    program("db", "upgrade").good()
    program("contacts", "import").good()
    return program.folder


@pytest.fixture(scope="module")
def prepared(laid_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared-letters") / "project"
    shutil.copytree(laid_out, folder)
    Program(folder)("campaigns", "prepare", "peace").good()
    return folder


@pytest.fixture
def office(prepared: Path, tmp_path: Path) -> Program:
    shutil.copytree(prepared, tmp_path / "project")
    return Program(tmp_path / "project")


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def change_the_letter(program: Program, old: str, new: str) -> None:
    file = program.folder / LETTER
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


# -- preview -----------------------------------------------------------------------------------------------------------


def test_before_anything_is_prepared_a_campaigns_letter_is_shown_as_it_would_come(laid_out: Path) -> None:
    program = Program(laid_out)
    ran = program("letters", "preview", "peace", "--contact", "ardesia").good()
    assert "the armed forces of the Republic of Ardesia" in " ".join(ran.out.split())
    assert "Megan Burke" in ran.out
    assert "as the templates give it now" in ran.err
    assert program("campaigns", "list", "--json").good().json["campaigns"] == []


def test_a_letter_outside_any_campaign_is_shown_for_any_contact(laid_out: Path) -> None:
    ran = Program(laid_out)("letters", "preview", "briefing-invitation", "--contact", "tukaro").good()
    assert "H.E. Ms. Tane Ihaka" in ran.out
    assert "[name of the sender]" in ran.out


def test_a_prepared_letter_is_shown_in_every_form_from_its_frozen_bytes(office: Program) -> None:
    starts = {"pdf": b"%PDF-", "tif": b"II*\0", "html": b"<!", "txt": b"", "eml": b"Content-Type", "png": b"\x89PNG"}
    for ending, start in starts.items():
        ran = office("letters", "preview", "peace", "--contact", "halvorn", "-o", f"letter.{ending}").good()
        assert (office.folder / f"letter.{ending}").read_bytes().startswith(start)
        assert "as it was prepared" in ran.err
    change_the_letter(office, "Thank you for the actions", "We thank you for the actions")
    frozen = office("letters", "preview", "peace", "--contact", "halvorn").good()
    fresh = office("letters", "preview", "peace", "--contact", "halvorn", "--now", "--format", "text").good()
    assert "We thank you" not in frozen.out
    assert "We thank you" in fresh.out


def test_a_page_is_drawn_large_enough_to_read(office: Program) -> None:
    office("letters", "preview", "peace", "--contact", "halvorn", "-o", "letter.png").good()
    with Image.open(io.BytesIO((office.folder / "letter.png").read_bytes())) as picture:
        assert picture.size == (1241, 1754)  # A4 at 150 dots an inch
    beyond = office("letters", "preview", "peace", "--contact", "halvorn", "-o", "letter.png", "--page", "2")
    assert (beyond.code, "the letter has 1 pages" in beyond.err) == (2, True)


def test_a_preview_that_cannot_be_is_explained(office: Program) -> None:
    nobody = office("letters", "preview", "peace", "--contact", "nobody")
    assert (nobody.code, "ardesia, halvorn, tukaro" in nobody.err) == (3, True)
    nothing = office("letters", "preview", "war", "--contact", "ardesia")
    assert (nothing.code, "there are: peace" in nothing.err) == (3, True)
    unsaid = office("letters", "preview", "peace", "--contact", "ardesia", "--format", "pdf")
    assert (unsaid.code, "Say -o" in unsaid.err) == (2, True)
    step = office("letters", "preview", "peace", "--contact", "ardesia", "--step", "4")
    assert (step.code, "no letter of step 4" in step.err) == (3, True)


# -- sheet -------------------------------------------------------------------------------------------------------------


def test_the_sheet_shows_every_letter_with_its_name_and_way(office: Program) -> None:
    ran = office("letters", "sheet", "peace", "-o", "sheet.pdf").good()
    assert ran.out == "sheet.pdf\n"
    [page] = pages((office.folder / "sheet.pdf").read_bytes())
    for name in ("H.E. Ms. Elena Marchetti", "H.E. Mr. Aksel Brandvik", "H.E. Ms. Tane Ihaka"):
        assert name in page
    assert "A letter of peace" in page
    assert page.count("email · 1 page · ") == 3
    assert office("letters", "sheet", "peace", "-o", "sheet.pdf", "--step", "1").code == 3


# -- diff --------------------------------------------------------------------------------------------------------------


def test_a_letter_that_did_not_change_is_the_same(office: Program) -> None:
    plan = office("campaigns", "list", "--json").good().json["campaigns"][0]["plan"]
    ran = office("letters", "diff", "peace", "--contact", "tukaro", "--from", plan, "--to", plan[:8]).good()
    assert ran.out == ""
    assert "The words are the same." in ran.err


def test_a_changed_template_shows_its_words_against_the_prepared_ones(office: Program) -> None:
    change_the_letter(office, "Thank you for the actions", "Thanks for all")
    told = office("letters", "diff", "peace", "--contact", "tukaro", "-o", "both.pdf", "--json").good().json
    changed = [(one["kind"], one["words"]) for one in told["changes"] if one["kind"] != "same"]
    assert changed == [("gone", "Thank you"), ("new", "Thanks"), ("gone", "the actions"), ("new", "all")]
    assert told["new"] == "as the templates give it now"
    [page] = pages((office.folder / "both.pdf").read_bytes())
    assert "as the templates give it now" in page


def test_what_was_approved_is_compared_with_what_is_prepared_now(office: Program) -> None:
    first = office("campaigns", "list", "--json").good().json["campaigns"][0]["plan"]
    office("campaigns", "approve", "peace", "--digest", first).good()
    change_the_letter(office, "Thank you for the actions", "Thanks for all")
    office("campaigns", "prepare", "peace").good()
    second = office("campaigns", "list", "--json").good().json["campaigns"][0]["plan"]
    told = office("letters", "diff", "peace", "--contact", "tukaro", "--json").good().json
    assert (told["old"], told["new"]) == (f"approved plan {first[:12]}…", f"prepared plan {second[:12]}…")
    assert not told["same"]
    text = office("letters", "diff", "peace", "--contact", "tukaro").good().out
    assert "[-Thank you-] {+Thanks+} for [-the actions-] {+all+}" in text
    other_way = office("letters", "diff", "peace", "--contact", "tukaro", "--from", second, "--to", first[:8], "--json")
    assert [one["kind"] for one in other_way.good().json["changes"]] == ["same", "gone", "new"] * 2 + ["same"]
    assert office("letters", "diff", "peace", "--contact", "tukaro", "--from", "abcdef0123").code == 3
    assert office("letters", "diff", "peace", "--contact", "tukaro", "--from", "ab").code == 2


# -- test --------------------------------------------------------------------------------------------------------------


async def _tested(office: Program) -> tuple[Ran, Ran, list[str]]:
    """A test that the relay refuses, one that it takes, and who got it."""
    async with Rogue({"rcpt": [say("550 5.1.1 no such user here")]}) as rogue:
        point_at(office.folder, rogue.port)
        words = ("letters", "test", "peace", "--to", "me@tester.example", "--contact", "ardesia", "--json")
        refused = await asyncio.to_thread(office, *words)
        taken = await asyncio.to_thread(office, *words)
        return refused, taken, [one.recipient for one in rogue.ledger]


def test_a_test_letter_goes_to_oneself_and_its_outcome_is_told_in_the_relays_words(office: Program) -> None:
    refused, taken, recipients = asyncio.run(_tested(office))
    assert (refused.code, refused.json["tests"][0]["cause"]) == (6, "email.no_mailbox")
    assert "no such user here" in refused.json["tests"][0]["detail"]
    [told] = taken.good().json["tests"]
    assert (told["outcome"], told["subject"]) == ("accepted", "[Test] Air strikes in the Syrian Arab Republic")
    assert recipients == ["me@tester.example"]
    assert office("deliveries", "list", "--json").good().json["deliveries"] == []
    actions = [one["action"] for one in office("audit", "tail", "--json").good().json["entries"]]
    assert actions[-3:] == ["letter.test", "letter.test.transmitting", "letter.test"]


def test_a_test_needs_an_address_of_ones_own(office: Program) -> None:
    def refused(*words: str) -> Ran:
        ran = office("letters", "test", "peace", *words)
        assert (ran.code, ran.out) == (2, "")
        return ran

    assert "Say --to" in refused().err
    assert "E_TEST_CONTACT" in refused("--to", "registry@halvorn.example").err
    assert "go together" in refused("--to", "me@tester.example", "--knowingly").err
    assert "E_NO_WAY" in refused("--fax", "+41225550199").err
    assert refused("--to", "nobody").err
