"""What an SMTP server's reply to us comes to, and nothing else; what its codes mean stands in `domain.status`.

The first digit decides the verdict (RFC 5321 section 4.2.1); the enhanced status code only explains it.
"""

from __future__ import annotations

import re

from dispatcher.domain.outcome import Outcome, escape
from dispatcher.domain.status import cause_of_reply
from dispatcher.domain.words import Cause, Verdict

from .hints import asked_wait

#: RFC 4954 section 6 and RFC 3207 section 4: the relay wants a login, or TLS, that it did not get. No letter's fault.
NOT_ADMITTED = frozenset({530, 534, 535, 538})

#: Said to MAIL, when no recipient was named yet, these speak of us: policy (RFC 3463 section 3.8), the sender's system.
REFUSES_US = re.compile(r"5\.(7\.\d{1,3}|1\.8)(?=\s|$)")

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
        cause = cause_of_reply(code, text) or Cause.SMTP_BUSY
        return Outcome(Verdict.DEFERRED, cause, detail, again_after=asked_wait(text))
    if 500 <= code <= 599:
        bare = Cause.EMAIL_NO_MAILBOX if recipient and code == 550 else Cause.EMAIL_REFUSED
        return Outcome(Verdict.REFUSED, cause_of_reply(code, text) or bare, detail)
    return out_of_step(detail)


def returned(status: str) -> Cause:
    """Why a relay gave a letter back that it had taken, by the enhanced status code in its report or log ('5.1.1')."""
    return cause_of_reply(550, f"5{status[1:]}") or Cause.EMAIL_REFUSED  # it will not try again, whatever class it had


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
