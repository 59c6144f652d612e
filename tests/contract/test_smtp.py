"""The smtp channel keeps the contract, against a scripted mail server over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from contract.mail_stage import MailStage
from contract.suite import ChannelContract
from farend.rogue import Rogue

from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.words import Kind


class TestSmtp(ChannelContract):
    kind = Kind.EMAIL

    @pytest.fixture
    async def stage(self) -> AsyncIterator[MailStage]:
        async with Rogue() as rogue:
            yield MailStage(rogue, SmtpChannel([rogue.relay()]), "mission@geneva.example")
