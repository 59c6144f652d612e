"""What was read in one message that came in: plain values, which decide nothing and match nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from .words import BounceVerdict, Cause, Incoming


@dataclass(frozen=True, slots=True)
class About:
    """What a message says of one recipient of a letter."""

    address: str  #: as the letter named it where that is told, else as the far end has it; a fax number as +digits
    verdict: BounceVerdict = BounceVerdict.NONE
    cause: Cause = Cause.NONE
    status: str = ""  #: the enhanced status code (RFC 3463) that was stated; '' where none was
    detail: str = ""  #: the far end's own words, escaped, at most 512 characters
    action: str = (
        ""  #: RFC 3464 section 2.3.3: failed, delayed, delivered, relayed, expanded; MDN: displayed, deleted …
    )
    final: str = ""  #: where it came to in the end, where that is another address
    remote: str = ""  #: the mail server that said so
    retry_until: datetime | None = None  #: of a delay: until when it is tried


@dataclass(frozen=True, slots=True)
class Reading:
    """One message, as read. Texts are empty where the message does not say; ids stand in their angle brackets."""

    kind: Incoming
    recipients: tuple[About, ...] = ()
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    sender: str = ""  #: the address in From
    subject: str = ""
    written: datetime | None = None  #: Date, as it states it
    original_id: str = ""  #: Message-ID of the letter that it is about, as the message states it
    envelope_id: str = ""  #: ENVID of that letter (RFC 3461 section 4.4)
    arrived_for: tuple[str, ...] = ()  #: whom the envelope named, as our own side noted it: may hold our return path
    returns: date | None = None  #: of an auto-reply: the stated day of return, or the last day away
    sign: str = ""  #: what it was told by, for people: 'RFC 3464', 'X-Failed-Recipients' …
