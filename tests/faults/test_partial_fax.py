"""Fault: the line is lost when part of a fax is there. It goes once more, whole and marked; then a person decides."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person
from PIL import Image

from dispatcher.domain.words import Cause, Policy, State
from dispatcher.letters.header_line import AGAIN, FaxHeader, strip, words_from
from dispatcher.letters.legibility import STRIP_ROWS
from dispatcher.letters.tiff import WIDTH
from dispatcher.store import attempts
from dispatcher.worker import Worker

#: The gateway loses the line in the middle of the second page.
LOST = "+442079460031"


@pytest.fixture
def sqlite(databases: Databases, tmp_path: Path) -> str:
    return databases.fresh("sqlite", tmp_path)


def with_line(desk: Desk) -> None:
    """Fax pages have the line with sender, number and moment at their top."""
    desk.office = replace(desk.office, fax_header=FaxHeader("+41 22 555 01 00", "Europe/Zurich"))
    desk.worker = Worker(desk.office, name=desk.worker.name)


def tops(document: bytes) -> list[bytes]:
    found = []
    with Image.open(io.BytesIO(document)) as image:
        for number in range(image.n_frames):
            image.seek(number)
            found.append(image.convert("1").crop((0, 0, WIDTH, STRIP_ROWS)).tobytes())
    return found


async def test_part_of_a_fax_is_said_and_shown_as_part_and_goes_once_more_with_a_mark(
    sqlite: str, tmp_path: Path
) -> None:
    async with open_desk(sqlite, tmp_path) as desk:
        with_line(desk)
        await desk.launch([person("one", fax=LOST)], Policy.FAX, fax_cover=True)
        await desk.work()
        await desk.pass_time(minutes=2)
        row = await desk.only()
        assert (row.state, row.cause) == (State.DEFERRED, Cause.FAX_PARTIAL)
        assert [one["pages"] for one in (await desk.story(row.id)).evidence] == [1]
        assert await desk.office.store.read(lambda one: attempts.earlier(one, row.id)) == (True, True)
        await desk.pass_time(minutes=29)
        assert len(desk.gateway.taken()) == 1
        for _ in range(20):
            await desk.pass_time(hours=1)
        story = await desk.story(row.id)
        assert (story.delivery.state, story.delivery.cause) == (State.FAILED, Cause.FAX_PARTIAL)
        first, second = (words_from(one.facts) for one in story.attempts)
        assert (first.again, second.again) == ("", AGAIN)
        sent = [await desk.office.archive.get(one.sent_digest) for one in story.attempts]
        assert [one["sha256"] for one in desk.gateway.taken()] == [one.sent_digest for one in story.attempts]
        for words, document in zip((first, second), sent, strict=True):
            assert tops(document) == [strip(words, f"{page}/2").tobytes() for page in (1, 2)]


async def test_a_call_that_broke_off_before_its_first_page_leaves_no_mark(sqlite: str, tmp_path: Path) -> None:
    async with open_desk(sqlite, tmp_path) as desk:
        with_line(desk)
        await desk.launch([person("one", fax=LOST)], Policy.FAX)  # of one page
        await desk.work()
        await desk.pass_time(minutes=2)
        await desk.pass_time(minutes=10)
        row = await desk.only()
        assert await desk.office.store.read(lambda one: attempts.earlier(one, row.id)) == (False, True)
        assert [words_from(one.facts).again for one in (await desk.story(row.id)).attempts] == ["", ""]
