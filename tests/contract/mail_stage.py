"""The stage of every channel that hands its letters to a mail relay: a scripted server, case by case."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from email import message_from_bytes

from contract.stage import NOON, WAIT, Case, Lacks, Taken
from farend.rogue import RESET, STALL, Rogue, Script, accept_then, say

from dispatcher.channels.base import Channel, Notice, Parcel

SCRIPTS: Mapping[Case, Script] = {
    Case.TAKES: {},
    Case.REFUSES: {"rcpt": say("550 5.1.1 no such user")},
    Case.PASSES: {"rcpt": say("451 4.7.1 come back later")},
    Case.SILENT: {"dot": accept_then(STALL)},
    Case.DROPS_AFTER: {"dot": accept_then(RESET)},
    Case.AWAY: {"data": RESET},
    Case.ODD: {"dot": accept_then(say("399 perhaps"))},
    Case.TOO_MANY: {"rcpt": say(f"451 4.7.1 try again in {WAIT} seconds")},
    Case.NO_KEY: {"ehlo": say("554 5.7.1 no service for you"), "helo": say("554 5.7.1 no service for you")},
}


class MailStage:
    """The server and a channel that hands its letters in there."""

    now = NOON

    def __init__(self, rogue: Rogue, channel: Channel, address: str) -> None:
        self.rogue, self.channel, self.address = rogue, channel, address

    async def address_for(self, case: Case) -> str:
        if case not in SCRIPTS:
            raise Lacks(f"a relay of this stage has no such case: {case}")
        self.rogue.script = SCRIPTS[case]
        return self.address

    def another(self) -> Channel:
        return self.channel

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

    async def let_end(self) -> None:
        raise Lacks("a relay knows no end")

    def lie(self, genuine: Notice) -> Notice:
        return genuine

    def forge(self, body: bytes) -> Notice:
        return Notice({}, body, self.now)
