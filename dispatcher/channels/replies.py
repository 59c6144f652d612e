"""What an SMTP server's reply comes to: the tables reply code → Cause, and nothing else.

The first digit decides the verdict (RFC 5321 section 4.2.1); the enhanced status code only explains it.
"""

from __future__ import annotations

import re

from dispatcher.domain.outcome import Outcome, escape
from dispatcher.domain.words import Cause, Verdict

from .hints import asked_wait

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
#: RFC 4954 section 6 and RFC 3207 section 4: the relay wants a login, or TLS, that it did not get. No letter's fault.
NOT_ADMITTED = frozenset({530, 534, 535, 538})

#: Said to MAIL, when no recipient was named yet, these speak of us: policy (RFC 3463 section 3.8), the sender's system.
REFUSES_US = re.compile(r"5\.(7\.\d{1,3}|1\.8)(?=\s|$)")

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")
_QUEUE_ID = re.compile(r"(?:queued as|\bid=|InternalId=)[ <]*([A-Za-z0-9._-]{1,128})", re.IGNORECASE)


def positive(code: int) -> bool:
    """Is this a completion reply? Any 2yz after the dot means that the server took the letter."""
    return 200 <= code <= 299


def words(code: int, text: str) -> str:
    """A reply as one safe line."""
    return escape(f"{code} {' '.join(text.split(chr(10)))}".strip())


def queue_id(text: str) -> str:
    """The server's own name for the letter, where its reply gives one."""
    found = _QUEUE_ID.search(text)
    return found[1] if found else ""


def negative(code: int, text: str, *, recipient: bool = False) -> Outcome:
    """The outcome of a reply that is not the hoped-for one, while the letter has surely not been accepted.

    `recipient`: it answers RCPT, where a bare 550 speaks of the mailbox.
    """
    detail = words(code, text)
    if code in NOT_ADMITTED:
        return Outcome(Verdict.UNSENT, Cause.SMTP_AUTH, detail)
    if 400 <= code <= 499:
        cause = _cause(code, text) or Cause.SMTP_BUSY
        return Outcome(Verdict.DEFERRED, cause, detail, again_after=asked_wait(text))
    if 500 <= code <= 599:
        bare = Cause.EMAIL_NO_MAILBOX if recipient and code == 550 else Cause.EMAIL_REFUSED
        return Outcome(Verdict.REFUSED, _cause(code, text) or bare, detail)
    return out_of_step(detail)


def returned(status: str) -> Cause:
    """Why a relay gave a letter back that it had taken, by the enhanced status code in its report or log ('5.1.1')."""
    return _cause(550, f"5{status[1:]}") or Cause.EMAIL_REFUSED  # it will not try again, whatever class it had


def refuses_us(code: int, text: str) -> bool:
    """Does this reply to MAIL say that the relay takes nothing from us, whoever it is for?"""
    return 500 <= code <= 599 and code not in NOT_ADMITTED and REFUSES_US.match(text) is not None


def is_answer(outcome: Outcome) -> bool:
    """Did the relay answer about this letter, so that it is fit, whatever it said? Not when it only fell silent."""
    told = outcome.verdict in (Verdict.DEFERRED, Verdict.REFUSED)
    return told and outcome.cause not in (Cause.SMTP_PEER, Cause.SMTP_BUSY)


def out_of_step(detail: str) -> Outcome:
    """The server spoke out of turn or not SMTP, before the letter was complete."""
    return Outcome(Verdict.DEFERRED, Cause.SMTP_PEER, escape(detail))


def _cause(code: int, text: str) -> Cause | None:
    found = _ENHANCED.match(text)
    if found and found[1] == str(code)[0]:
        kind, subject, detail = found.groups()
        rows = (f"{kind}.{subject}.{detail}", f"x.{subject}.{detail}", f"{kind}.{subject}")
        cause = next((BY_ENHANCED[row] for row in rows if row in BY_ENHANCED), None)
        if cause or kind == "5":
            return cause
    return BY_CODE.get(code)
