"""A letter with a cover page and attachments, from the campaign file to both far ends, byte for byte."""

from __future__ import annotations

import io
import os
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
import typst
from desk.databases import Databases
from desk.desk import MEGAN, Desk, person
from PIL import Image, ImageChops

from dispatcher.domain.errors import CampaignError, Conflict
from dispatcher.domain.model import Attachment, Copy, Letter, Step
from dispatcher.domain.words import Policy, State
from dispatcher.intake.attachments import LARGEST
from dispatcher.letters import fax
from dispatcher.letters.legibility import STRIP_ROWS
from dispatcher.usecases import launch, proofs
from dispatcher.usecases.plan import Plan

EMAIL, FAX, OTHER_FAX = "mission@ardesia.example", "+442079460000", "+441632960101"


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> str:
    """One kind will do: what is told here happens before the rows, and beside them."""
    return databases.fresh("sqlite", tmp_path)


def annex(text: str, pages: int = 1) -> bytes:
    body = "#pagebreak()\n".join(f"{text} {number}\n" for number in range(1, pages + 1))
    made = typst.compile(f"#set document(title: [Annex])\n#set text(size: 14pt)\n{body}".encode(), format="pdf")
    assert isinstance(made, bytes)
    return made


@pytest.fixture
def steps(tmp_path: Path) -> tuple[Step, ...]:
    """A letter with two annexes, which lie in a folder of their own."""
    folder = tmp_path / "annexes"
    folder.mkdir()
    (folder / "facts.pdf").write_bytes(annex("Facts", 2))
    (folder / "plan.pdf").write_bytes(annex("Plan"))
    names = (("facts.pdf", "Annex I: the facts"), ("plan.pdf", ""))
    return (Step(0, "air-strikes", attachments=tuple(Attachment(n, str(folder / n), title) for n, title in names)),)


def path_of(steps: Sequence[Step], number: int) -> Path:
    return Path(steps[0].attachments[number].path)


def _letter(plan: Plan) -> Letter:
    [letter] = plan.letters
    return letter


def _pages(tiff: bytes) -> list[Image.Image]:
    """Below the strip, into which the line of the sender is printed at the moment of sending."""
    with Image.open(io.BytesIO(tiff)) as image:
        found = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(image.convert("1").crop((0, STRIP_ROWS, *image.size)))
    return found


def _same(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.logical_xor(one, other).getbbox() is None


async def test_the_same_attachments_arrive_by_mail_and_by_fax(desk: Desk, steps: tuple[Step, ...]) -> None:
    data = [path_of(steps, number).read_bytes() for number in (0, 1)]
    people = [person("one", email=EMAIL, fax=FAX)]
    await desk.launch(people, steps=steps, fax_cover=True, fax_remarks="The original follows by post.")
    await desk.work()
    await desk.pass_time(minutes=5)
    assert sorted(await desk.states()) == [State.ACCEPTED, State.DELIVERED]

    [taken] = desk.rogue.ledger
    mail = message_from_bytes(taken.message, policy=policy.default)
    parts = list(mail.iter_attachments())  # type: ignore[attr-defined]
    assert [part.get_filename() for part in parts][1:] == ["facts.pdf", "plan.pdf"]
    assert [part.get_content() for part in parts][1:] == data

    [document] = desk.gateway.folder.glob("*.tif")
    pages = _pages(document.read_bytes())
    expected = [page.crop((0, STRIP_ROWS, *page.size)) for one in data for page in fax.drawn(one)]
    assert len(pages) == 5
    assert [_same(*pair) for pair in zip(pages[2:], expected, strict=True)] == [True] * 3
    by_fax = next(one for one in await desk.deliveries() if one.state is State.DELIVERED)
    [proof] = (await desk.story(by_fax.id)).evidence
    assert proof["pages"] == 5


async def test_the_letter_lists_them_in_order_and_each_can_be_looked_at(desk: Desk, steps: tuple[Step, ...]) -> None:
    prepared = await desk.prepare([person("one", email=EMAIL, fax=FAX)], steps=steps, fax_cover=True)
    letter = _letter(prepared.plan)
    assert [name for name, _ in letter.attachments] == ["facts.pdf", "plan.pdf"]
    assert (letter.pages, letter.fax_pages) == (4, 5)
    for number, (name, digest) in enumerate(letter.attachments):
        kept = await proofs.proof(desk.office, letter.digest, f"attachment-{number + 1:02}/{name}")
        assert kept.data == path_of(steps, number).read_bytes()
        assert await desk.office.archive.get(digest) == kept.data


async def test_a_file_that_changes_afterwards_changes_no_letter(desk: Desk, steps: tuple[Step, ...]) -> None:
    before = path_of(steps, 1).read_bytes()
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL, steps=steps)
    path_of(steps, 1).write_bytes(annex("Another plan"))
    path_of(steps, 0).unlink()
    await desk.work()
    [taken] = desk.rogue.ledger
    parts = list(message_from_bytes(taken.message, policy=policy.default).iter_attachments())  # type: ignore[attr-defined]
    assert parts[2].get_content() == before


