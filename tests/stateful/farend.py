"""A provider that waits at each stage of a letter for the test's word: before the record, before the dot, after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from dispatcher.channels.base import Abilities, CommitPoint, Notice, Parcel
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Kind, Verdict


class At(StrEnum):
    """How far a try is, as its channel sees it."""

    OFFER = "offer"  # the far end waits for the letter
    DOT = "dot"  # recorded as transmitting; the dot has not left
    REPLY = "reply"  # the dot has left


class Fate(StrEnum):
    """What the far end does."""

    TAKEN = "taken"
    UNSAID = "taken, and the reply is lost"
    LATER = "refused for now"
    NEVER = "refused for good"
    DROPPED = "dropped at the dot, not taken"


TAKES = frozenset({Fate.TAKEN, Fate.UNSAID})
_OUTCOMES = {
    Fate.TAKEN: Outcome(Verdict.ACCEPTED, ref="q"),
    Fate.UNSAID: Outcome(Verdict.UNKNOWN, Cause.EMAIL_NO_ANSWER_AFTER_DATA),
    Fate.LATER: Outcome(Verdict.DEFERRED, Cause.SMTP_BUSY),
    Fate.NEVER: Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX),
    Fate.DROPPED: Outcome(Verdict.UNKNOWN, Cause.EMAIL_NO_ANSWER_AFTER_DATA),
}


@dataclass(eq=False, slots=True)
class Hand:
    """One try under way: where it waits, and the word that lets it go on."""

    parcel: Parcel
    at: At = At.OFFER
    word: asyncio.Future[Fate | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def wait(self, at: At) -> Fate | None:
        self.at, self.word = at, asyncio.get_running_loop().create_future()
        return await self.word


@dataclass(slots=True)
class FarEnd:
    """The channel. `took` is told of each letter that is taken, at the moment of the dot."""

    kind: Kind
    monotonic: Callable[[], float]
    took: Callable[[Parcel], None]
    name: str = "smtp"
    abilities: Abilities = field(default_factory=Abilities)
    routes: tuple[str, ...] = ()
    hands: list[Hand] = field(default_factory=list)

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        hand = Hand(parcel)
        self.hands.append(hand)
        try:
            return await self._converse(hand, commit)
        finally:
            if hand in self.hands:
                self.hands.remove(hand)

    async def _converse(self, hand: Hand, commit: CommitPoint) -> Outcome:
        refusal = await hand.wait(At.OFFER)
        if refusal is not None:
            return _OUTCOMES[refusal]
        permit = await commit(f"Message-ID: {hand.parcel.message_id}\r\n\r\n{hand.parcel.attempt_id}\r\n".encode())
        fate = await hand.wait(At.DOT)
        if self.monotonic() > permit.until:
            return Outcome(Verdict.UNSENT, Cause.WORKER_LOST, "leave to send had run out before the dot")
        if fate in TAKES:
            self.took(hand.parcel)
        assert fate is not None
        await hand.wait(At.REPLY)
        return _OUTCOMES[fate]

    async def ask(self, attempt_id: str, ref: str) -> Outcome:
        return Outcome(Verdict.UNKNOWN, Cause.EMAIL_NO_ANSWER_AFTER_DATA, ref=ref)

    async def hear(self, notice: Notice) -> list[Report]:
        return []

    async def probe(self, route: str = "") -> Outcome:
        return Outcome(Verdict.ACCEPTED)

    async def aclose(self) -> None:
        return
