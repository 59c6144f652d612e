"""The simulator channel keeps the contract, against the gateway of the rehearsal room over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from contract.stage import NOON, Case, Lacks, Leave, Taken, parcel
from contract.suite import ChannelContract

from dispatcher.channels.base import Notice, Parcel
from dispatcher.channels.posting import NOTICE_LIMIT
from dispatcher.channels.simulator import CODES, REFUSALS, SimulatorChannel
from dispatcher.domain.errors import NoticeRejected
from dispatcher.domain.tokens import sign_callback
from dispatcher.domain.words import Cause, Kind, Verdict
from dispatcher.rehearsal.exchange import CALLS, SCRIPTS, Door
from dispatcher.rehearsal.gateway import Gateway

SECRET = b"a key to rehearse with"
NUMBERS = {
    Case.TAKES: "+442079460000",
    Case.REFUSES: "+442079460041",
    Case.PASSES: "+442079460044",
    Case.SILENT: "+442079460052",
    Case.DROPS_AFTER: "+442079460053",
    Case.AWAY: "+442079460000",
    Case.ODD: "+442079460046",
    Case.SHORT: "+442079460033",
    Case.ODD_LATER: "+442079460034",
    Case.BUSY_LATER: "+442079460022",
    Case.TWICE: "+442079460061",
    Case.TOO_MANY: "+442079460044",
    Case.BACKWARDS: "+442079460063",
    Case.NEVER_CALLS: "+442079460064",
    Case.GONE: "+442079460000",
}


class Doorstep:
    """Where callbacks come in: a loopback server that keeps them as notices."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.notices.append(Notice(headers, await reader.readexactly(int(headers["content-length"])), NOON))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()


class SimulatorStage:
    """The gateway, a door for its callbacks, and the channel between them."""

    def __init__(self, gateway: Gateway, door: Doorstep, callback_url: str) -> None:
        self.gateway, self.door, self.now = gateway, door, NOON
        self.callback_url = callback_url
        self.channel = self.another()

    def another(self) -> SimulatorChannel:
        return SimulatorChannel(self.gateway.url, SECRET, self.callback_url, timeout=0.5, now=lambda: self.now)

    async def address_for(self, case: Case) -> str:
        if case is Case.NO_KEY:
            raise Lacks("it has no key of its own: it says so by the number, which is tested apart")
        if case is Case.EARLY:
            raise Lacks("it calls back after it has answered")
        if case in (Case.AWAY, Case.GONE):
            await self.gateway.stop()
        return NUMBERS[case]

    def name_of(self, letter: Parcel) -> str:
        return letter.attempt_id

    def taken(self) -> list[Taken]:
        return [Taken(entry["reference"], entry["sha256"]) for entry in self.gateway.taken()]

    def break_off(self) -> None:
        self.gateway.cut()

    async def notices(self) -> list[Notice]:
        while instant := self.gateway.next_event():
            self.now = max(self.now, instant)
            await self.gateway.pump()
        return self.door.notices

    async def let_end(self) -> None:
        self.now += timedelta(hours=1)

    def lie(self, genuine: Notice) -> Notice:
        return genuine

    def forge(self, body: bytes) -> Notice:
        stamp = str(int(self.now.timestamp()))
        headers = {"x-simulator-timestamp": stamp, "x-simulator-signature": sign_callback(SECRET, stamp, body)}
        return Notice(headers, body, self.now)


