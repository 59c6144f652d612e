"""The estimate as it stands in a plan: out of the real pages, signed with them, and said in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person
from terminal.project import NO_TEMPLATES

from dispatcher.cli.estimate import about, estimate_facts
from dispatcher.domain.estimate import CAUTIOUS, GOOD, Tariff, seconds
from dispatcher.domain.model import Hours
from dispatcher.domain.words import Policy
from dispatcher.letters import tiff
from dispatcher.letters.header_line import FaxHeader, stamp
from dispatcher.usecases import review
from dispatcher.usecases.checks import Finding
from dispatcher.usecases.doctor import examine
from dispatcher.usecases.estimate import HEADER_BYTES

PEOPLE = [
    person("one", email="mission@ardesia.example", fax="+442079460000"),
    person("two", email="mission@castrevia.example", fax="+12125550103", zone="America/New_York"),
]
SWISS = Tariff("+44", "", "CHF", per_minute=Decimal("0.10"))


@pytest.fixture
async def counter(tmp_path: Path, databases: Databases) -> AsyncIterator[Desk]:
    """A desk over SQLite alone: nothing here depends on the database."""
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as made:
        yield made


async def test_the_estimate_is_of_the_very_pages(counter: Desk) -> None:
    plan = (await counter.prepare(PEOPLE, Policy.BOTH)).plan
    found = plan.campaign["estimate"]
    page = tiff.pages_of(await counter.office.archive.get(plan.letters[0].objects["tiff"]))[0].size
    assert (found["letters"], found["mails"], found["faxes"], found["fax_pages"]) == (2, 2, 2, 2)
    assert found["line_seconds"] == pytest.approx([2 * seconds([page], rate) for rate in (GOOD, CAUTIOUS)], abs=1)
    entity = await counter.office.archive.get(plan.letters[0].objects["entity"])
    assert found["mail_bytes"] == 2 * len(entity)
    assert found["without_tariff"] == ["+12125550103", "+442079460000"]


async def test_it_is_signed_with_the_plan(counter: Desk) -> None:
    first = await counter.prepare(PEOPLE, Policy.BOTH)
    assert (await counter.prepare(PEOPLE, Policy.BOTH)).digest == first.digest
    _, kept = await review.read_plan(counter.office, "air-strikes")
    assert kept.campaign["estimate"] == first.plan.campaign["estimate"]
    counter.office = replace(counter.office, tariffs=(SWISS,))
    dearer = await counter.prepare(PEOPLE, Policy.BOTH)
    assert dearer.digest != first.digest
    [cost] = dearer.plan.campaign["estimate"]["costs"]
    assert (cost["currency"], cost["low"], cost["high"]) == ("CHF", "0.1000", "0.1000")


async def test_the_header_line_is_reckoned_with(counter: Desk) -> None:
    plain = (await counter.prepare(PEOPLE, Policy.BOTH)).plan
    header = FaxHeader("+41 22 555 01 00", "Europe/Zurich", "Cluster Munition Coalition")
    counter.office = replace(counter.office, fax_header=header)
    stamped = (await counter.prepare(PEOPLE, Policy.BOTH)).plan
    more = stamped.campaign["estimate"]["line_seconds"][1] - plain.campaign["estimate"]["line_seconds"][1]
    assert more == pytest.approx(2 * HEADER_BYTES * 8 * 1.05 / CAUTIOUS, abs=1)
    pages = await counter.office.archive.get(plain.letters[0].objects["tiff"])
    words = header.words("", "+442079460000", counter.clock.now())
    [before], [after] = tiff.pages_of(pages), tiff.pages_of(stamp(pages, words))
    assert after.size - before.size <= HEADER_BYTES


async def test_faxes_that_wait_for_proof_are_the_upper_end_only(counter: Desk) -> None:
    found = (await counter.prepare(PEOPLE, Policy.FAX_IF_NO_PROOF)).plan.campaign["estimate"]
    assert (found["faxes"], found["faxes_only_without_proof"]) == (2, 2)
    assert found["line_seconds"][0] == 0 < found["line_seconds"][1]
    assert (found["one_line_seconds"], found["one_line_from"]) == (0, "")


async def test_it_is_said_in_words(counter: Desk) -> None:
    counter.office = replace(counter.office, tariffs=(SWISS,))
    hours = Hours(time(8), time(18))
    done = await counter.prepare(PEOPLE, Policy.BOTH, hours=hours, at=datetime(2015, 10, 1, 10, 0))
    said = dict(estimate_facts(done.plan.campaign, "Europe/Zurich"))
    assert said["by email"].startswith("2 mails, 0.1 MB")
    assert said["by fax"] == "2 calls, 2 pages"
    assert "minutes in all, without further tries" in said["on the line"]
    assert said["cost"] == "CHF 0.10; no tariff for 1 number: +12125550103 (see [[fax.tariffs]])"
    assert said["one line"] == "busy for about 2 min, from 2015-10-01 10:00 to 2015-10-01 14:01"


async def test_of_a_plan_without_faxes_only_the_mails_are_told(counter: Desk) -> None:
    done = await counter.prepare(PEOPLE, Policy.EMAIL)
    assert [name for name, _ in estimate_facts(done.plan.campaign, "UTC")] == ["by email"]


@pytest.mark.parametrize(
    ("given", "said"), [(20, "about 1 min"), (1500, "about 25 min"), (11_400, "about 3 h 10"), (7_230, "about 2 h 00")]
)
def test_hours_are_told_as_people_tell_them(given: int, said: str) -> None:
    assert about(given) == said


@pytest.mark.parametrize(
    ("more", "finding", "words"),
    [
        ("", Finding.WRONG, "the number that it must show is not set"),
        ('[fax.header]\nnumber = "+41 22 555 01 00"\n', Finding.GOOD, "the sender of the letter, +41 22 555 01 00"),
        ("[fax.header]\nenabled = false\n", Finding.NOTE, "switched off"),
    ],
)
async def test_the_doctor_looks_at_the_header_line(tmp_path: Path, more: str, finding: Finding, words: str) -> None:
    (tmp_path / "secret").write_text("a key to rehearse with")
    (tmp_path / "secret").chmod(0o600)
    file = tmp_path / "dispatcher.toml"
    file.write_text(f'{NO_TEMPLATES}[fax.simulator]\nenabled = true\nsecret_file = "secret"\n{more}')
    [check] = [one for one in await examine(file) if one.name == "fax header line"]
    assert (check.finding, words in check.found) == (finding, True)