async def test_preparing_again_with_another_file_voids_the_approval(desk: Desk, steps: tuple[Step, ...]) -> None:
    people = [person("one", email=EMAIL)]
    first = await desk.prepare(people, Policy.EMAIL, steps=steps)
    await launch.approve(desk.office, "air-strikes", first.digest, MEGAN)
    assert (await desk.prepare(people, Policy.EMAIL, steps=steps)).digest == first.digest
    path_of(steps, 1).write_bytes(annex("Another plan"))
    second = await desk.prepare(people, Policy.EMAIL, steps=steps)
    assert second.digest != first.digest
    assert second.voided == first.digest
    with pytest.raises(Conflict, match="changed after it was approved"):
        await launch.launch(desk.office, "air-strikes", MEGAN, late=True)


async def test_their_order_and_their_titles_are_approved_too(desk: Desk, steps: tuple[Step, ...]) -> None:
    people = [person("one", email=EMAIL)]
    digests = {(await desk.prepare(people, Policy.EMAIL, steps=steps)).digest}
    one, two = steps[0].attachments
    for attachments in ((two, one), (replace(one, title="Another title"), two)):
        other = (replace(steps[0], attachments=attachments),)
        digests.add((await desk.prepare(people, Policy.EMAIL, steps=other)).digest)
    assert len(digests) == 3


async def test_what_became_unfit_since_the_file_was_read_is_told_all_at_once(
    desk: Desk, steps: tuple[Step, ...]
) -> None:
    first = await desk.prepare([person("one", email=EMAIL)], Policy.EMAIL, steps=steps)
    with pikepdf.open(path_of(steps, 0), allow_overwriting_input=True) as pdf:
        pdf.save(path_of(steps, 0), encryption=pikepdf.Encryption(owner="a", user="b"))
    path_of(steps, 1).unlink()
    with pytest.raises(CampaignError) as caught:
        await desk.prepare([person("one", email=EMAIL)], Policy.EMAIL, steps=steps)
    assert [one.code for one in caught.value.problems] == ["E_ATT_ENCRYPTED", "E_ATT_MISSING"]
    assert [Path(one.place).name for one in caught.value.problems] == ["facts.pdf", "plan.pdf"]
    assert first.plan.campaign["id"] == "air-strikes"


async def test_a_copy_has_the_same_pages_and_the_cover_names_both_numbers(desk: Desk, steps: tuple[Step, ...]) -> None:
    people = [person("one", email=EMAIL, fax=FAX), person("two", fax=OTHER_FAX)]
    copies = (Copy("two", "one", Policy.FAX),)
    await desk.launch(people, Policy.EMAIL, steps=steps, copies=copies, fax_cover=True)
    await desk.work()
    letter = (await desk.story((await desk.deliveries())[0].id)).letter
    cover = _cover_text(await desk.office.archive.get(letter.objects["fax_pdf"]))
    assert OTHER_FAX in cover
    assert FAX not in cover, "the addressee's own letter goes by mail alone"
    [document] = desk.gateway.folder.glob("*.tif")
    assert len(_pages(document.read_bytes())) == letter.fax_pages == 5


def _cover_text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return str(document[0].get_textpage().get_text_range())
    finally:
        document.close()


async def test_a_letter_that_goes_by_no_fax_has_no_cover(desk: Desk) -> None:
    prepared = await desk.prepare([person("one", email=EMAIL)], Policy.EMAIL, fax_cover=True)
    assert _letter(prepared.plan).fax_pages == 1


async def test_a_mail_too_large_for_the_office_is_not_frozen(desk: Desk, steps: tuple[Step, ...]) -> None:
    desk.office = replace(desk.office, mail_bytes=20_000)
    with pytest.raises(CampaignError, match="E_ATT_SIZE the mail would have"):
        await desk.prepare([person("one", email=EMAIL)], Policy.EMAIL, steps=steps)
    assert (await desk.prepare([person("one", fax=FAX)], Policy.FAX, steps=steps)).plan.letters


async def test_a_file_that_has_grown_past_every_bound_is_refused_and_never_read_whole(
    desk: Desk, steps: tuple[Step, ...]
) -> None:
    with path_of(steps, 0).open("ab") as file:
        file.truncate(LARGEST + 1_000_000_000)  # a hole: it takes no room on the disk
    tracemalloc.start()
    with pytest.raises(CampaignError, match="E_ATT_SIZE has more than") as caught:
        await desk.prepare([person("one", email=EMAIL)], Policy.EMAIL, steps=steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [Path(one.place).name for one in caught.value.problems] == ["facts.pdf"]
    assert peak < 3 * LARGEST


async def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(desk: Desk, steps: tuple[Step, ...]) -> None:
    path_of(steps, 1).unlink()
    os.mkfifo(path_of(steps, 1))
    with pytest.raises(CampaignError, match="E_ATT_MISSING cannot be read: there is no such file"):
        await desk.prepare([person("one", email=EMAIL)], Policy.EMAIL, steps=steps)
