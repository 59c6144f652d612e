"""Fault: somebody who is not the gateway calls our callback door. Nothing changes, whatever is sent."""

from __future__ import annotations

import json

import httpx2
import pytest
from desk.desk import Desk, person

from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.tokens import sign_callback
from dispatcher.domain.words import Policy, State, Verdict
from dispatcher.usecases.hear import Heard, take


async def _accepted(desk: Desk) -> str:
    await desk.launch([person("one", fax="+442079460064")], Policy.FAX)
    await desk.work()
    fax = await desk.only()
    assert fax.state is State.ACCEPTED
    return fax.id


def _claim(fax_id: str) -> bytes:
    """What the gateway itself would say; only the signature can tell that it did not."""
    facts = {"id": "f1", "reference": f"{fax_id}.1", "status": "delivered", "code": "ok"}
    return json.dumps({"event_id": "e1", **facts, "pages_confirmed": 1, "pages_total": 1}).encode()


async def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.post(url, content=body, headers=headers)).status_code


async def test_the_same_callback_is_taken_when_the_gateway_signed_it(desk: Desk) -> None:
    fax_id = await _accepted(desk)
    headers, body = desk.gateway.signed(json.loads(_claim(fax_id)))
    assert await _post(desk.callback_url, body, headers) == 200
    assert (await desk.get(fax_id)).state is State.DELIVERED


@pytest.mark.parametrize("secret", [b"some other secret", b"a key to rehearse with!"])
async def test_a_forged_signature_changes_nothing(desk: Desk, secret: bytes) -> None:
    fax_id = await _accepted(desk)
    body, stamp = _claim(fax_id), str(int(desk.clock.now().timestamp()))
    headers = {"x-simulator-timestamp": stamp, "x-simulator-signature": sign_callback(secret, stamp, body)}
    assert await _post(desk.callback_url, body, headers) == 401
    assert await _post(desk.callback_url, body, {}) == 401
    assert (await desk.get(fax_id)).state is State.ACCEPTED
    assert (await desk.story(fax_id)).evidence == []


async def test_an_old_callback_replayed_changes_nothing(desk: Desk) -> None:
    fax_id = await _accepted(desk)
    headers, body = desk.gateway.signed(json.loads(_claim(fax_id)))
    desk.clock.turn(minutes=6)
    assert await _post(desk.callback_url, body, headers) == 401
    assert (await desk.get(fax_id)).state is State.ACCEPTED


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"event": 7}', b"\x00\xff" * 50, b'{"a":' * 5000])
async def test_garbage_with_a_good_signature_changes_nothing(desk: Desk, body: bytes) -> None:
    fax_id = await _accepted(desk)
    stamp = str(int(desk.clock.now().timestamp()))
    secret = b"a key to rehearse with"
    headers = {"x-simulator-timestamp": stamp, "x-simulator-signature": sign_callback(secret, stamp, body)}
    assert await _post(desk.callback_url, body, headers) in (400, 401, 422)
    assert (await desk.get(fax_id)).state is State.ACCEPTED


async def test_a_huge_body_and_an_unknown_channel_are_refused(desk: Desk) -> None:
    fax_id = await _accepted(desk)
    assert await _post(desk.callback_url, b"x" * 300_000, {}) == 413
    assert await _post(desk.callback_url.replace("simulator", "nobody"), b"{}", {}) == 404
    assert (await desk.get(fax_id)).state is State.ACCEPTED


async def test_another_channels_word_on_a_letter_is_only_kept(desk: Desk) -> None:
    """A gateway with a good key may speak of its own letters alone."""
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    await desk.work()
    email = await desk.only()
    heard = await take(desk.office, Report(f"{email.id}.1", "e1", Outcome(Verdict.DELIVERED)), "channel:simulator")
    assert heard is Heard.IGNORED
    assert (await desk.get(email.id)).state is State.ACCEPTED
