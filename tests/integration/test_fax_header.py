"""The header line on faxes that truly leave: what the gateway gets, what is kept, and when nothing may leave."""

from __future__ import annotations

import io
from dataclasses import replace
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path

import pypdfium2
import pytest
from desk.desk import ADA, MEGAN, Desk, person
from PIL import Image, ImageChops

from dispatcher.archive import digest_of
from dispatcher.channels.base import Abilities
from dispatcher.channels.mailfax import Gateway, MailFaxChannel
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.domain.clock import SystemClock
from dispatcher.domain.errors import CampaignError, Problem
from dispatcher.domain.estimate import Tariff
from dispatcher.domain.words import Cause, Kind, Policy, State
from dispatcher.letters.header_line import FaxHeader, stamp, words_from
from dispatcher.letters.legibility import STRIP_ROWS
from dispatcher.providers import PROVIDERS
from dispatcher.settings import fax as settings_fax
from dispatcher.settings import load
from dispatcher.usecases import launch, look, review
from dispatcher.usecases.fax_header import header_problems
from dispatcher.worker import Worker

FAX, BUSY_ONCE = "+442079460000", "+442079460021"
HEADER = FaxHeader("+41 22 555 01 00", "Europe/Zurich", "Cluster Munition Coalition")


def use(desk: Desk, header: FaxHeader | None) -> None:
    """The office goes on with this header line."""
    desk.office = replace(desk.office, fax_header=header)
    desk.worker = Worker(desk.office, name=desk.worker.name)


async def approved_pages(desk: Desk, letter: str) -> bytes:
    return await review.letter_part(desk.office, letter, "tiff")


def arrived(desk: Desk) -> list[bytes]:
    return [(desk.gateway.folder / f"{one['id']}.tif").read_bytes() for one in desk.gateway.taken()]


def below(pages: bytes) -> Image.Image:
    with Image.open(io.BytesIO(pages)) as image:
        return image.convert("L").crop((0, STRIP_ROWS, *image.size))


async def test_the_gateway_gets_the_approved_pages_with_the_line_and_anybody_can_print_it_again(desk: Desk) -> None:
    use(desk, HEADER)
    await desk.launch([person("one", fax=FAX)], Policy.FAX)
    await desk.work()
    [sent] = arrived(desk)
    row = await desk.only()
    approved = await approved_pages(desk, row.letter)
    [attempt] = (await desk.story(row.id)).attempts
    assert attempt.facts["header_sent"] == "2015-10-01 10:00 CEST (UTC+02:00)"
    assert attempt.facts["header_recipient"] == FAX
    assert sent != approved
    assert ImageChops.difference(below(sent), below(approved)).getbbox() is None
    assert digest_of(stamp(approved, words_from(attempt.facts))) == attempt.sent_digest == digest_of(sent)
    assert await desk.office.archive.get(attempt.sent_digest) == sent


async def test_another_try_tells_its_own_moment(desk: Desk) -> None:
    use(desk, HEADER)
    await desk.launch([person("one", fax=BUSY_ONCE)], Policy.FAX)
    await desk.work()
    await desk.pass_time(minutes=2)
    await desk.pass_time(minutes=15)
    row = await desk.only()
    tries = (await desk.story(row.id)).attempts
    assert len(tries) == 2
    moments = [one.facts["header_sent"][:16] for one in tries]
    assert moments[0] == "2015-10-01 10:00"
    assert moments[1] > moments[0]
    approved = await approved_pages(desk, row.letter)
    again = [digest_of(stamp(approved, words_from(one.facts))) for one in tries]
    assert again == [one.sent_digest for one in tries]
    assert again[0] != again[1]


async def test_the_words_are_kept_when_nobody_knows_what_became_of_the_fax(desk: Desk) -> None:
    """The try is closed by the sweep, which knows nothing of the line: the words were written down as it left."""
    use(desk, HEADER)
    await desk.launch([person("one", fax="+442079460032")], Policy.FAX)
    await desk.work()
    await desk.pass_time(minutes=5)
    await desk.pass_time(minutes=30)
    row = await desk.only()
    assert row.state is State.IN_DOUBT
    [attempt] = (await desk.story(row.id)).attempts
    assert words_from(attempt.facts).sender == "Cluster Munition Coalition"


async def test_a_gateway_that_prints_its_own_line_gets_the_approved_pages(desk: Desk) -> None:
    use(desk, HEADER)
    channel = desk.office.channels["simulator"]
    assert isinstance(channel, SimulatorChannel)
    channel.abilities = Abilities(asks=True, speaks_back=True, proves=True, confirms_pages=True, prints_header=True)
    await desk.launch([person("one", fax=FAX)], Policy.FAX)
    await desk.work()
    assert arrived(desk) == [await approved_pages(desk, (await desk.only()).letter)]


async def test_switched_off_the_approved_pages_leave_as_they_are(desk: Desk) -> None:
    await desk.launch([person("one", fax=FAX)], Policy.FAX)
    await desk.work()
    row = await desk.only()
    assert arrived(desk) == [await approved_pages(desk, row.letter)]
    [attempt] = (await desk.story(row.id)).attempts
    assert not any(name.startswith("header") for name in attempt.facts)


