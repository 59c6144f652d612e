"""What can go wrong in a rehearsal: the table of faults, how much of each, and the reader of files that say it.

A share is of letters by that way; of outages, of the days on which letters leave; of answers, of the addressees.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from dispatcher.domain.errors import Problem, UserError
from dispatcher.domain.words import Cause, Kind, Verdict


class Moment(StrEnum):
    """When the far end says what happened."""

    DOOR = "door"  # while the letter is handed over
    LATER = "later"  # after it took the letter
    NEVER = "never"  # it took the letter, and is not heard of again


@dataclass(frozen=True, slots=True)
class Fault:
    """What a letter may meet with."""

    says: str  #: for people
    kind: Kind
    verdict: Verdict
    cause: Cause
    moment: Moment = Moment.DOOR
    tries: int = 0  #: how many tries in a row meet with it; 0: every one
    seconds: int = 0  #: from the hand-over until it is known
    answered: bool = False  #: somebody lifted the receiver: the call is paid for
    arrives: bool = False  #: the letter arrives all the same


_D, _R, _U = Verdict.DEFERRED, Verdict.REFUSED, Verdict.UNKNOWN
FAULTS: dict[str, Fault] = {
    "greylisted": Fault(
        "refused for now, as greylisting does it, then accepted", Kind.EMAIL, _D, Cause.EMAIL_GREYLISTED, tries=1
    ),
    "mailbox_full": Fault(
        "the mailbox is full at the first two tries", Kind.EMAIL, _D, Cause.EMAIL_MAILBOX_FULL, tries=2
    ),
    "no_mailbox": Fault("no such mailbox", Kind.EMAIL, _R, Cause.EMAIL_NO_MAILBOX),
    "blocked": Fault("refused by policy", Kind.EMAIL, _R, Cause.EMAIL_BLOCKED),
    "bounced": Fault(
        "accepted, and returned ten minutes later", Kind.EMAIL, _R, Cause.EMAIL_NO_MAILBOX, Moment.LATER, seconds=600
    ),
    "no_answer_after_data": Fault(
        "taken, and no answer comes", Kind.EMAIL, _U, Cause.EMAIL_NO_ANSWER_AFTER_DATA, arrives=True
    ),
    "busy": Fault(
        "busy at the first two calls", Kind.FAX, _D, Cause.FAX_BUSY, Moment.LATER, tries=2, seconds=5
    ),
    "no_answer": Fault(
        "nobody answers the first call", Kind.FAX, _D, Cause.FAX_NO_ANSWER, Moment.LATER, tries=1, seconds=60
    ),
    "person_answers": Fault(
        "a person answers", Kind.FAX, _D, Cause.FAX_VOICE, Moment.LATER, seconds=25, answered=True
    ),
    "wrong_number": Fault("refused: no such number", Kind.FAX, _R, Cause.FAX_BAD_NUMBER),
    "line_lost": Fault(
        "the line is lost in the middle of the first call",
        Kind.FAX, _D, Cause.FAX_NO_CARRIER_MID_PAGE, Moment.LATER, tries=1, seconds=40, answered=True,
    ),
    "lost_after_last_page": Fault(
        "the line is lost after the last page",
        Kind.FAX, _U, Cause.FAX_LOST_AFTER_LAST_PAGE, Moment.LATER, answered=True, arrives=True,
    ),
    "gateway_silent": Fault(
        "the gateway takes it, and is not heard of again", Kind.FAX, _U, Cause.NONE, Moment.NEVER, answered=True
    ),
    "answer_lost": Fault(
        "the gateway takes it and its answer is lost; it tells the result later",
        Kind.FAX, _U, Cause.FAX_NO_ANSWER_AFTER_SUBMIT, answered=True, arrives=True,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outage:
    """A way out that takes nothing for a while, from the first letter of the day on."""

    says: str
    kind: Kind
    cause: Cause
    minutes: int = 60


OUTAGES: dict[str, Outage] = {
    "relay_down": Outage("the mail server cannot be reached for an hour", Kind.EMAIL, Cause.SMTP_CONNECT),
    "gateway_down": Outage(
        "the fax gateway cannot be reached for an hour", Kind.FAX, Cause.FAX_GATEWAY_UNREACHABLE
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Share:
    """How much of one thing."""

    share: float  #: 0 to 1
    figure: int = 0  #: tries that a fault hits in a row, or minutes that an outage lasts; 0: as the table says


@dataclass(frozen=True, slots=True)
class Mix:
    """What goes wrong in a rehearsal, and who answers."""

    name: str
    faults: Mapping[str, Share] = field(default_factory=dict)  #: by names of FAULTS
    outages: Mapping[str, Share] = field(default_factory=dict)  #: by names of OUTAGES
    answers: float = 0.0
    answer_days: tuple[int, int] = (
        1,
        20,
    )  #: the first and the last day after its arrival on which a letter is answered

    def of_kind(self, kind: Kind) -> dict[str, Share]:
        """The faults that a letter of that kind may meet with, in the order of the table."""
        return {name: self.faults[name] for name, one in FAULTS.items() if one.kind is kind and name in self.faults}


def _shares(**shares: float) -> dict[str, Share]:
    return {name: Share(share) for name, share in shares.items()}


_USUAL = _shares(
    greylisted=0.10, mailbox_full=0.01, no_mailbox=0.01, bounced=0.01, no_answer_after_data=0.005,
    busy=0.12, no_answer=0.06, person_answers=0.01, wrong_number=0.01, line_lost=0.03,
    lost_after_last_page=0.01, gateway_silent=0.005, answer_lost=0.005,
)  # fmt: skip
_BAD = _shares(
    greylisted=0.25, mailbox_full=0.04, no_mailbox=0.04, blocked=0.03, bounced=0.05, no_answer_after_data=0.02,
    busy=0.20, no_answer=0.12, person_answers=0.04, wrong_number=0.04, line_lost=0.10,
    lost_after_last_page=0.03, gateway_silent=0.02, answer_lost=0.02,
)  # fmt: skip
#: Our own assumptions, to have something to begin with: nobody has measured your list. A file says it better.
MIXES: dict[str, Mix] = {
    "none": Mix("none"),
    "usual": Mix("usual", _USUAL, _shares(relay_down=0.02, gateway_down=0.02), answers=0.10),
    "bad": Mix("bad", _BAD, _shares(relay_down=0.25, gateway_down=0.25), answers=0.05),
}


# -- files -------------------------------------------------------------------------------------------------------------

_TABLES = ("email", "fax", "outages", "answers")
_ANSWERS = ("share", "days")


def find_mix(name: str) -> Mix:
    """The mix of that name, or of that file. Raises UserError with every problem of the file."""
    if name in MIXES:
        return MIXES[name]
    path = Path(name)
    if not path.is_file():
        cause = f"there is no mix '{name}' and no such file"
        raise UserError(Problem("--faults", cause, f"Say {', '.join(MIXES)}, or name a .toml file", "E_FAULTS"))
    return read_mix(path)


def read_mix(path: Path) -> Mix:
    """Raises UserError with every problem, each with its key, cause and way out."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise UserError(
            Problem(str(path), f"it cannot be read: {fault}", "See docs/rehearsing.md", "E_FAULTS")
        ) from None
    reader = _Reader(str(path))
    mix = reader.mix(path.stem, data)
    if reader.problems:
        raise UserError(reader.problems)
    return mix


