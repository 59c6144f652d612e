"""The vendor's own SDK and our Telnyx agree: each takes what the other sends, and one signature holds for both."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from contract.http_stage import ENDINGS
from contract.stage import Case, Leave, parcel
from contract.test_telnyx import TelnyxStage
from farend import openapi
from farend.doorstep import Doorstep
from farend.telnyx import CONNECTION, KEY, NUMBER, Telnyx
from telnyx import AsyncTelnyx, AuthenticationError, NotFoundError, RateLimitError, UnprocessableEntityError
from telnyx import Telnyx as Client

from dispatcher.domain.words import Kind, Verdict


@pytest.fixture
async def stage() -> AsyncIterator[TelnyxStage]:
    vendor = Telnyx(lambda: stage.now)
    door = Doorstep(lambda: stage.now, "/callbacks/telnyx")
    async with vendor.server, door.server:
        stage = TelnyxStage(vendor, door)
        yield stage
        await stage.channel.aclose()


@pytest.fixture
async def sdk(stage: TelnyxStage) -> AsyncIterator[AsyncTelnyx]:
    async with AsyncTelnyx(api_key=KEY, base_url=stage.vendor.url, max_retries=0) as client:
        yield client


async def test_what_we_send_the_sdk_finds_and_reads(
    stage: TelnyxStage, sdk: AsyncTelnyx, fax_pages: Callable[[int], bytes]
) -> None:
    letter = parcel(Kind.FAX, await stage.address_for(Case.TAKES), fax_pages(3))
    sent = await stage.channel.send(letter, Leave(stage))
    one = (await sdk.faxes.retrieve(sent.ref)).data
    assert one is not None
    assert (one.to, one.from_, one.status, one.media_name) == (letter.address, NUMBER, "sending", "attempt-1")
    listed = [fax async for fax in await sdk.faxes.list(filter={"to": {"eq": letter.address}})]
    assert [fax.id for fax in listed] == [sent.ref]
    await stage.let_end()
    assert (await sdk.faxes.retrieve(sent.ref)).data.status == "delivered"  # type: ignore[union-attr]


async def test_what_the_sdk_sends_is_taken_and_found_by_us(
    stage: TelnyxStage, sdk: AsyncTelnyx, fax_pages: Callable[[int], bytes]
) -> None:
    stage.vendor.media["attempt-7"] = fax_pages(2)
    made = await sdk.faxes.create(
        connection_id=CONNECTION,
        from_=NUMBER,
        to=await stage.address_for(Case.TAKES),
        media_name="attempt-7",
        client_state="YXR0ZW1wdC03LzI=",
        quality="high",
    )
    assert made.data is not None
    told = await stage.channel.ask("attempt-7", "")
    assert (told.verdict, told.ref) == (Verdict.ACCEPTED, made.data.id)
    assert stage.vendor.faults == []


async def test_its_errors_are_the_sdks_errors(
    stage: TelnyxStage, sdk: AsyncTelnyx, fax_pages: Callable[[int], bytes]
) -> None:
    stage.vendor.media["m"] = fax_pages(1)
    for case, error in ((Case.REFUSES, UnprocessableEntityError), (Case.TOO_MANY, RateLimitError)):
        with pytest.raises(error):
            await sdk.faxes.create(
                connection_id=CONNECTION, from_=NUMBER, to=f"+131255501{ENDINGS[case]}", media_name="m"
            )
    with pytest.raises(NotFoundError):
        await sdk.faxes.retrieve("0ccc7b54-4df3-4bca-a65a-3da1ecc777f0")
    stage.vendor.let_in = False
    with pytest.raises(AuthenticationError):
        await sdk.faxes.list()


async def test_the_sdk_verifies_our_signed_webhooks_and_refuses_what_we_refuse(
    stage: TelnyxStage, fax_pages: Callable[[int], bytes]
) -> None:
    stage.now = datetime.now(UTC)  # the SDK has no clock to hand
    letter = parcel(Kind.FAX, await stage.address_for(Case.TAKES), fax_pages(3))
    await stage.channel.send(letter, Leave(stage))
    stage.vendor.faxes[0].created = stage.now.replace(year=2020)
    await stage.vendor.pump()
    (notice,) = stage.door.notices
    with Client(api_key=KEY, base_url=stage.vendor.url, public_key=_text(stage.vendor.public_key)) as client:
        event = client.webhooks.unwrap(notice.body.decode(), headers=notice.headers)
        assert event.data.payload.page_count == 3  # type: ignore[union-attr]
        (report,) = await stage.channel.hear(notice)
        assert report.event_id == event.data.id  # type: ignore[union-attr]
        for body in (notice.body + b" ", json.dumps({}).encode()):
            with pytest.raises(ValueError, match="Signature verification failed"):
                client.webhooks.unwrap(body.decode(), headers=notice.headers)


def test_the_vendors_description_lies_beside_this_checkout() -> None:
    description = openapi.telnyx()
    if description is None:
        pytest.skip(f"{openapi.TELNYX.name} is not beside this checkout; our Telnyx is held to the SDK alone")
    assert description.faults("/components/schemas/SendFaxRequest", {"to": "+1", "from": "+2"})
    good = {"to": "+1", "from": "+2", "connection_id": "3", "quality": "high"}
    assert description.faults("/components/schemas/SendFaxRequest", good) == []
    assert description.faults("/components/schemas/SendFaxRequest", {**good, "quality": "best"})
    assert description.faults("/components/schemas/Fax", {"status": "lost"})


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
