"""The error tree. Only our own inability, or a person's mistake, is an exception; what a far end says is an Outcome.

DispatcherError                    exit   HTTP
├── UserError                        2     422   carries every problem: place, cause, way out
│   ├── SettingsError
│   ├── CampaignError
│   ├── TemplateError
│   └── ImportError_
├── NotFound                         3     404
├── Forbidden                        4     403
├── Conflict                         5     409
│   ├── IllegalMove
│   ├── LostClaim
│   └── CountChanged
├── CheckFailed                      6     500
│   ├── AuditBroken
│   ├── AuditUnchecked
│   ├── BadSeal
│   ├── BundleWrong
│   └── DoctorFailed
└── ChannelError                    75     503
    └── NoticeRejected              75     401
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in what a person gave us."""

    place: str  #: file, or file:line, or file:line column; '' where there is none
    cause: str  #: what is wrong, in one plain sentence
    way_out: str = ""  #: what to do about it
    code: str = ""  #: stable name, such as E_ADDR_MANY

    def __str__(self) -> str:
        head = " ".join(part for part in (f"{self.place}:" if self.place else "", self.code) if part)
        text = f"{head} {self.cause}".strip()
        return f"{text}. {self.way_out}" if self.way_out else text


class DispatcherError(Exception):
    """Anything that we say ourselves."""

    exit_code = 1
    http_status = 500


class UserError(DispatcherError):
    """What a person gave us cannot be used. Carries all problems at once."""

    exit_code = 2
    http_status = 422

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem("", problems)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SettingsError(UserError):
    """The configuration cannot be used."""


class CampaignError(UserError):
    """A campaign file cannot be used, or a campaign is not ready for what was asked."""


class TemplateError(UserError):
    """A letter's template cannot be rendered."""


class ImportError_(UserError):
    """Contact rows cannot be imported."""


class NotFound(DispatcherError):
    """No such thing."""

    exit_code = 3
    http_status = 404


class Forbidden(DispatcherError):
    """The actor may not do this."""

    exit_code = 4
    http_status = 403


class Conflict(DispatcherError):
    """The thing has changed, or is not in a state for what was asked."""

    exit_code = 5
    http_status = 409


class IllegalMove(Conflict):
    """This signal may not follow this state."""


class LostClaim(Conflict):
    """The lease is no longer ours: stop before anything leaves."""


class CountChanged(Conflict):
    """A bulk act would touch another number of rows than the person was shown."""


class CheckFailed(DispatcherError):
    """A check that was asked for found something wrong."""

    exit_code = 6
    http_status = 500


class AuditBroken(CheckFailed):
    """The audit log does not hold together, or is not what was sealed. The exit code tells which."""

    def __init__(self, words: str, exit_code: int = 3) -> None:
        super().__init__(words)
        self.exit_code = exit_code


class BundleWrong(CheckFailed):
    """An evidence bundle is not what it was when it was made, or cannot be checked. The exit code tells which."""

    def __init__(self, words: str, exit_code: int) -> None:
        super().__init__(words)
        self.exit_code = exit_code


class BadSeal(CheckFailed):
    """A seal of the audit log was altered, or made by somebody else."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))


class AuditUnchecked(CheckFailed):
    """The audit log could not be checked: what it is to be held against, or the log itself, cannot be read."""

    exit_code = 7

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))


class DoctorFailed(CheckFailed):
    """The installation is not fit to send."""


class ChannelError(DispatcherError):
    """A channel cannot be used at all (not: a letter could not be delivered)."""

    exit_code = 75
    http_status = 503


class NoticeRejected(ChannelError):
    """A callback is not provably from the provider; nothing may change because of it."""

    http_status = 401
