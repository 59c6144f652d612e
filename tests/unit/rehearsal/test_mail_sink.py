"""The mail server of the rehearsal room: it does what the recipient's name says, and keeps what it takes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from dispatcher.rehearsal import sink as module
from dispatcher.rehearsal.ledger import Ledger
from dispatcher.rehearsal.sink import SCRIPTS, Sink

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LETTER = b"Message-ID: <a@foundation.example>\r\nSubject: x\r\n\r\nExcellency,\r\n.\r\n..two\r\n\xc3\xa9\r\n"


class Client:
    """Speaks SMTP by hand, so that the server is judged by the bytes alone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def reply(self) -> str:
        """The last line of a reply; '' when the connection has gone."""
        while line := (await self.reader.readline()).decode().strip():
            if line[3:4] != "-":
                return line
        return ""

    async def say(self, line: bytes) -> str:
        self.writer.write(line + b"\r\n")
        return await self.reply()

    async def letter(self, recipient: str) -> list[str]:
        """MAIL, RCPT, DATA and the letter; every reply until one is not as hoped for."""
        stuffed = LETTER.replace(b"\r\n.", b"\r\n..")
        steps = (b"MAIL FROM:<us@foundation.example>", f"RCPT TO:<{recipient}>".encode(), b"DATA", stuffed + b".")
        replies: list[str] = []
        for step in steps:
            replies.append(await self.say(step))
            if replies[-1][:1] not in ("2", "3"):
                break
        return replies


@pytest.fixture
async def sink(tmp_path: Path) -> AsyncIterator[Sink]:
    async with Sink(tmp_path / "mail.jsonl", lambda: NOON) as sink:
        yield sink


async def connected(port: int) -> Client:
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    assert (await client.reply()).startswith("220 sink.localhost")
    assert (await client.say(b"EHLO client.example")).startswith("250")
    return client


@pytest.fixture
async def client(sink: Sink) -> AsyncIterator[Client]:
    client = await connected(sink.port)
    yield client
    client.writer.transport.abort()


def test_the_table_at_the_head_of_the_file_is_the_table() -> None:
    rows = (module.__doc__ or "").split("\n\n")[-1].splitlines()
    assert [row.split()[0] for row in rows if row.strip()] == [*SCRIPTS, "other"]


async def test_a_letter_is_kept_byte_for_byte_and_in_the_ledger(sink: Sink, client: Client) -> None:
    for recipient in ("mission@geneva.example", "O'Brien+x@geneva.example"):
        assert (await client.letter(recipient))[-1].startswith("250 2.0.0 Ok: queued as 00000")
    first, second = sink.taken()
    assert (sink.outbox / first["file"]).read_bytes() == LETTER
    assert first["sha256"] == hashlib.sha256(LETTER).hexdigest()
    assert (first["message_id"], first["rcpt"]) == ("<a@foundation.example>", "mission@geneva.example")
    assert second["file"] == "000002.O_Brien+x@geneva.example.eml"
    assert sorted(file.name for file in sink.outbox.iterdir()) == [first["file"], second["file"]]


@pytest.mark.parametrize("address", ["{}@mission.example", "mission@{}.example", "{}@MISSION.example"])
@pytest.mark.parametrize(
    ("name", "last", "taken"),
    [
        ("busy", "451 4.7.1", 0),
        ("full", "452 4.2.2", 0),
        ("unknown", "550 5.1.1", 0),
        ("blocked", "550 5.7.1", 0),
        ("gone", "", 0),
        ("unwanted", "554 5.6.0", 0),
        ("drop", "", 1),
        ("odd", "399", 1),
        ("friendly", "250", 1),
    ],
)
async def test_the_recipient_decides(
    sink: Sink, client: Client, address: str, name: str, last: str, taken: int
) -> None:
    replies: list[str] = []
    try:
        replies = await client.letter(address.format(name))
        assert replies[-1].startswith(last)
        assert bool(replies[-1]) is bool(last)
    except ConnectionError:
        assert last == ""
    assert len(sink.taken()) == taken


async def test_greylisting_lasts_one_try_per_address_and_through_a_new_start(tmp_path: Path) -> None:
    for expected in ("451", "250", "250"):
        async with Sink(tmp_path / "mail.jsonl", lambda: NOON) as sink:
            client = await connected(sink.port)
            assert (await client.letter("busy-once@mission.example"))[-1].startswith(expected)
            client.writer.transport.abort()
    assert [entry["id"] for entry in sink.taken()] == ["000001", "000002"]


async def test_silence_after_the_dot_lasts_until_the_connection_ends(sink: Sink, client: Client) -> None:
    answer = asyncio.create_task(client.letter("silent@mission.example"))
    done, _ = await asyncio.wait({answer}, timeout=0.2)
    assert not done
    assert len(sink.taken()) == 1
    await sink.stop()
    with contextlib.suppress(ConnectionError):
        assert (await answer)[-1] == ""
    client.writer.transport.abort()


def test_a_ledger_only_grows_and_forgets_nothing_but_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    Ledger(path).append(event="taken", name="é")
    Ledger(path).append(event="taken", name="b\n")
    with path.open("ab") as file:
        file.write(b'{"event":')
    assert [entry["name"] for entry in Ledger(path).entries()] == ["é", "b\n"]


@pytest.mark.parametrize("room", ["gateway", "sink"])
async def test_each_far_end_is_a_process_too(tmp_path: Path, room: str) -> None:
    (tmp_path / "secret").write_bytes(b"a key to rehearse with\n")
    secret = ("--secret-file", str(tmp_path / "secret")) if room == "gateway" else ()
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-W",
            "error",
            "-m",
            f"dispatcher.rehearsal.{room}",
            "--ledger",
            str(tmp_path / "l"),
            *secret,
        ),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    where = (await process.stdout.readline()).decode().strip()
    if room == "gateway":
        async with httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{where}/faxes?reference=x")).json() == {"faxes": []}
    else:
        client = await connected(int(where.partition(":")[2]))
        client.writer.transport.abort()
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
