"""The sinch channel keeps the contract, against a Sinch of ours that keeps to the vendor's description."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from contract.http_stage import HttpStage
from contract.stage import NOON, PAGES, Case, Leave, parcel
from contract.suite import ChannelContract
from farend.doorstep import Doorstep
from farend.sinch import KEY, PROJECT, SECRET, Sinch

from dispatcher.channels import posting, sinch
from dispatcher.channels.base import Notice, Try
from dispatcher.channels.sinch import Account, SinchChannel
from dispatcher.domain.errors import ChannelError, NoticeRejected
from dispatcher.domain.tokens import sign_hint
from dispatcher.domain.words import Cause, Kind, Verdict

ACCOUNT = Account(PROJECT, KEY, SECRET, "+13125550199")


class SinchStage(HttpStage):
    vendor: Sinch

    def channel_of(self, account: Account) -> SinchChannel:
        return SinchChannel(account, self.door.url, url=self.vendor.url, timeout=0.5, now=lambda: self.now)

    def another(self) -> SinchChannel:
        return self.channel_of(ACCOUNT)

    def forge(self, body: bytes) -> Notice:
        return Notice({}, body, self.now, extra={"token": sign_hint(SECRET, "sinch", "attempt-1")})

    def lie(self, genuine: Notice) -> Notice:
        body = json.loads(genuine.body)
        good = body["fax"]["status"] == "COMPLETED"
        body["fax"]["status"] = "FAILURE" if good else "COMPLETED"
        body["fax"] |= {"errorType": "CALL_ERROR", "errorCode": 17} if good else {"pagesSentSuccessfully": PAGES}
        return replace(genuine, body=json.dumps(body).encode())


class TestSinch(ChannelContract):
    kind = Kind.FAX

    @pytest.fixture
    async def stage(self) -> AsyncIterator[SinchStage]:
        vendor = Sinch(lambda: stage.now)
        door = Doorstep(lambda: stage.now, "/callbacks/sinch")
        async with vendor.server, door.server:
            stage = SinchStage(vendor, door)
            yield stage
        assert vendor.faults == []

    async def _ended(self, stage: SinchStage, end: dict[str, Any]) -> tuple[Verdict, Cause, int | None]:
        number = await stage.address_for(Case.TAKES)
        stage.vendor.ends[number] = {"status": "FAILURE", **end}
        await stage.channel.send(parcel(Kind.FAX, number, self.document), Leave(stage))
        await stage.let_end()
        told = await stage.channel.ask("attempt-1", "")
        return told.verdict, told.cause, told.pages

    async def test_sinch_never_dials_twice_and_prints_nothing_of_its_own_unless_it_is_told(
        self, stage: SinchStage
    ) -> None:
        letter = parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document)
        await stage.channel.send(letter, Leave(stage))
        bare = stage.vendor.faxes[0].given
        assert (bare["maxRetries"], bare["headerText"], bare["headerPageNumbers"]) == (0, "", False)
        assert not stage.channel.abilities.prints_header
        assert not stage.channel.abilities.retries_itself
        header = ("Fundación de la Memoria y de los Derechos Humanos", "+41 22 555 01 00")
        channel = stage.channel_of(replace(ACCOUNT, header=header, zone="Europe/Zurich"))
        await channel.send(replace(letter, attempt_id="attempt-2"), Leave(stage))
        await channel.aclose()
        told = stage.vendor.faxes[1].given
        assert told["headerText"] == "Fundación de la Memoria y de los  +41 22 555 01 00"[:50]
        again = sinch._header(header, replace(letter, again=True))
        assert (again[-29:], len(again)) == (" +41 22 555 01 00, sent again", 50)
        assert (told["headerPageNumbers"], told["headerTimeZone"]) == (True, "Europe/Zurich")
        assert channel.abilities.prints_header

    @pytest.mark.parametrize(
        ("code", "pages", "verdict", "cause"),
        [
            (8, 0, Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE),
            (8, PAGES - 2, Verdict.DEFERRED, Cause.FAX_PARTIAL),
            (8, PAGES - 1, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            (8, PAGES, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            (8, None, Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
            (28, None, Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE),
            (28, PAGES, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            (13, 0, Verdict.DEFERRED, Cause.FAX_VOICE),
            (133, 0, Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
        ],
    )
    async def test_a_call_that_broke_off_is_tried_again_unless_the_last_page_may_be_there(
        self, stage: SinchStage, code: int, pages: int | None, verdict: Verdict, cause: Cause
    ) -> None:
        end = {"errorType": "FAX_ERROR", "errorCode": code, "errorMessage": "x"}
        end |= {} if pages is None else {"pagesSentSuccessfully": pages}
        assert await self._ended(stage, end) == (verdict, cause, pages)

    async def test_one_code_in_two_families_is_two_things(self, stage: SinchStage) -> None:
        end = {"errorType": "DOCUMENT_CONVERSION_ERROR", "errorCode": 133, "errorMessage": "x"}
        assert (await self._ended(stage, end))[:2] == (Verdict.REFUSED, Cause.CONTENT_INVALID)

    async def test_success_without_a_number_of_pages_is_believed_and_with_a_page_too_few_is_not(
        self, stage: SinchStage
    ) -> None:
        assert await self._ended(stage, {"status": "COMPLETED"}) == (Verdict.DELIVERED, Cause.NONE, None)
        stage.vendor.ends.clear()
        stage.vendor.faxes[0].pages = 1  # it made fewer of our pages than we sent, and sent them all
        told = await stage.channel.ask("attempt-1", "")
        assert (told.verdict, told.cause) == (Verdict.UNKNOWN, Cause.FAX_NO_PROOF)

    def test_every_error_of_the_description_has_its_row(self) -> None:
        calls = (11, 15, 16, 17, 19, 30, 32, 34, 43, 49)
        faxes = (6, 7, 8, 10, 12, 13, 14, 18, 20, 21, 22, 25, 26, 28, 29, 31, 38, 40, 41, 44, 46, 48, 53, 60, 63, 68)
        faxes += (75, 76, 77, 79, 80, 82, 84, 113, 117, 119, 131, 132, 133)
        papers = (4, 54, 55, 57, 69, 122, 128, 129, 130, 133)
        families = {"CALL_ERROR": calls, "FAX_ERROR": faxes, "DOCUMENT_CONVERSION_ERROR": papers}
        assert sinch.ERRORS.keys() == {(kind, code) for kind, codes in families.items() for code in codes}

    async def test_a_callback_makes_us_ask_and_one_that_cannot_be_asked_about_comes_again(
        self, stage: SinchStage
    ) -> None:
        await stage.channel.send(parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document), Leave(stage))
        (notice,) = await stage.notices()
        await stage.address_for(Case.AWAY)
        with pytest.raises(ChannelError) as caught:
            await stage.channel.hear(notice)
        assert caught.value.http_status == 503

    async def test_a_callback_that_was_cut_short_is_known_by_its_address(self, stage: SinchStage) -> None:
        await stage.channel.send(parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document), Leave(stage))
        (notice,) = await stage.notices()
        short = replace(notice, body=notice.body[:20])
        with pytest.raises(NoticeRejected):
            await stage.channel.hear(short)
        (report,) = await stage.channel.hear(replace(short, extra={**short.extra, "cut": "yes"}))
        assert (report.attempt_id, report.outcome.verdict) == ("attempt-1", Verdict.DELIVERED)

    async def test_an_address_is_good_for_its_own_fax_alone(self, stage: SinchStage) -> None:
        for name in ("attempt-1", "attempt-2"):
            letter = parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document, name)
            await stage.channel.send(letter, Leave(stage))
        first, second = await stage.notices()
        for token in ("", "attempt-1", "attempt-1.00", first.extra["token"].replace("attempt-1", "attempt-2")):
            with pytest.raises(NoticeRejected):
                await stage.channel.hear(replace(first, extra={"token": token}))
        with pytest.raises(NoticeRejected):
            await stage.channel.hear(replace(first, extra=second.extra))

    async def test_our_fax_is_found_on_the_last_page_of_a_long_list(self, stage: SinchStage) -> None:
        stage.vendor.page_size = 2
        for number in range(5):
            await stage.channel.send(
                parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document, f"attempt-{number}"), Leave(stage)
            )
        assert (await stage.channel.ask("attempt-0", "")).verdict is Verdict.ACCEPTED
        assert (await stage.channel.ask("attempt-7", "")).verdict is Verdict.DEFERRED

    async def test_a_list_that_has_no_end_proves_nothing(self, stage: SinchStage, monkeypatch: Any) -> None:
        stage.vendor.page_size = 1
        monkeypatch.setattr(sinch, "MOST_PAGES", 2)
        for number in range(3):
            await stage.channel.send(
                parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document, f"attempt-{number}"), Leave(stage)
            )
        assert (await stage.channel.ask("attempt-7", "")).verdict is Verdict.UNKNOWN

    async def test_a_list_without_our_fax_is_not_believed_before_it_had_the_time(self, stage: SinchStage) -> None:
        about = Try("<1@x.example>", NOON, NOON + timedelta(seconds=2), address=await stage.address_for(Case.TAKES))
        assert (await stage.channel.ask("attempt-1", "", about)).verdict is Verdict.UNKNOWN
        stage.now = about.left_at + posting.SETTLED
        assert (await stage.channel.ask("attempt-1", "", about)).verdict is Verdict.DEFERRED
        asked = dict(stage.vendor.requests[-1].query)
        assert (asked["to"], asked["createTime>"]) == (about.address, "2026-03-02T11:00:00Z")

    async def test_a_document_that_it_cannot_read_is_our_own_matter(self, stage: SinchStage) -> None:
        outcome = await stage.channel.send(
            parcel(Kind.FAX, await stage.address_for(Case.TAKES), b"no pages at all"), Leave(stage)
        )
        assert (outcome.verdict, outcome.cause) == (Verdict.REFUSED, Cause.CONTENT_INVALID)
