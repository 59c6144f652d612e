"""The calls of a run: what becomes of each on the line, and what our record must say of it at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.domain.words import Cause, State, Verdict

from .place import Story
from .rig import NUMBER


@dataclass(frozen=True)
class Case:
    """One letter over the line."""

    name: str
    ending: str  #: the last digits of the number
    pages: int  #: 1 or 3
    state: State
    cause: Cause = Cause.NONE
    verdicts: tuple[Verdict, ...] = (Verdict.ACCEPTED,)  #: of the tries, as they were recorded when they were made
    through: tuple[State, ...] = ()  #: states that it must have been seen in
    heard: tuple[Cause, ...] = ()  #: causes that must have been heard on the way

    @property
    def number(self) -> str:
        return f"{NUMBER}{self.ending}"

    @property
    def arrives(self) -> bool:
        return self.state is State.DELIVERED


#: On a good line; the second one tells when its pages were begun.
WHOLE = (
    Case("one page", "200", 1, State.DELIVERED),
    Case("three pages", "210", 3, State.DELIVERED),
)


def hard(log: str) -> tuple[Case, ...]:
    """The others. `log`: the session of a letter of three pages, which says when to cut the line."""
    return (
        Case(
            "server's answer lost",
            "201",
            1,
            State.DELIVERED,
            verdicts=(Verdict.UNKNOWN,),
            through=(State.IN_DOUBT, State.ACCEPTED),
        ),
        Case("busy, then free", "900", 1, State.DELIVERED, verdicts=(Verdict.ACCEPTED,) * 2, heard=(Cause.FAX_BUSY,)),
        Case("refuses us", "204", 1, State.FAILED, Cause.FAX_REFUSED),
        Case("cut in page 2 of 3", f"3{within(log, 2):02}", 3, State.DEFERRED, Cause.FAX_PARTIAL),
        Case("cut in its only page", f"3{within(log, 1):02}", 1, State.IN_DOUBT, Cause.FAX_LOST_AFTER_LAST_PAGE),
        Case("a person answers", "111", 1, State.FAILED, Cause.FAX_VOICE),
        Case("nobody answers", "480", 1, State.DEFERRED, Cause.FAX_NO_ANSWER),
        Case("killed at the server", "299", 1, State.FAILED, Cause.FAX_PROVIDER_REJECTED),
    )


def within(log: str, page: int) -> int:
    """Seconds after the answer at which this page is being sent, by the log of a whole call."""
    begun = [_at(line) for line in log.splitlines() if "SEND begin page" in line]
    ended = [_at(line) for line in log.splitlines() if "SEND end page" in line]
    dialled = next(_at(line) for line in log.splitlines() if "ATDT" in line)
    middle = begun[page - 1] + (ended[page - 1] - begun[page - 1]) / 2
    return round((middle - dialled) / timedelta(seconds=1))


def _at(line: str) -> datetime:
    """The stamp of a session's log: 'Nov 30 23:23:38.29: …', of no year."""
    stamp = re.match(r"(\w{3} \d\d \d\d:\d\d:\d\d\.\d\d)", line)
    if stamp is None:
        raise ValueError(f"not a line of a session's log: {line}")
    return datetime.strptime(f"2000 {stamp[1]}", "%Y %b %d %H:%M:%S.%f")


def faults(case: Case, story: Story) -> list[str]:
    """What our record says that it should not."""
    row, tries = story.row, story.tries
    found = []
    if (row.state, row.cause) != (case.state, case.cause):
        found.append(f"is {row.state} ({row.cause or 'no cause'}), not {case.state} ({case.cause or 'no cause'})")
    if [one.verdict for one in tries] != list(case.verdicts):
        found.append(f"tries were recorded as {', '.join(one.verdict for one in tries) or 'none'}")
    causes = [one["cause"] for one in story.heard]
    found += [f"nobody heard of {cause}" for cause in case.heard if cause not in causes]
    found += [f"was never seen {state}" for state in case.through if state not in story.states]
    return [f"{case.name}: {one}" for one in found]
