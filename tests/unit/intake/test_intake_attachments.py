"""The attachments and the fax cover page of a campaign file: what is read, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from intake_files import CAMPAIGN, LETTERS, ORGANISATIONS, ReadCampaign, problems, told

from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Attachment
from dispatcher.intake.attachments import LARGEST, Inspection, as_mailed
from dispatcher.intake.campaign import CampaignFile, read_campaign
from dispatcher.intake.contacts import ContactBook

STEP = '[[steps]]\nletter = "air-strikes"\n'
LINE = str(CAMPAIGN[: CAMPAIGN.index(STEP)].count("\n") + 3)


def _attached(value: str) -> tuple[str, str]:
    return STEP, f"{STEP}attachments = {value}\n"


def _fax(text: str) -> tuple[str, str]:
    return '[[steps]]\nletter = "air-strikes"\n', f"[fax]\n{text}\n\n{STEP}"


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """The campaign's folder, with files beside the campaign file."""
    for name in ("annex.pdf", "Übersicht 2.pdf", "notes.docx"):
        (tmp_path / name).write_bytes(b"%PDF-" + name.encode())
    (tmp_path / "more").mkdir()
    (tmp_path / "folder.pdf").mkdir()
    os.mkfifo(tmp_path / "pipe.pdf")
    with (tmp_path / "huge.pdf").open("wb") as file:
        file.truncate(LARGEST + 1)  # takes no room on the disk
    (tmp_path / "more/Annex.PDF").write_bytes(b"%PDF-more")
    return tmp_path


def test_names_titles_and_order_are_kept(campaign_file: ReadCampaign, beside: Path) -> None:
    value = '["Übersicht 2.pdf", { file = "annex.pdf", title = "Annex I" }]'
    first, second = campaign_file(_attached(value)).campaign.steps
    assert first.attachments == (
        Attachment("Übersicht 2.pdf", str(beside / "Übersicht 2.pdf")),
        Attachment("annex.pdf", str(beside / "annex.pdf"), "Annex I"),
    )
    assert second.attachments == ()


def test_a_folder_below_will_do(campaign_file: ReadCampaign, beside: Path) -> None:
    [one] = campaign_file(_attached('["more/Annex.PDF"]')).campaign.steps[0].attachments
    assert (one.name, one.path) == ("Annex.PDF", str(beside / "more/Annex.PDF"))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('"annex.pdf"', "E_TYPE"),
        ("[1]", "E_TYPE"),
        ("[{}]", "E_KEY_MISSING"),
        ('[{ file = "annex.pdf", name = "x" }]', "E_KEY_UNKNOWN"),
        ('[""]', "E_VALUE"),
        ('["anex.pdf"]', "E_ATT_MISSING"),
        ('["more"]', "E_ATT_TYPE"),
        ('["folder.pdf"]', "E_ATT_MISSING"),
        ('["pipe.pdf"]', "E_ATT_MISSING"),
        ('["huge.pdf"]', "E_ATT_SIZE"),
        ('["notes.docx"]', "E_ATT_TYPE"),
        ('["/etc/annex.pdf"]', "E_ATT_PATH"),
        ('["../annex.pdf"]', "E_ATT_PATH"),
        (r'["..\\annex.pdf"]', "E_ATT_PATH"),
        (r'["C:\\letters\\annex.pdf"]', "E_ATT_PATH"),
        ('["a;b.pdf"]', "E_ATT_NAME"),
        (r'["a\"b.pdf"]', "E_ATT_NAME"),
        ('[".pdf"]', "E_ATT_NAME"),
        (f'["{"x" * 90}.pdf"]', "E_ATT_NAME"),
        ('["annex.pdf", "annex.pdf"]', "E_DUP"),
        ('["annex.pdf", "more/Annex.PDF"]', "E_DUP"),
        (r'["a\nb.pdf"]', "E_CTRL"),
        (r'["a\u202Eb.pdf"]', "E_BIDI"),
    ],
)
def test_what_cannot_be_sent_is_refused(campaign_file: ReadCampaign, beside: Path, value: str, code: str) -> None:
    assert told(problems(lambda: campaign_file(_attached(value)))) == [(LINE, code)]


def test_a_misspelt_file_is_guessed(campaign_file: ReadCampaign, beside: Path) -> None:
    (found,) = problems(lambda: campaign_file(_attached('["anex.pdf"]')))
    assert found.way_out == "Did you mean 'annex.pdf'?"
    assert found.cause.startswith("steps[1].attachments[1]: 'anex.pdf'")


def test_a_hundred_files_are_refused(campaign_file: ReadCampaign, beside: Path) -> None:
    for number in range(21):
        (beside / f"{number}.pdf").write_bytes(b"%PDF-")
    value = str([f"{number}.pdf" for number in range(21)])
    assert told(problems(lambda: campaign_file(_attached(value)))) == [(LINE, "E_ATT_MANY")]


