"""The fax gateway of the rehearsal room: what it takes, what it says, and that its evidence is made of what came."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from dispatcher.domain.tokens import verify_callback
from dispatcher.rehearsal import gateway as module
from dispatcher.rehearsal.exchange import CALLS, SCRIPTS, Door
from dispatcher.rehearsal.gateway import SIGNATURE, TIMESTAMP, Gateway
from dispatcher.rehearsal.tiff import page_sizes

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = b"a key to rehearse with"
Pages = Callable[[int], bytes]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def leap(self, instant: datetime | None) -> None:
        assert instant is not None
        self.now = max(self.now, instant)


class Ear:
    """An HTTP server on loopback that keeps what it is sent, whole requests, and answers with `status`."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.status = 204

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
        self.heard.append((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(f"HTTP/1.1 {self.status} x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()

    def news(self) -> list[dict[str, object]]:
        return [json.loads(body) for _, body in self.heard]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(tmp_path: Path, clock: Clock) -> AsyncIterator[Gateway]:
    async with Gateway(tmp_path / "ledger.jsonl", clock, SECRET) as gateway:
        yield gateway


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def callback(ear: Ear) -> AsyncIterator[str]:
    server = await asyncio.start_server(ear.listen, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callbacks/simulator"


def head(number: str, reference: str = "a1", callback: str = "") -> dict[str, str]:
    return {"x-fax-to": number, "x-fax-reference": reference, "x-fax-callback": callback}


def test_the_table_at_the_head_of_the_file_is_the_table() -> None:
    text = module.__doc__ or ""
    for digits, script in SCRIPTS.items():
        assert f"{digits}  {script.says}" in text
    assert {script.code for script in SCRIPTS.values() if script.door is not Door.REFUSES} <= CALLS.keys()


async def test_evidence_is_made_of_the_bytes_that_came(
    gateway: Gateway, client: httpx2.AsyncClient, clock: Clock, fax_pages: Pages
) -> None:
    for pages in (1, 3):
        document, number = fax_pages(pages), f"+4420794600{pages:02}"
        taken = await client.post(f"{gateway.url}/faxes", content=document, headers=head(number, f"a{pages}"))
        assert taken.status_code == 202
        clock.now += timedelta(hours=1)
        said = (await client.get(f"{gateway.url}/faxes/{taken.json()['id']}")).json()
        assert (said["status"], said["pages_confirmed"], said["pages_total"]) == ("delivered", pages, pages)
        assert said["sha256"] == hashlib.sha256(document).hexdigest()
        assert said["duration_seconds"] == pytest.approx(sum(page_sizes(document)) * 8 / 9600, abs=0.001)
        assert said["station_id"] == number
        assert (gateway.folder / f"{taken.json()['id']}.tif").read_bytes() == document


async def test_a_fax_is_sending_until_its_pages_are_through(
    gateway: Gateway, client: httpx2.AsyncClient, clock: Clock, fax_pages: Pages
) -> None:
    await client.post(f"{gateway.url}/faxes", content=fax_pages(1), headers=head("+442079460000"))
    for instant, status in ((NOON, "sending"), (NOON + timedelta(minutes=5), "delivered")):
        clock.now = instant
        found = (await client.get(f"{gateway.url}/faxes", params={"reference": "a1"})).json()["faxes"]
        assert [fax["status"] for fax in found] == [status]


@pytest.mark.parametrize(
    ("ending", "codes", "confirmed"),
    [
        ("21", ["busy", "ok"], [0, 3]),
        ("22", ["busy", "busy"], [0, 0]),
        ("23", ["no_answer", "no_answer"], [0, 0]),
        ("24", ["voice", "voice"], [0, 0]),
        ("31", ["line_lost", "line_lost"], [1, 1]),
        ("32", ["lost_after_last_page", "lost_after_last_page"], [2, 2]),
        ("33", ["ok", "ok"], [2, 2]),
        ("34", ["E4711", "E4711"], [3, 3]),
    ],
)
async def test_the_number_decides_what_becomes_of_two_calls(
    gateway: Gateway,
    client: httpx2.AsyncClient,
    clock: Clock,
    fax_pages: Pages,
    ending: str,
    codes: list[str],
    confirmed: list[int],
) -> None:
    for reference in ("a1", "a2"):
        sent = await client.post(
            f"{gateway.url}/faxes", content=fax_pages(3), headers=head(f"+4420794600{ending}", reference)
        )
        assert sent.status_code == 202
    clock.now += timedelta(hours=1)
    said = [
        (await client.get(f"{gateway.url}/faxes", params={"reference": r})).json()["faxes"][0] for r in ("a1", "a2")
    ]
    assert [fax["code"] for fax in said] == codes
    assert [fax["pages_confirmed"] for fax in said] == confirmed


@pytest.mark.parametrize(
    ("ending", "status"), [("41", 422), ("42", 402), ("43", 401), ("44", 429), ("45", 503), ("46", 418)]
)
async def test_what_is_refused_is_not_in_the_ledger(
    gateway: Gateway, client: httpx2.AsyncClient, fax_pages: Pages, ending: str, status: int
) -> None:
    reply = await client.post(f"{gateway.url}/faxes", content=fax_pages(1), headers=head(f"+4420794600{ending}"))
    assert reply.status_code == status
    assert gateway.taken() == []


@pytest.mark.parametrize(
    "document", [b"", b"%PDF-1.7", b"II*\0", b"II*\0\x08\0\0\0\0\0\0\0\0\0", b"MM\0*\xff\xff\xff\xff"]
)
async def test_what_is_no_tiff_is_refused(gateway: Gateway, client: httpx2.AsyncClient, document: bytes) -> None:
    reply = await client.post(f"{gateway.url}/faxes", content=document, headers=head("+442079460000"))
    assert (reply.status_code, reply.json()["code"]) == (415, "bad_document")
    assert gateway.taken() == []


@pytest.mark.parametrize(("ending", "taken"), [("52", 1), ("53", 1), ("54", 0), ("55", 1)])
async def test_the_answer_fails_to_come_with_or_without_the_fax_in_the_ledger(
    gateway: Gateway, fax_pages: Pages, ending: str, taken: int
) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=0.2) as client:
        with pytest.raises((httpx2.ReadTimeout, httpx2.ReadError, httpx2.RemoteProtocolError, httpx2.WriteError)):
            await client.post(f"{gateway.url}/faxes", content=fax_pages(1), headers=head(f"+4420794600{ending}"))
    assert len(gateway.taken()) == taken


async def test_a_fax_that_breaks_off_is_not_taken(gateway: Gateway, fax_pages: Pages) -> None:
    reader, writer = await asyncio.open_connection(*gateway.url.removeprefix("http://").split(":"))
    lines = ("POST /faxes HTTP/1.1", "host: x", "x-fax-to: +442079460000", "x-fax-reference: a1", "content-length: 999")
    writer.write("\r\n".join((*lines, "", "")).encode() + fax_pages(1)[:50])
    writer.write_eof()
    await reader.read()
    writer.close()
    await writer.wait_closed()
    assert gateway.taken() == []


async def test_a_reference_that_is_known_is_the_same_fax_unless_dedupe_is_off(
    tmp_path: Path, clock: Clock, client: httpx2.AsyncClient, fax_pages: Pages
) -> None:
    for dedupe, count in ((True, 1), (False, 2)):
        async with Gateway(tmp_path / str(dedupe) / "ledger", clock, SECRET, dedupe=dedupe) as gateway:
            for _ in range(2):
                await client.post(f"{gateway.url}/faxes", content=fax_pages(1), headers=head("+442079460000"))
            assert len(gateway.taken()) == count
            assert len((await client.get(f"{gateway.url}/faxes?reference=a1")).json()["faxes"]) == count


@pytest.mark.parametrize(
    ("ending", "news"),
    [
        ("00", ["ok"]),
        ("51", []),
        ("52", ["ok"]),
        ("55", []),
        ("61", ["ok", "ok"]),
        ("62", ["ok"]),
        ("63", ["ok", "sending"]),
        ("64", []),
    ],
)
async def test_callbacks_come_when_the_clock_has_come_to_them(
    gateway: Gateway, clock: Clock, ear: Ear, callback: str, fax_pages: Pages, ending: str, news: list[str]
) -> None:
    fax = gateway.exchange.take("a1", f"+4420794600{ending}", callback, fax_pages(1))
    assert await gateway.pump() == 0
    assert ear.heard == []
    if news:
        clock.leap(gateway.next_event())
    assert await gateway.pump() == len(news)
    assert [said["code"] for said in ear.news()] == news
    assert gateway.next_event() is None
    assert (clock.now - NOON > gateway.exchange.late_by) is (ending == "62")
    assert len({(said["event_id"], said["code"]) for said in ear.news()}) == len(set(news))
    assert all(said["reference"] == fax.reference for said in ear.news())


async def test_a_callback_is_signed(gateway: Gateway, clock: Clock, ear: Ear, callback: str, fax_pages: Pages) -> None:
    gateway.exchange.take("a1", "+442079460000", callback, fax_pages(1))
    clock.leap(gateway.next_event())
    await gateway.pump()
    headers, body = ear.heard[0]
    assert verify_callback(SECRET, headers[TIMESTAMP], headers[SIGNATURE], body, clock.now)
    assert not verify_callback(SECRET[::-1], headers[TIMESTAMP], headers[SIGNATURE], body, clock.now)


async def test_a_callback_that_is_not_taken_comes_again_but_not_for_ever(
    gateway: Gateway, clock: Clock, ear: Ear, callback: str, fax_pages: Pages
) -> None:
    ear.status = 500
    gateway.exchange.take("a1", "+442079460000", callback, fax_pages(1))
    while gateway.next_event():
        clock.leap(gateway.next_event())
        assert await gateway.pump() == 0
    assert len(ear.heard) == gateway.exchange.most_tries


async def test_a_gateway_that_starts_again_knows_its_faxes_and_the_callbacks_it_owes(
    tmp_path: Path, clock: Clock, ear: Ear, callback: str, fax_pages: Pages
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    async with Gateway(ledger, clock, SECRET) as first:
        first.exchange.take("a1", "+442079460000", callback, fax_pages(2))
        clock.leap(first.next_event())
        await first.pump()
        first.exchange.take("a2", "+442079460021", callback, fax_pages(2))
    with ledger.open("ab") as file:
        file.write(b'{"event":"taken","id":')  # as a crash leaves it
    async with Gateway(ledger, clock, SECRET) as second:
        assert second.exchange.faxes == first.exchange.faxes
        clock.leap(second.next_event())
        assert await second.pump() == 1
    assert [said["reference"] for said in ear.news()] == ["a1", "a2"]
