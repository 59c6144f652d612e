"""Letters through the gateways over HTTP, from launch to proof: the real worker, the real door, a vendor on loopback.

What the contract says of a channel is one half; this is what becomes of the letter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest
from desk.desk import Desk, open_desk, person
from farend.sinch import KEY as SINCH_KEY
from farend.sinch import PROJECT, SECRET, Sinch
from farend.telnyx import CONNECTION, KEY, NUMBER, Telnyx
from farend.vendor import CALL, Vendor

from dispatcher.channels.base import Channel
from dispatcher.channels.sinch import Account as SinchAccount
from dispatcher.channels.sinch import SinchChannel
from dispatcher.channels.telnyx import Account as TelnyxAccount
from dispatcher.channels.telnyx import TelnyxChannel
from dispatcher.domain.words import Cause, Kind, Policy, RouteState, State
from dispatcher.store import routes
from dispatcher.usecases.database import upgrade_database


@dataclass
class Scene:
    """An office whose faxes go to one vendor."""

    desk: Desk
    vendor: Vendor
    name: str

    async def send(self, ending: str) -> str:
        await self.desk.launch([person("one", fax=f"+131255501{ending}")], Policy.FAX)
        await self.desk.work()
        return (await self.desk.only()).id

    async def over(self) -> None:
        """The call is over, and the vendor calls back."""
        self.desk.clock.turn(seconds=CALL.total_seconds())
        await self.vendor.pump()

    async def closed(self) -> bool:
        found = await self.desk.office.store.read(routes.every)
        return self.name in found and found[self.name].state is RouteState.CLOSED


def _telnyx(vendor: Telnyx, door: str) -> Channel:
    account = TelnyxAccount(KEY, vendor.public_key, CONNECTION, NUMBER)
    return TelnyxChannel(account, door, url=vendor.url, timeout=2, now=vendor.now)


def _sinch(vendor: Vendor, door: str) -> Channel:
    return SinchChannel(
        SinchAccount(PROJECT, SINCH_KEY, SECRET), door, url=vendor.server.url, timeout=2, now=vendor.now
    )


@pytest.fixture(params=["telnyx", "sinch"])
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    name: str = request.param
    url = f"sqlite+aiosqlite:///{tmp_path / 'office.db'}"
    upgrade_database(url)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(open_desk(url, tmp_path))
        vendor: Vendor = Telnyx(desk.clock.now) if name == "telnyx" else Sinch(desk.clock.now)
        await stack.enter_async_context(vendor.server)
        door = desk.callback_url.replace("simulator", name)
        channel = _telnyx(vendor, door) if isinstance(vendor, Telnyx) else _sinch(vendor, door)
        stack.push_async_callback(channel.aclose)
        assert isinstance(desk.office.channels, dict)
        desk.office.channels[name] = channel  # the door knows it too
        desk.office = replace(desk.office, outgoing={Kind.FAX: name})
        desk.worker = desk.another_worker("two")
        yield Scene(desk, vendor, name)
        assert vendor.faults == []  # type: ignore[attr-defined]


async def test_a_letter_is_called_once_and_proven_by_the_callback(scene: Scene) -> None:
    fax_id = await scene.send("00")
    assert (await scene.desk.get(fax_id)).state is State.ACCEPTED
    await scene.over()
    delivered = await scene.desk.get(fax_id)
    assert (delivered.state, len(scene.vendor.faxes)) == (State.DELIVERED, 1)
    assert scene.vendor.faxes[0].reference == f"{fax_id}.1"


async def test_without_any_callback_asking_brings_the_proof_in_time(scene: Scene) -> None:
    fax_id = await scene.send("64")
    await scene.over()
    assert (await scene.desk.get(fax_id)).state is State.ACCEPTED
    for _ in range(30):
        await scene.desk.pass_time(minutes=10)
        if (await scene.desk.get(fax_id)).state is State.DELIVERED:
            break
    assert (await scene.desk.get(fax_id)).state is State.DELIVERED
    assert len(scene.vendor.faxes) == 1


async def test_an_answer_that_was_lost_is_a_doubt_until_asking_clears_it(scene: Scene) -> None:
    fax_id = await scene.send("53")
    doubtful = await scene.desk.get(fax_id)
    assert (doubtful.state, doubtful.cause) == (State.IN_DOUBT, Cause.FAX_NO_ANSWER_AFTER_SUBMIT)
    for _ in range(12):
        await scene.desk.pass_time(minutes=10)
    assert (await scene.desk.get(fax_id)).state in (State.ACCEPTED, State.DELIVERED)
    assert len(scene.vendor.faxes) == 1


async def test_news_in_the_wrong_order_ends_where_the_letter_is(scene: Scene) -> None:
    fax_id = await scene.send("63")
    await scene.over()
    assert (await scene.desk.get(fax_id)).state is State.DELIVERED


async def test_news_before_the_answer_moves_the_letter_once(scene: Scene) -> None:
    fax_id = await scene.send("65")
    assert (await scene.desk.get(fax_id)).state is State.DELIVERED
    story = await scene.desk.story(fax_id)
    assert len(story.attempts) == 1
    assert len(scene.vendor.faxes) == 1


async def test_a_busy_line_is_called_again_and_late_success_of_the_first_try_stops_it(scene: Scene) -> None:
    fax_id = await scene.send("22")
    await scene.over()
    waiting = await scene.desk.get(fax_id)
    assert (waiting.state, waiting.cause) == (State.DEFERRED, Cause.FAX_BUSY)
    first = scene.vendor.faxes[0]
    first.fate, first.calls_left = replace(first.fate, end=type(first.fate.end).WHOLE), ["end"]
    if isinstance(scene.vendor, Telnyx):
        first.id = "0ccc7b54-4df3-4bca-a65a-3da1ecc777f0"  # news of its own: Telnyx names events by fax
    await scene.vendor.pump()
    assert (await scene.desk.get(fax_id)).state is (State.DELIVERED)
    await scene.desk.pass_time(hours=3)
    assert len(scene.vendor.faxes) == 1


async def test_a_key_that_is_not_good_closes_the_gateway_and_spends_no_try(scene: Scene) -> None:
    scene.vendor.let_in = False
    fax_id = await scene.send("00")
    waiting = await scene.desk.get(fax_id)
    assert (waiting.state, waiting.tries) == (State.QUEUED, 0)
    assert await scene.closed()
    assert scene.vendor.faxes == []
    scene.vendor.let_in = True
    for _ in range(12):
        await scene.desk.pass_time(minutes=10)
    assert (await scene.desk.get(fax_id)).state in (State.ACCEPTED, State.DELIVERED)
    assert len(scene.vendor.faxes) == 1


async def test_too_many_waits_as_long_as_it_is_asked_to(scene: Scene) -> None:
    fax_id = await scene.send("44")
    waiting = await scene.desk.get(fax_id)
    assert waiting.state is State.DEFERRED
    assert waiting.due is not None
    assert (waiting.due - scene.desk.clock.now()).total_seconds() >= 90


async def test_a_callback_with_all_pages_in_it_is_heard_and_a_stranger_is_not(scene: Scene) -> None:
    fax_id = await scene.send("64")
    fax = scene.vendor.faxes[0]
    scene.desk.clock.turn(minutes=5)
    async with httpx2.AsyncClient(trust_env=False, verify=False) as client:
        strange = await client.post(f"{fax.callback}0", content=b"{}")
        headers, body = scene.vendor.callback(fax, "end")
        told = await client.post(
            fax.callback, content=body.rstrip(b"}") + b'},"files":[' + b" " * 400_000, headers=headers
        )
    assert strange.status_code in (401, 404)
    if scene.name == "sinch":
        assert told.status_code == 200
        assert (await scene.desk.get(fax_id)).state is State.DELIVERED
    else:
        assert told.status_code == 413
        assert (await scene.desk.get(fax_id)).state is State.ACCEPTED
