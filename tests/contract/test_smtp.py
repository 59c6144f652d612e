"""The smtp channel keeps the contract, against a scripted mail server over real sockets."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from email import message_from_bytes

import pytest
from contract.suite import NOON, Case, ChannelContract, Taken
from farend.rogue import RESET, STALL, Rogue, accept_then, say

from dispatcher.channels.base import Channel, Notice, Parcel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.words import Kind

SCRIPTS: Mapping[Case, Mapping[str, object]] = {
    Case.TAKES: {},
    Case.REFUSES: {"rcpt": say("550 5.1.1 no such user")},
    Case.PASSES: {"rcpt": say("451 4.7.1 come back later")},
    Case.SILENT: {"dot": accept_then(STALL)},
    Case.DROPS_AFTER: {"dot": accept_then(RESET)},
    Case.AWAY: {"data": RESET},
    Case.ODD: {"dot": accept_then(say("399 perhaps"))},
}


class MailStage:
    """The server and a channel that hands its letters in there."""

    now = NOON

    def __init__(self, rogue: Rogue, channel: Channel, address: str) -> None:
        self.rogue, self.channel, self.address = rogue, channel, address

    async def address_for(self, case: Case) -> str:
        self.rogue.script = SCRIPTS[case]  # type: ignore[assignment]  # the values are acts
        return self.address

    def name_of(self, letter: Parcel) -> str:
        return letter.message_id

    def taken(self) -> list[Taken]:
        return [
            Taken(message_from_bytes(one.message)["Message-ID"], hashlib.sha256(one.message).hexdigest())
            for one in self.rogue.ledger
        ]

    def break_off(self) -> None:
        self.rogue.cut(reset=True)

    async def notices(self) -> list[Notice]:
        raise NotImplementedError("a relay never calls back")

    def forge(self, body: bytes) -> Notice:
        return Notice({}, body, self.now)


class TestSmtp(ChannelContract):
    kind = Kind.EMAIL

    @pytest.fixture
    async def stage(self) -> AsyncIterator[MailStage]:
        async with Rogue() as rogue:
            yield MailStage(rogue, SmtpChannel([rogue.relay()]), "mission@geneva.example")
