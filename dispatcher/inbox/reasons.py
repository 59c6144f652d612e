"""Why a letter did not arrive, by a report's status, reply code and words; and what that says of the address.

The tables are data: `domain/status.py` for codes, which the channels read too, and `reasons.toml` for words.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from dispatcher.domain.status import BY_CODE, SURE, cause_of_report
from dispatcher.domain.words import BounceVerdict, Cause

_TABLE = Path(__file__).with_name("reasons.toml")
#: A reply as it is quoted: its code at the head of a line, or behind what announces it.
_CODE = re.compile(r"(?:^|[\s:;#(\"'>=<|\[])([45]\d\d)(?=[\s\-]+(?:\S|$)|$)")
_ADDRESS = re.compile(r"<?[^\s<>@]{1,128}@[^\s<>@]{1,255}>?")
_TO_RCPT = re.compile(r"\bRCPT\b|recipient", re.IGNORECASE)
#: The cause of a permanent failure → what it says of the address. Causes that are not named say that it is wrong.
_VERDICTS = {
    Cause.EMAIL_MAILBOX_FULL: BounceVerdict.SOFT,  # a full mailbox is not a dead one
    Cause.EMAIL_GREYLISTED: BounceVerdict.SOFT,
    Cause.EMAIL_UNREACHABLE: BounceVerdict.SOFT,
    Cause.SMTP_BUSY: BounceVerdict.SOFT,
    Cause.EMAIL_BLOCKED: BounceVerdict.POLICY,
    Cause.EMAIL_TOO_BIG: BounceVerdict.POLICY,
}


def cause_of(status: str, words: str) -> Cause:
    """Why a letter came back; EMAIL_REFUSED where nothing tells more."""
    if status in SURE:
        return SURE[status]
    code = reply_code(words)
    said, stated = by_words(words), cause_of_report(status)
    if said is Cause.EMAIL_NO_MAILBOX and (status[:1] == "4" or (not status and 400 <= code <= 499)):
        return stated or BY_CODE.get(code) or said  # "unavailable" for now, as greylisting has it
    return said or stated or (None if status[:1] == "5" else BY_CODE.get(code)) or _bare(code, words)


def _bare(code: int, words: str) -> Cause:
    """A bare 550 speaks of the mailbox when it answers RCPT."""
    return Cause.EMAIL_NO_MAILBOX if code in (550, 553) and _TO_RCPT.search(words) else Cause.EMAIL_REFUSED


def verdict_of(status: str, cause: Cause, words: str = "") -> BounceVerdict:
    """What a failure says of the address: the class of the status decides, the cause only where it is permanent."""
    kind = status[:1] or str(reply_code(words))[:1]
    if kind == "4":
        return BounceVerdict.SOFT
    return _VERDICTS.get(cause, BounceVerdict.HARD)


def by_words(words: str) -> Cause | None:
    """The cause that the words name; None where they name none."""
    line = " ".join(_ADDRESS.sub("<>", words).split())  # policy@x.example and spam@x.example say nothing
    return next((cause for cause, pattern in _reasons() if pattern.search(line)), None)


def reply_code(words: str) -> int:
    """The last SMTP reply code that is quoted in a text; 0 where there is none."""
    found = _CODE.findall(words)
    return int(found[-1]) if found else 0


@cache
def _reasons() -> tuple[tuple[Cause, re.Pattern[str]], ...]:
    tree = tomllib.loads(_TABLE.read_text("utf-8"))
    return tuple((Cause(one["cause"]), re.compile("|".join(one["words"]), re.IGNORECASE)) for one in tree["reason"])