class _Reader:
    """Reads all of a file before a word of complaint is said."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.problems: list[Problem] = []

    def mix(self, name: str, data: Mapping[str, Any]) -> Mix:
        self._known("", data, _TABLES)
        faults: dict[str, Share] = {}
        for kind in Kind:
            mine = dict(self._table(data, kind.value))
            self._known(kind.value, mine, [key for key, one in FAULTS.items() if one.kind is kind])
            found = dict(self._each(kind.value, mine, FAULTS, "tries"))
            self._at_most_all(kind.value, found)
            faults |= found
        outages = self._table(data, "outages")
        self._known("outages", outages, OUTAGES)
        answers = self._table(data, "answers")
        self._known("answers", answers, _ANSWERS)
        share = self._share("answers.share", answers.get("share", 0))
        days = self._days(answers.get("days", [1, 20]))
        return Mix(name, faults, dict(self._each("outages", outages, OUTAGES, "minutes")), share, days)

    def _table(self, data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        found = data.get(key, {})
        if isinstance(found, dict):
            return found
        self._tell(key, "this is not a table", f"Write [{key}] on a line of its own")
        return {}

    def _each(
        self, table: str, given: Mapping[str, Any], known: Mapping[str, object], figure: str
    ) -> Iterator[tuple[str, Share]]:
        for name, value in given.items():
            if name in known:
                yield name, self._one(f"{table}.{name}", value, figure)

    def _one(self, key: str, value: object, figure: str) -> Share:
        if not isinstance(value, dict):
            return Share(self._share(key, value))
        self._known(key, value, ("share", figure))
        number = value.get(figure, 0)
        if type(number) is not int or not 0 <= number <= 10_000:
            self._tell(f"{key}.{figure}", f"{number!r} is not a whole number from 0 to 10,000", "Write one")
            number = 0
        return Share(self._share(f"{key}.share", value.get("share", 0)), number)

    def _share(self, key: str, value: object) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        self._tell(key, f"{value!r} is not a share", "Write a number from 0 to 1: 0.1 is one in ten")
        return 0.0

    def _days(self, value: object) -> tuple[int, int]:
        match value:
            case [int(first), int(last)] if 0 <= first <= last <= 1_000:
                return first, last
        self._tell("answers.days", f"{value!r} are not two days in order", "Write them as in [1, 20]")
        return 1, 20

    def _at_most_all(self, table: str, found: Mapping[str, Share]) -> None:
        if (total := sum(one.share for one in found.values())) > 1 + 1e-9:
            self._tell(
                table, f"its shares make {total:g}, and a letter meets with one fault", "Let them make 1 at most"
            )

    def _known(self, table: str, given: Mapping[str, Any], known: Any) -> None:
        for name in given:
            if name not in known:
                key = f"{table}.{name}" if table else name
                self._tell(key, f"'{name}' is not known here", f"Known are: {', '.join(known)}")

    def _tell(self, key: str, cause: str, way_out: str) -> None:
        self.problems.append(Problem(f"{self._path}: {key}", cause, way_out, "E_FAULTS"))