def test_everything_is_told_at_once(campaign_file: ReadCampaign, beside: Path) -> None:
    value = '["no.pdf", "notes.docx", "annex.pdf", "annex.pdf"]'
    codes = [code for _, code in told(problems(lambda: campaign_file(_attached(value), ('"Geneva"', '""'))))]
    assert sorted(codes) == ["E_ATT_MISSING", "E_ATT_TYPE", "E_DUP", "E_VALUE"]


# -- the look that is handed in ----------------------------------------------------------------------------------------


def _read(folder: Path, book: ContactBook, inspection: Inspection, *changes: tuple[str, str]) -> CampaignFile:
    text = CAMPAIGN
    for old, new in (_attached('["annex.pdf"]'), *changes):
        text = text.replace(old, new)
    path = folder / "campaign.toml"
    path.write_text(text, encoding="utf-8")
    return read_campaign(path, book, LETTERS, ORGANISATIONS, inspection)


def test_what_the_look_says_stands_at_the_line(beside: Path, book: ContactBook) -> None:
    seen: list[tuple[str, bytes]] = []

    def look(name: str, data: bytes) -> Iterator[Problem]:
        seen.append((name, data))
        yield Problem(name, "is pale", "Darken it", "W_PALE")

    file = _read(beside, book, Inspection(look, 10_000_000))
    assert seen == [("annex.pdf", b"%PDF-annex.pdf")]
    [warning] = [one for one in file.warnings if one.code == "W_PALE"]
    assert warning.place.endswith(f"campaign.toml:{LINE}")
    assert warning.cause == "steps[1].attachments[1]: annex.pdf is pale"

    def refuse(name: str, data: bytes) -> Iterator[Problem]:
        yield Problem(name, "is torn", "Mend it", "E_TORN")

    assert told(problems(lambda: _read(beside, book, Inspection(refuse, 10_000_000)))) == [(LINE, "E_TORN")]


def test_a_mail_that_would_be_too_large_is_refused_as_it_travels(beside: Path, book: ContactBook) -> None:
    room = Inspection(lambda name, data: (), 1_000_000)
    (beside / "annex.pdf").write_bytes(bytes(657_000))
    _read(beside, book, room)
    (beside / "annex.pdf").write_bytes(bytes(658_000))
    assert as_mailed(658_000) > 900_000
    assert told(problems(lambda: _read(beside, book, room))) == [(LINE, "E_ATT_SIZE")]


def test_no_mail_is_too_large_where_everybody_is_reached_by_fax(beside: Path, book: ContactBook) -> None:
    (beside / "annex.pdf").write_bytes(bytes(5_000_000))
    by_fax = (
        ('default = "fax_if_no_proof"', 'default = "fax"'),
        ('tags = ["geneva"]\n', ""),
        ('except = ["halvorn-geneva"]\n', ""),
        ('[channels.by_contact]\n"miravale-geneva" = "email"\n', ""),
        ('[[cc]]\ncontact = "registry"\nfor = "ardesia-geneva"\nchannels = "email"\n', ""),
    )
    assert _read(beside, book, Inspection(lambda name, data: (), 1_000_000), *by_fax).campaign.steps[0].attachments


@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 1000, 4096])
def test_the_size_in_the_mail_is_that_of_base64_in_lines(size: int) -> None:
    from base64 import encodebytes  # noqa: PLC0415

    assert as_mailed(size) == len(encodebytes(bytes(size)).replace(b"\n", b"\r\n"))


# -- the cover page ----------------------------------------------------------------------------------------------------


def test_a_cover_page_is_asked_for(campaign_file: ReadCampaign) -> None:
    campaign = campaign_file(_fax('cover = true\nremarks = "Original follows by post"')).campaign
    assert (campaign.fax_cover, campaign.fax_remarks) == (True, "Original follows by post")
    plain = campaign_file().campaign
    assert (plain.fax_cover, plain.fax_remarks) == (False, "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('cover = "yes"', "E_TYPE"),
        ("cover = 1", "E_TYPE"),
        ('remarks = "Words"', "E_VALUE"),
        ('cover = false\nremarks = "Words"', "E_VALUE"),
        ('cover = true\nremarks = ""', "E_VALUE"),
        ("cover = true\npages = 2", "E_KEY_UNKNOWN"),
        (f'cover = true\nremarks = "{"x" * 301}"', "E_TEXT_LONG"),
        (r"cover = true" + "\n" + r'remarks = "a\u202Eb"', "E_BIDI"),
    ],
)
def test_a_cover_page_that_is_none_is_refused(campaign_file: ReadCampaign, text: str, code: str) -> None:
    assert [one.code for one in problems(lambda: campaign_file(_fax(text)))] == [code]