class TestSimulator(ChannelContract):
    kind = Kind.FAX

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[SimulatorStage]:
        door = Doorstep()
        server = await asyncio.start_server(door.listen, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callbacks/simulator"

        def clock() -> datetime:
            return stage.now

        async with server, Gateway(tmp_path / "ledger.jsonl", clock, SECRET) as gateway:
            stage = SimulatorStage(gateway, door, url)
            yield stage

    @pytest.mark.parametrize(
        ("ending", "verdict", "cause", "pause"),
        [
            ("41", Verdict.REFUSED, Cause.FAX_BAD_NUMBER, ""),
            ("42", Verdict.UNSENT, Cause.FAX_NO_CREDIT, "simulator"),
            ("43", Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED, "simulator"),
            ("45", Verdict.UNKNOWN, Cause.FAX_NO_ANSWER_AFTER_SUBMIT, ""),
        ],
    )
    async def test_a_refusal_says_whose_matter_it_is(
        self, stage: SimulatorStage, ending: str, verdict: Verdict, cause: Cause, pause: str
    ) -> None:
        letter = parcel(Kind.FAX, f"+4420794600{ending}", self.document)
        outcome = await stage.channel.send(letter, Leave(stage))
        assert (outcome.verdict, outcome.cause, outcome.pause_route) == (verdict, cause, pause)

    async def test_a_connection_cut_before_the_fax_is_read_is_known_or_can_be_cleared(
        self, stage: SimulatorStage
    ) -> None:
        letter = parcel(Kind.FAX, "+442079460054", self.document)
        outcome = await stage.channel.send(letter, Leave(stage))
        if outcome.verdict is Verdict.UNKNOWN:  # the body left before the news of the cut came in
            outcome = await stage.channel.ask(letter.attempt_id, "")
        assert outcome.verdict in (Verdict.UNSENT, Verdict.DEFERRED)
        assert stage.taken() == []

    @pytest.mark.parametrize(
        ("status", "verdict", "cause"),
        [
            (401, Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
            (413, Verdict.REFUSED, Cause.CONTENT_INVALID),
            (418, Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
            (503, Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
            (202, Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
        ],
    )
    async def test_an_answer_before_the_body_is_read_and_no_body_leaves(
        self, stage: SimulatorStage, status: int, verdict: Verdict, cause: Cause
    ) -> None:
        answered, after_the_head = asyncio.Event(), asyncio.Queue[bytes]()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: 12\r\n\r\n".encode())
            writer.write(b'{"id":"f-1"}')
            answered.set()
            after_the_head.put_nowait(await reader.read())
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            channel = SimulatorChannel(url, SECRET, "", timeout=2, now=lambda: NOON)
            outcome = await channel.send(parcel(Kind.FAX, "+442079460000", self.document), Leave(stage, gate=answered))
            await channel.aclose()
        assert (outcome.verdict, outcome.cause) == (verdict, cause)
        assert await after_the_head.get() == b""

    @pytest.mark.parametrize("ending", ["45", "46"])
    async def test_a_doubt_about_what_was_never_taken_is_cleared_by_asking(
        self, stage: SimulatorStage, ending: str
    ) -> None:
        letter = parcel(Kind.FAX, f"+4420794600{ending}", self.document)
        assert (await stage.channel.send(letter, Leave(stage))).verdict is Verdict.UNKNOWN
        assert (await stage.channel.ask(letter.attempt_id, "")).verdict is Verdict.DEFERRED

    async def test_a_gateway_that_is_away_spends_no_try_and_rests(self, stage: SimulatorStage) -> None:
        letter, leave = parcel(Kind.FAX, await stage.address_for(Case.AWAY), self.document), Leave(stage)
        outcome = await stage.channel.send(letter, leave)
        assert (outcome.verdict, outcome.pause_route) == (Verdict.UNSENT, "simulator")
        assert leave.asked_for == []

    @pytest.mark.parametrize(
        ("ending", "verdict", "cause", "pages"),
        [
            ("31", Verdict.DEFERRED, Cause.FAX_PARTIAL, 1),
            ("32", Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE, 2),
            ("24", Verdict.DEFERRED, Cause.FAX_VOICE, 0),
        ],
    )
    async def test_a_line_that_is_lost_is_tried_again_unless_the_last_page_was_sent(
        self, stage: SimulatorStage, ending: str, verdict: Verdict, cause: Cause, pages: int
    ) -> None:
        await stage.channel.send(parcel(Kind.FAX, f"+4420794600{ending}", self.document), Leave(stage))
        (report,) = await stage.channel.hear((await stage.notices())[-1])
        told = report.outcome
        assert (told.verdict, told.cause, told.pages) == (verdict, cause, pages)

    async def test_a_failure_after_every_page_was_confirmed_is_a_doubt(self, stage: SimulatorStage) -> None:
        body = b'{"event_id":"e","reference":"a","status":"failed","code":"busy","pages_confirmed":3,"pages_total":3}'
        (report,) = await stage.channel.hear(stage.forge(body))
        assert (report.outcome.verdict, report.outcome.cause) == (Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE)

    @pytest.mark.parametrize(
        "facts", ["", ',"pages_confirmed":true,"pages_total":1', ',"pages_confirmed":0,"pages_total":0']
    )
    async def test_the_word_alone_is_no_proof(self, stage: SimulatorStage, facts: str) -> None:
        body = f'{{"event_id":"e","reference":"a","status":"delivered","code":"ok"{facts}}}'.encode()
        (report,) = await stage.channel.hear(stage.forge(body))
        assert (report.outcome.verdict, report.outcome.cause) == (Verdict.UNKNOWN, Cause.FAX_NO_PROOF)

    async def test_a_callback_that_is_too_long_is_rejected(self, stage: SimulatorStage) -> None:
        body = b'{"event_id":"e","reference":"a","code":"busy"}'
        assert await stage.channel.hear(stage.forge(body.ljust(NOTICE_LIMIT)))
        with pytest.raises(NoticeRejected, match="too long"):
            await stage.channel.hear(stage.forge(body.ljust(NOTICE_LIMIT + 1)))


def test_the_channel_knows_every_code_but_those_that_nobody_has_heard_of() -> None:
    said = {call.said or code for code, call in CALLS.items()}
    refused = {script.code for script in SCRIPTS.values() if script.door is Door.REFUSES and script.status < 500}
    assert said - CODES.keys() == {"E4711"}
    assert refused - REFUSALS.keys() == {"E4712"}


def test_an_adapter_cannot_change_the_contract() -> None:
    with pytest.raises(TypeError, match="test_a_passing_failure_is_deferred"):
        type("Cheat", (ChannelContract,), {"test_a_passing_failure_is_deferred": lambda self: None})