async def test_no_fax_is_launched_without_the_number_that_the_law_asks_for(desk: Desk) -> None:
    use(desk, FaxHeader("", "Europe/Zurich"))
    prepared = await desk.prepare([person("one", fax=FAX)], Policy.FAX)
    warned = await look.look(desk.office, prepared.plan)
    assert "W_FAX_HEADER" in [one.code for one in warned]
    await launch.approve(desk.office, "air-strikes", prepared.digest, MEGAN)
    with pytest.raises(CampaignError) as caught:
        await launch.launch(desk.office, "air-strikes", ADA, late=True)
    [problem] = caught.value.problems
    assert (problem.code, problem.place) == ("E_FAX_HEADER", "fax.header.number")
    assert await desk.deliveries() == []
    use(desk, HEADER)
    assert await launch.launch(desk.office, "air-strikes", ADA, late=True) == 1


async def test_mail_alone_needs_no_number(desk: Desk) -> None:
    use(desk, FaxHeader("", "Europe/Zurich"))
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    assert len(await desk.deliveries()) == 1


async def test_a_number_that_is_lost_after_the_launch_stops_the_route_and_spends_no_try(desk: Desk) -> None:
    use(desk, HEADER)
    await desk.launch([person("one", fax=FAX)], Policy.FAX)
    use(desk, FaxHeader("", "Europe/Zurich"))
    await desk.work()
    row = await desk.only()
    assert (row.state, row.cause, row.tries) == (State.QUEUED, Cause.ROUTE_PAUSED, 0)
    assert "E_FAX_HEADER" in row.detail
    assert arrived(desk) == []
    assert "simulator" in await review.paused_routes(desk.office)
    use(desk, HEADER)
    await desk.pass_time(minutes=5)
    assert len(arrived(desk)) == 1


async def test_a_page_without_room_for_the_line_stops_the_launch_of_faxes_alone(desk: Desk) -> None:
    use(desk, HEADER)
    people = [person("one", fax=FAX), person("two", email="mission@ardesia.example")]
    policies = (("two", Policy.EMAIL),)
    plan = (await desk.prepare(people, Policy.FAX, policy_by_contact=policies)).plan
    taken = Problem("contact two, fax page 1", "3 mm from the top: the text “Ref.” stands there", "", "W_LEGIBLE_STRIP")
    assert header_problems(desk.office, replace(plan, remarks=(taken,))) == []
    mine = replace(taken, place="contact one, fax page 1")
    assert [one.code for one in header_problems(desk.office, replace(plan, remarks=(mine,)))] == ["E_FAX_STRIP"]
    annex = replace(taken, place="attachment annex.pdf, fax page 1")
    assert [one.code for one in header_problems(desk.office, replace(plan, remarks=(annex,)))] == ["E_FAX_STRIP"]


async def test_fax_by_mail_carries_the_line_as_a_picture_in_a_pdf(desk: Desk, tmp_path: Path) -> None:
    use(desk, HEADER)
    channel = MailFaxChannel(Gateway("mailfax", "FAX={e164}@gateway.example"), [desk.rogue.relay()])
    desk.office = replace(
        desk.office,
        channels={**desk.office.channels, "mailfax": channel},
        outgoing={**desk.office.outgoing, Kind.FAX: "mailfax"},
    )
    desk.worker = Worker(desk.office, name=desk.worker.name)
    try:
        await desk.launch([person("one", fax=FAX)], Policy.FAX)
        await desk.work()
    finally:
        await channel.aclose()
    row = await desk.only()
    [attempt] = (await desk.story(row.id)).attempts
    message = message_from_bytes(await desk.office.archive.get(attempt.sent_digest), policy=modern)
    [attached] = list(message.iter_attachments())
    document = pypdfium2.PdfDocument(attached.get_content())
    [picture] = list(document[0].get_objects())
    shown = picture.get_bitmap().to_pil().convert("L")
    document.close()
    with Image.open(io.BytesIO(stamp(await approved_pages(desk, row.letter), words_from(attempt.facts)))) as page:
        assert ImageChops.difference(shown, page.convert("L")).getbbox() is None


@pytest.mark.parametrize(("who", "prints"), [("ours", False), ("gateway", True)])
def test_the_settings_say_who_prints_the_line_of_faxes_by_mail(who: str, prints: bool) -> None:
    given: dict[str, object] = {
        "mail.relays": [{"name": "main", "host": "127.0.0.1", "port": 25, "security": "none"}],
        "fax.mailfax": {"enabled": True, "domain": "gateway.example", "header": who},
    }
    channel = PROVIDERS["mailfax"](load(None, {}, given), SystemClock())
    assert channel is not None
    assert channel.abilities.prints_header is prints


def test_a_tariff_of_the_settings_is_one_of_the_estimate() -> None:
    assert set(settings_fax.Tariff.model_fields) == set(Tariff.__slots__)
