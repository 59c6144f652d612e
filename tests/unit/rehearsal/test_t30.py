"""Calls over the telephone line in software: what arrives, and what the calling machine can know of it."""

from __future__ import annotations

import io
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from PIL import Image, ImageChops

from dispatcher.letters import tiff
from dispatcher.rehearsal import t30, telephone
from dispatcher.rehearsal.exchange import CALLS, SCRIPTS, Exchange, Fax
from dispatcher.rehearsal.gateway import Gateway
from dispatcher.rehearsal.ledger import Ledger
from dispatcher.rehearsal.t30 import FarEnd, Line

pytestmark = pytest.mark.skipif(not t30.is_here(), reason="libspandsp 2 is not installed (Debian: libspandsp2)")

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
#: Completion codes (t30.h): no tone, no such resolution, no reply to the training, no reply to a page, call dropped.
NO_TONE, NO_RESOLUTION, NO_TRAINING, NO_REPLY, DROPPED = 2, 11, 20, 21, 49


def page(number: int, height: int = 60) -> Image.Image:
    """Like nothing else, dot for dot, and so dense that it takes its time."""
    return Image.frombytes("1", (tiff.WIDTH, height), random.Random(number).randbytes(tiff.WIDTH * height // 8))


PAGES = [page(number) for number in (1, 2, 3)]
THREE = tiff.write(PAGES)


def pages_in(document: bytes) -> list[Image.Image]:
    """Black on white, whatever the file calls black."""
    found = []
    with Image.open(io.BytesIO(document)) as file:
        for number in range(getattr(file, "n_frames", 1)):
            file.seek(number)
            found.append(file.convert("1"))
    return found


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and ImageChops.difference(one.convert("L"), other.convert("L")).getbbox() is None


def test_every_dot_arrives() -> None:
    heard = t30.call(THREE, FarEnd(station="+41 22 733 1234"), Line())
    assert (heard.code, heard.says, heard.pages, heard.pages_received) == (0, "OK", 3, 3)
    assert (heard.station, heard.ecm, heard.rate) == ("+41 22 733 1234", True, 14400)
    arrived = pages_in(heard.received)
    assert len(arrived) == 3
    assert all(same(one, other) for one, other in zip(arrived, PAGES, strict=True))
    assert not same(arrived[0], PAGES[1])  # the comparison sees a difference


def test_a_slow_machine_takes_longer() -> None:
    quick, slow = (t30.call(THREE, FarEnd(slow=slow), Line()) for slow in (False, True))
    assert (slow.code, slow.rate) == (0, 9600)
    assert slow.seconds > quick.seconds


def test_error_correction_mends_what_noise_breaks_and_without_it_nobody_is_told() -> None:
    noise = Line(noise=(20.0, 21.0, -10.0))
    mended, broken = (t30.call(THREE, FarEnd(ecm=ecm), noise) for ecm in (True, False))
    assert (mended.code, mended.pages, broken.code, broken.pages) == (0, 3, 0, 3)
    assert all(same(one, other) for one, other in zip(pages_in(mended.received), PAGES, strict=True))
    assert not all(same(one, other) for one, other in zip(pages_in(broken.received), PAGES, strict=True))


def test_a_machine_of_standard_resolution_takes_no_fine_page() -> None:
    heard = t30.call(THREE, FarEnd(fine=False), Line())
    assert (heard.code, heard.pages, heard.pages_received, heard.received) == (NO_RESOLUTION, 0, 0, b"")


def test_a_person_sends_no_tone() -> None:
    heard = t30.call(THREE, FarEnd(is_fax=False), Line())
    assert (heard.code, heard.pages, heard.station) == (NO_TONE, 0, "")
    assert heard.seconds > 55  # T.30's T0


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_call_that_is_cut_confirms_the_pages_before(number: int) -> None:
    heard = t30.call(THREE, FarEnd(), Line(cut_in_page=number))
    assert (heard.code, heard.pages) == (DROPPED, number - 1)


def test_when_the_last_reply_is_lost_the_far_machine_may_have_everything() -> None:
    heard = t30.call(THREE, FarEnd(), Line(dead_after_last_page=True))
    assert (heard.code, heard.pages, heard.pages_received) == (NO_REPLY, 2, 3)
    assert same(pages_in(heard.received)[2], PAGES[2])


def test_a_machine_that_hangs_up_after_a_page_may_hold_one_more_than_it_confirmed() -> None:
    heard = t30.call(THREE, FarEnd(takes_pages=1), Line())
    assert heard.code == DROPPED
    assert heard.pages <= heard.pages_received == 1


# -- behind the numbers of the exchange --------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [name for name, one in SCRIPTS.items() if one.code in telephone.SCENES] + ["00"])
def test_the_line_comes_to_what_the_table_says(ending: str, tmp_path: Path) -> None:
    number = f"+4420794600{ending}"
    acted = Exchange(Ledger(tmp_path / "acted"), tmp_path / "acted-faxes", lambda: NOON)
    made = Exchange(Ledger(tmp_path / "made"), tmp_path / "made-faxes", lambda: NOON)
    made.take("first", number, "", THREE)  # some numbers differ at the first call
    acted.take("first", number, "", THREE)
    code = made.code_for(number)
    real = made.take("again", number, "", THREE, telephone.place(code, number, THREE))
    table = acted.take("again", number, "", THREE)
    assert real.heard is not None
    assert (real.code, real.confirmed) == (table.code, table.confirmed)
    if CALLS[real.code].status == "delivered" and not CALLS[real.code].said:
        assert real.heard.code == 0
    if real.script.ends:
        assert real.report(real.ends_at)["t30_code"] == real.heard.code


def test_what_was_heard_outlives_the_gateway(tmp_path: Path) -> None:
    def again() -> Exchange:
        return Exchange(Ledger(tmp_path / "ledger"), tmp_path / "faxes", lambda: NOON)

    fax = again().take("one", "+442079460000", "", THREE, telephone.place("ok", "+442079460000", THREE))
    known: Fax = again().faxes[fax.id]
    assert known.report(known.ends_at) == fax.report(fax.ends_at)
    assert len(pages_in((tmp_path / "faxes" / f"{fax.id}.received.tif").read_bytes())) == 3


async def test_the_gateway_makes_one_call_for_one_reference(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "ledger", lambda: NOON, b"secret", real_line=True)
    async with gateway, httpx2.AsyncClient(trust_env=False) as client:
        headers = {"x-fax-to": "+442079460000", "x-fax-reference": "one"}
        for _ in range(2):
            reply = await client.post(f"{gateway.url}/faxes", content=THREE, headers=headers)
            assert reply.status_code == 202
        voice = {"x-fax-to": "+442079460024", "x-fax-reference": "two"}
        await client.post(f"{gateway.url}/faxes", content=THREE, headers=voice)
    taken = [json.loads(line) for line in (tmp_path / "ledger").read_text().splitlines()]
    assert [(one["id"], one["heard"]["pages"]) for one in taken] == [("fax-000001", 3), ("fax-000002", 0)]
    first, second = (gateway.arrived(one) for one in gateway.taken())
    assert first is not None
    assert all(same(one, other) for one, other in zip(pages_in(first.read_bytes()), PAGES, strict=True))
    assert second is None
