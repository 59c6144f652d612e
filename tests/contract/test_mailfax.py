"""The mailfax channel keeps the contract, against a scripted mail server that stands for the gateway's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from contract.mail_stage import MailStage
from contract.stage import Case, Leave, parcel
from contract.suite import ChannelContract
from farend.rogue import Rogue

from dispatcher.channels.mailfax import Gateway, MailFaxChannel
from dispatcher.domain.words import Cause, Kind, Verdict


class TestMailFax(ChannelContract):
    kind = Kind.FAX

    @pytest.fixture
    async def stage(self) -> AsyncIterator[MailStage]:
        gateway = Gateway("example", "FAX={e164}@gateway.example", attach="tiff")
        async with Rogue() as rogue:
            yield MailStage(rogue, MailFaxChannel(gateway, [rogue.relay()]), "+41225550100")

    async def test_the_gateway_is_told_the_number_and_taken_at_its_word_only_for_the_mail(
        self, stage: MailStage
    ) -> None:
        letter = parcel(Kind.FAX, await stage.address_for(Case.TAKES), self.document)
        outcome = await stage.channel.send(letter, Leave(stage))
        assert [taken.recipient for taken in stage.rogue.ledger] == ["FAX=+41225550100@gateway.example"]
        assert outcome.verdict is Verdict.ACCEPTED
        assert not stage.channel.abilities.proves

    async def test_a_relay_that_knows_no_such_gateway_is_our_own_matter(self, stage: MailStage) -> None:
        letter = parcel(Kind.FAX, await stage.address_for(Case.REFUSES), self.document)
        assert (await stage.channel.send(letter, Leave(stage))).cause is Cause.FAX_PROVIDER_REJECTED
