"""The telnyx channel keeps the contract, against a Telnyx of ours that keeps to the vendor's description."""

from __future__ import annotations

import base64
import inspect
import json
import re
import typing
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from contract.http_stage import HttpStage
from contract.stage import NOON, PAGES, Case, Leave, parcel
from contract.suite import ChannelContract
from farend.doorstep import Doorstep
from farend.telnyx import CONNECTION, KEY, NUMBER, Telnyx
from telnyx.types import Fax

from dispatcher.channels import posting, telnyx
from dispatcher.channels.base import Try
from dispatcher.channels.telnyx import Account, TelnyxChannel
from dispatcher.domain.words import Cause, Kind, Verdict


class TelnyxStage(HttpStage):
    vendor: Telnyx

    def channel_of(self, connection: str) -> TelnyxChannel:
        account = Account(KEY, self.vendor.public_key, connection, NUMBER)
        return TelnyxChannel(account, self.door.url, url=self.vendor.url, timeout=0.5, now=lambda: self.now)

    def another(self) -> TelnyxChannel:
        return self.channel_of(CONNECTION)


class TestTelnyx(ChannelContract):
    kind = Kind.FAX

    @pytest.fixture
    async def stage(self) -> AsyncIterator[TelnyxStage]:
        vendor = Telnyx(lambda: stage.now)
        door = Doorstep(lambda: stage.now, "/callbacks/telnyx")

        async with vendor.server, door.server:
            stage = TelnyxStage(vendor, door)
            yield stage
        assert vendor.faults == []

    async def test_the_pages_are_stored_first_and_called_for_by_name(self, stage: TelnyxStage) -> None:
        letter = parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document)
        await stage.channel.send(letter, Leave(stage))
        (fax,) = stage.vendor.faxes
        assert stage.vendor.media == {"attempt-1": self.document}
        assert (fax.given["media_name"], fax.given["from"], fax.pages) == ("attempt-1", NUMBER, PAGES)
        assert base64.b64decode(str(fax.given["client_state"])) == b"attempt-1/3"

    async def test_a_store_that_will_not_have_the_pages_is_known_before_leave_is_asked(
        self, stage: TelnyxStage
    ) -> None:
        leave = Leave(stage)
        letter = parcel(Kind.FAX, await stage.address_for(Case.TAKES), b"no pages at all")
        outcome = await stage.channel.send(letter, leave)
        assert (outcome.verdict, outcome.cause) == (Verdict.REFUSED, Cause.CONTENT_INVALID)
        assert leave.asked_for == []

    async def test_a_page_too_few_in_the_webhook_is_a_doubt(self, stage: TelnyxStage) -> None:
        letter = parcel(Kind.FAX, await stage.address_for(Case.SHORT), self.document)
        await stage.channel.send(letter, Leave(stage))
        (report,) = await stage.channel.hear((await stage.notices())[-1])
        assert (report.outcome.verdict, report.outcome.cause) == (Verdict.UNKNOWN, Cause.FAX_NO_PROOF)
        assert report.outcome.pages == PAGES - 1

    @pytest.mark.parametrize(("given", "verdict"), [("to", Verdict.REFUSED), ("connection_id", Verdict.UNSENT)])
    async def test_a_wrong_field_says_whose_matter_it_is(
        self, stage: TelnyxStage, given: str, verdict: Verdict
    ) -> None:
        number = "+0" if given == "to" else await stage.address_for(Case.TAKES)
        connection = CONNECTION if given == "to" else "another"
        channel = stage.channel_of(connection)
        outcome = await channel.send(parcel(Kind.FAX, number, self.document), Leave(stage))
        await channel.aclose()
        assert outcome.verdict is verdict
        assert bool(outcome.pause_route) is (verdict is Verdict.UNSENT)
        assert stage.taken() == []

    async def test_our_fax_is_found_on_the_last_page_of_a_long_list(self, stage: TelnyxStage) -> None:
        stage.vendor.page_size = 2
        for number in range(5):
            await stage.channel.send(
                parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document, f"attempt-{number}"), Leave(stage)
            )
        assert (await stage.channel.ask("attempt-0", "")).verdict is Verdict.ACCEPTED
        assert (await stage.channel.ask("attempt-7", "")).verdict is Verdict.DEFERRED
        assert len([one for one in stage.vendor.requests if one.method == "GET"]) == 6

    async def test_a_list_that_has_no_end_proves_nothing(self, stage: TelnyxStage, monkeypatch: Any) -> None:
        stage.vendor.page_size = 1
        monkeypatch.setattr(telnyx, "MOST_PAGES", 2)
        for number in range(3):
            await stage.channel.send(
                parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document, f"attempt-{number}"), Leave(stage)
            )
        assert (await stage.channel.ask("attempt-7", "")).verdict is Verdict.UNKNOWN

    async def test_a_list_without_our_fax_is_not_believed_before_it_had_the_time(self, stage: TelnyxStage) -> None:
        about = Try("<1@x.example>", NOON, NOON + timedelta(seconds=2), address=await stage.address_for(Case.TAKES))
        assert (await stage.channel.ask("attempt-1", "", about)).verdict is Verdict.UNKNOWN
        stage.now = about.left_at + posting.SETTLED
        assert (await stage.channel.ask("attempt-1", "", about)).verdict is Verdict.DEFERRED

    async def test_only_what_may_be_ours_is_asked_for(self, stage: TelnyxStage) -> None:
        letter = parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document)
        await stage.channel.send(letter, Leave(stage))
        about = Try(letter.message_id, NOON, NOON, address=letter.address)
        assert (await stage.channel.ask("attempt-1", "", about)).verdict is Verdict.ACCEPTED
        asked = dict(stage.vendor.requests[-1].query)
        assert asked["filter[to][eq]"] == letter.address
        assert asked["filter[created_at][gte]"] == "2026-03-02T11:00:00Z"
        elsewhere = replace(about, address="+13125550177")
        stage.now = NOON + posting.SETTLED
        assert (await stage.channel.ask("attempt-1", "", elsewhere)).verdict is Verdict.DEFERRED

    async def test_a_webhook_about_somebody_elses_fax_is_nothing_to_us(self, stage: TelnyxStage) -> None:
        for state in ({}, {"client_state": "bm90IG91cnM="}, {"client_state": 7}):
            body = json.dumps({"data": {"id": "e-1", "payload": {"fax_id": "f", "status": "delivered", **state}}})
            assert await stage.channel.hear(stage.forge(body.encode())) == []

    async def test_every_reason_that_the_sdk_names_has_its_row(self) -> None:
        told = set(re.findall(r"`([a-z_]+)`", re.sub(r"\s+", " ", inspect.getsource(Fax)).split("include:")[1]))
        told = {word for word in told if "_" in word or word == "user_busy"}
        named = told & telnyx.REASONS.keys()
        assert len(named) == 35
        assert telnyx.REASONS.keys() - named == {"rejected"}

    async def test_every_status_of_an_outbound_fax_has_its_row(self) -> None:
        annotation = typing.get_args(Fax.model_fields["status"].annotation)[0]
        assert set(typing.get_args(annotation)) - telnyx.STATUS.keys() == {"failed", "receiving", "received"}

    @pytest.mark.parametrize("reason", telnyx.REASONS)
    async def test_each_reason_comes_to_what_its_row_says(self, stage: TelnyxStage, reason: str) -> None:
        payload = {"fax_id": "f", "status": "failed", "failure_reason": reason, "client_state": "YXR0ZW1wdC0xLzM="}
        body = json.dumps({"data": {"id": "e-1", "payload": payload}}).encode()
        (report,) = await stage.channel.hear(stage.forge(body))
        assert (report.attempt_id, report.outcome.verdict, report.outcome.cause) == (
            "attempt-1",
            *telnyx.REASONS[reason],
        )
        assert report.outcome.verdict is not Verdict.DELIVERED
