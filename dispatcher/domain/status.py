"""What the codes of mail say, in our words: enhanced status codes and bare reply codes → Cause.

The channels read them in replies to us, the inbox in reports that come later: one table for both.
"""

from __future__ import annotations

import re

from .words import Cause

#: RFC 3463 (January 2003) with the IANA registry "SMTP Enhanced Status Codes" of 2026-01: 'class.subject.detail', or
#: 'x.…' for either class. The most exact row wins.
BY_ENHANCED: dict[str, Cause] = {
    "5.1.1": Cause.EMAIL_NO_MAILBOX,
    "5.1.2": Cause.EMAIL_NO_MAILBOX,
    "5.1.3": Cause.EMAIL_NO_MAILBOX,
    "5.1.6": Cause.EMAIL_NO_MAILBOX,  # mailbox has moved
    "5.1.10": Cause.EMAIL_NO_MAILBOX,  # RFC 7505: a null MX
    "5.2.1": Cause.EMAIL_NO_MAILBOX,  # mailbox disabled
    "4.2.1": Cause.EMAIL_GREYLISTED,
    "x.2.2": Cause.EMAIL_MAILBOX_FULL,
    "5.2.3": Cause.EMAIL_TOO_BIG,
    "x.3.1": Cause.SMTP_BUSY,  # the system's disk is full, not the mailbox
    "4.3.2": Cause.SMTP_BUSY,
    "x.3.4": Cause.EMAIL_TOO_BIG,
    "4.4.5": Cause.SMTP_BUSY,
    "4.7.1": Cause.EMAIL_GREYLISTED,
    "4.7.0": Cause.EMAIL_GREYLISTED,
    "5.7": Cause.EMAIL_BLOCKED,
}
#: Further rows for reports, which always speak of a recipient; in a reply to us they may speak of ourselves.
OF_A_RECIPIENT: dict[str, Cause] = {
    "5.1.0": Cause.EMAIL_NO_MAILBOX,
    "5.1.4": Cause.EMAIL_NO_MAILBOX,  # ambiguous
    "5.1.7": Cause.EMAIL_BLOCKED,
    "5.1.8": Cause.EMAIL_BLOCKED,
    "4.1": Cause.EMAIL_GREYLISTED,
    "4.3": Cause.SMTP_BUSY,
    "5.4.1": Cause.EMAIL_UNREACHABLE,
    "5.4.4": Cause.EMAIL_NO_MAILBOX,  # unable to route: no such domain
    "x.4.7": Cause.EMAIL_UNREACHABLE,  # delivery time expired
    "4.4": Cause.EMAIL_UNREACHABLE,
    "4.5.3": Cause.SMTP_BUSY,
    "4.7": Cause.EMAIL_GREYLISTED,
}
#: Statuses that no words beside them make doubtful.
SURE = {
    **dict.fromkeys(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"), Cause.EMAIL_NO_MAILBOX),
    **dict.fromkeys(("4.2.2", "5.2.2"), Cause.EMAIL_MAILBOX_FULL),
    **dict.fromkeys(("5.2.3", "5.3.4"), Cause.EMAIL_TOO_BIG),
}
#: RFC 5321 (October 2008) section 4.2.3, for replies without an enhanced code.
BY_CODE: dict[int, Cause] = {
    421: Cause.SMTP_BUSY,
    450: Cause.EMAIL_GREYLISTED,
    451: Cause.EMAIL_GREYLISTED,
    452: Cause.SMTP_BUSY,
    551: Cause.EMAIL_NO_MAILBOX,
    552: Cause.EMAIL_TOO_BIG,  # RFC 1870 section 6.1
    553: Cause.EMAIL_NO_MAILBOX,
}

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")


def cause_of_reply(code: int, text: str) -> Cause | None:
    """Why a server replied so; None where neither its enhanced status, at the head of `text`, nor its code explains.

    A permanent reply with a status that is not in the table stays unexplained: its bare code says less.
    """
    found = _ENHANCED.match(text)
    if found and found[1] == str(code)[0]:
        cause = cause_of_status(found[0])
        if cause or found[1] == "5":
            return cause
    return BY_CODE.get(code)


def cause_of_status(status: str) -> Cause | None:
    """Why, by the enhanced status code alone ('5.1.1'); None where the table does not explain it."""
    return _row(status, BY_ENHANCED)


def _row(status: str, table: dict[str, Cause]) -> Cause | None:
    kind, _, rest = status.partition(".")
    rows = (status, f"x.{rest}", f"{kind}.{rest.partition('.')[0]}")
    return next((table[row] for row in rows if row in table), None)


def cause_of_report(status: str) -> Cause | None:
    """Why, by the status in a report about a recipient."""
    return _row(status, OF_A_RECIPIENT | BY_ENHANCED)
