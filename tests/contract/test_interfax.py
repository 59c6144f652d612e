"""The interfax channel keeps the contract, against an InterFAX of ours that keeps to the vendor's help pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from contract.http_stage import HttpStage
from contract.stage import PAGES, Case, Leave, parcel
from contract.suite import ChannelContract
from farend.doorstep import Doorstep
from farend.interfax import PASSWORD, USER, Interfax

from dispatcher.channels import interfax
from dispatcher.channels.base import Notice
from dispatcher.channels.interfax import InterfaxChannel
from dispatcher.domain.errors import ChannelError, NoticeRejected
from dispatcher.domain.words import Cause, Kind, Verdict


class InterfaxStage(HttpStage):
    vendor: Interfax

    def another(self, questions: int = 10_000) -> InterfaxChannel:
        return InterfaxChannel(
            USER, PASSWORD, url=self.vendor.url, timeout=0.5, now=lambda: self.now, questions=questions
        )

    def forge(self, body: bytes) -> Notice:
        return Notice({}, body, self.now, extra={"token": self.another().door})

    def lie(self, genuine: Notice) -> Notice:
        good = b"Status=0" in genuine.body
        old, new = (b"Status=0", b"Status=6017") if good else (b"Status=6017", b"Status=0")
        return replace(genuine, body=genuine.body.replace(old, new))


class TestInterfax(ChannelContract):
    kind = Kind.FAX

    @pytest.fixture
    async def stage(self) -> AsyncIterator[InterfaxStage]:
        vendor = Interfax(lambda: stage.now)
        door = Doorstep(lambda: stage.now, "/callbacks/interfax")
        async with vendor.server, door.server:
            stage = InterfaxStage(vendor, door)
            vendor.door = f"{door.url}/{stage.another().door}"
            yield stage
        assert vendor.faults == []

    async def test_it_dials_once_more_at_most_and_our_reference_fits(self, stage: InterfaxStage) -> None:
        name = f"{'d' * 24}.999"
        letter = parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document, name)
        await stage.channel.send(letter, Leave(stage))
        (fax,) = stage.vendor.faxes
        assert (fax.reference, fax.given["retriesToPerform"], fax.given["resolution"]) == (name, "1", "fine")
        assert stage.channel.abilities.retries_itself

    async def test_no_more_questions_a_minute_than_it_takes(self, stage: InterfaxStage) -> None:
        channel = stage.another(interfax.QUESTIONS)
        await stage.channel.send(parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document), Leave(stage))
        asked = [await channel.ask("attempt-1", "") for _ in range(interfax.QUESTIONS + 2)]
        assert [one.verdict for one in asked] == [Verdict.ACCEPTED] * 6 + [Verdict.UNKNOWN] * 2
        assert sum(one.method == "GET" for one in stage.vendor.requests) == interfax.QUESTIONS
        with pytest.raises(ChannelError) as caught:
            await channel.hear(replace(stage.forge(b"TransactionID=279415116"), extra={"token": channel.door}))
        assert caught.value.http_status == 503
        stage.now += timedelta(seconds=61)
        assert (await channel.ask("attempt-1", "")).verdict is Verdict.ACCEPTED
        await channel.aclose()

    @pytest.mark.parametrize(
        ("status", "pages", "verdict", "cause"),
        [
            (3230, 0, Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE),
            (3230, PAGES - 2, Verdict.DEFERRED, Cause.FAX_PARTIAL),
            (6017, PAGES - 2, Verdict.DEFERRED, Cause.FAX_PARTIAL),
            (3230, PAGES - 1, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            (6017, PAGES, Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
            (3936, 0, Verdict.DEFERRED, Cause.FAX_VOICE),
            (6001, 0, Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
            (205000, 0, Verdict.REFUSED, Cause.FAX_NO_CREDIT),
            (7200, 0, Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE),
            (-22, 0, Verdict.ACCEPTED, Cause.NONE),
            (0, 0, Verdict.UNKNOWN, Cause.FAX_NO_PROOF),
        ],
    )
    async def test_a_status_and_its_pages_say_what_became_of_it(
        self, stage: InterfaxStage, status: int, pages: int, verdict: Verdict, cause: Cause
    ) -> None:
        number = await stage.address_for(Case.TAKES)
        stage.vendor.statuses[number] = (status, pages)
        await stage.channel.send(parcel(Kind.FAX, number, self.document), Leave(stage))
        await stage.let_end()
        told = await stage.channel.ask("attempt-1", "")
        assert (told.verdict, told.cause, told.pages) == (verdict, cause, pages)

    async def test_a_fax_that_is_not_ours_is_nothing_to_hear(self, stage: InterfaxStage) -> None:
        with pytest.raises(NoticeRejected):
            await stage.channel.hear(stage.forge(b"TransactionID=1"))
        await stage.channel.send(parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document), Leave(stage))
        stage.vendor.faxes[0].reference = ""
        with pytest.raises(NoticeRejected):
            await stage.channel.hear(stage.forge(f"TransactionID={stage.vendor.faxes[0].id}".encode()))

    def test_no_row_of_the_table_is_success_or_under_way(self) -> None:
        assert {verdict for verdict, _ in interfax.STATUS.values()} == {Verdict.DEFERRED, Verdict.REFUSED}
        assert all(status > 0 for status in interfax.STATUS)
