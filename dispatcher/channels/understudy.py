"""Stands in for a channel in a rehearsal: it says what a play tells it to say, and opens no connection to anybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dispatcher.domain.errors import NoticeRejected
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Kind, Verdict

from .base import Abilities, CommitPoint, Notice, Parcel, Try

#: What became of a letter when it was said that it did not even begin to leave.
_STAYED = (Verdict.UNSENT, Verdict.DEFERRED, Verdict.REFUSED)


class Understudy:
    """One way out, with the name and the abilities of the channel that it stands in for."""

    routes: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        kind: Kind,
        abilities: Abilities,
        play: Callable[[Parcel, str], Outcome],
        asked: Callable[[str, datetime], Outcome],
        knocked: Callable[[str, datetime], Outcome],
        now: Callable[[], datetime],
    ) -> None:
        """`play` says what becomes of a letter that is given to this way; `asked` what is known by now of an earlier
        try; `knocked` whether the way is open."""
        self.name, self.kind, self.abilities = name, kind, abilities
        self._play, self._asked, self._knocked, self._now = play, asked, knocked, now

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        """What stands for the letter at the commit point is its name: nothing leaves, so nothing need be kept."""
        outcome = self._play(parcel, self.name)
        if outcome.verdict not in _STAYED:
            await commit(parcel.attempt_id.encode())
        return outcome

    async def ask(self, attempt_id: str, ref: str, about: Try | None = None) -> Outcome:
        return self._asked(attempt_id, self._now())

    async def probe(self, route: str = "") -> Outcome:
        return self._knocked(self.name, self._now())

    async def hear(self, notice: Notice) -> list[Report]:
        raise NoticeRejected("nobody calls back in a rehearsal: its news are taken from the play itself")

    async def aclose(self) -> None:
        """There is nothing to let go of."""
