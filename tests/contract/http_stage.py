"""The stage of every gateway spoken to over HTTP: a vendor of ours on loopback, and a door for its callbacks."""

from __future__ import annotations

from contract.stage import NOON, Case, Taken
from farend.doorstep import Doorstep
from farend.vendor import Vendor

from dispatcher.channels.base import Channel, Notice, Parcel

#: The last two digits of a number say what becomes of a fax to it: farend.vendor.FATES.
ENDINGS = {
    Case.REFUSES: "41",
    Case.PASSES: "44",
    Case.SILENT: "52",
    Case.DROPS_AFTER: "53",
    Case.ODD: "46",
    Case.SHORT: "33",
    Case.ODD_LATER: "34",
    Case.BUSY_LATER: "22",
    Case.TWICE: "61",
    Case.TOO_MANY: "44",
    Case.BACKWARDS: "63",
    Case.NEVER_CALLS: "64",
    Case.EARLY: "65",
}


class HttpStage:
    """The vendor, a door for its callbacks, and the channel between them."""

    def __init__(self, vendor: Vendor, door: Doorstep) -> None:
        self.vendor, self.door = vendor, door
        self.now = NOON
        self.channel = self.another()

    def another(self) -> Channel:
        raise NotImplementedError

    async def address_for(self, case: Case) -> str:
        self.vendor.let_in = case is not Case.NO_KEY
        if case in (Case.AWAY, Case.GONE):
            await self.vendor.server.stop()
        return f"+131255501{ENDINGS.get(case, '00')}"

    def name_of(self, letter: Parcel) -> str:
        return letter.attempt_id

    def taken(self) -> list[Taken]:
        return [Taken(fax.reference, fax.sha256) for fax in self.vendor.faxes]

    def break_off(self) -> None:
        self.vendor.server.cut()

    async def notices(self) -> list[Notice]:
        while due := self.vendor.next_call():
            self.now = max(self.now, due)
            await self.vendor.pump()
        return self.door.notices

    async def let_end(self) -> None:
        """Every call is over; nobody has called back."""
        self.now = max([self.now, *(fax.ends for fax in self.vendor.faxes)])

    def lie(self, genuine: Notice) -> Notice:
        return genuine

    def forge(self, body: bytes) -> Notice:
        return Notice(self.vendor.signed(body), body, self.now)
