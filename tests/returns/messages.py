"""Writes what comes back: reports, receipts, automatic replies and answers about one letter, after the RFCs' forms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from itertools import count

from dispatcher.domain.model import Delivery

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a far end knows of one letter that it was sent."""

    message_id: str
    address: str
    return_path: str = ""  #: the envelope sender; '' where the far end has lost it
    envelope_id: str = ""  #: as it was stated, where it was
    subject: str = "Air strikes"


def letter_of(one: Delivery, return_path: str = "", envelope_id: str = "") -> Letter:
    return Letter(one.message_id, one.address, return_path, envelope_id)


def report(
    letter: Letter,
    action: str = "failed",
    status: str = "5.1.1",
    words: str = "550 5.1.1 no such user",
    *,
    until: datetime | None = None,
    about: str = "",
) -> bytes:
    """A delivery status notification (RFC 3464) as it comes to the return path."""
    address = about or letter.address
    lines = [
        "Return-Path: <>",
        f"Delivered-To: {letter.return_path or 'letters@coalition.example'}",
        "From: Mail Delivery System <mailer-daemon@mx.ardesia.example>",
        f"To: {letter.return_path or 'letters@coalition.example'}",
        "Subject: Delivery Status Notification",
        f"Message-ID: <report-{next(_NUMBERS)}@mx.ardesia.example>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        f"This is about your letter to {address}: {action}.",
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.ardesia.example",
        *([f"Original-Envelope-Id: {letter.envelope_id}"] if letter.envelope_id else []),
        "",
        f"Final-Recipient: rfc822; {address}",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; {words}",
        *([f"Will-Retry-Until: {format_datetime(until)}"] if until else []),
        "",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        *([f"Message-ID: {letter.message_id}"] if letter.message_id else []),
        f"To: {address}",
        f"Subject: {letter.subject}",
        "",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def delayed(letter: Letter, until: datetime | None = None) -> bytes:
    return report(letter, "delayed", "4.4.1", "451 4.4.1 connection timed out", until=until)


def receipt(letter: Letter, action: str = "delivered") -> bytes:
    return report(letter, action, "2.0.0", "250 2.0.0 ok")


def read_receipt(letter: Letter) -> bytes:
    """A message disposition notification (RFC 8098)."""
    lines = [
        f"From: {letter.address}",
        "To: letters@coalition.example",
        f"Subject: Read: {letter.subject}",
        f"Message-ID: <read-{next(_NUMBERS)}@ardesia.example>",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "Your message was displayed.",
        "",
        "--b",
        "Content-Type: message/disposition-notification",
        "",
        f"Final-Recipient: rfc822; {letter.address}",
        f"Original-Message-ID: {letter.message_id}",
        "Disposition: manual-action/MDN-sent-manually; displayed",
        "",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def mail(letter: Letter, text: str, *fields: str, sender: str = "", cites: bool = True) -> bytes:
    """A message of a person, or, with the fields of one, of a program."""
    lines = [
        f"From: The Mission <{sender or letter.address}>",
        "To: letters@coalition.example",
        f"Subject: Re: {letter.subject}",
        f"Message-ID: <mail-{next(_NUMBERS)}@ardesia.example>",
        *([f"In-Reply-To: {letter.message_id}", f"References: {letter.message_id}"] if cites else []),
        *fields,
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        text,
        "",
    ]
    return "\r\n".join(lines).encode()


def answer(letter: Letter, *, sender: str = "", cites: bool = True) -> bytes:
    words = "Thank you for your letter. The Permanent Mission will consider it with care.\r\n\r\nThe First Secretary"
    return mail(letter, words, sender=sender, cites=cites)


def out_of_office(letter: Letter, back: str = "", *, cites: bool = True) -> bytes:
    """`back`: the day of return, as it is stated: 'October 20, 2015'."""
    words = "I am out of the office" + (f" and will be back on {back}." if back else ".")
    return mail(letter, words, "Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All", cites=cites)


def complaint(letter: Letter) -> bytes:
    """A feedback report (RFC 5965)."""
    lines = [
        "From: feedback@isp.example",
        "To: abuse@coalition.example",
        "Subject: FW: complaint",
        f"Message-ID: <arf-{next(_NUMBERS)}@isp.example>",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "This is an email abuse report.",
        "",
        "--b",
        "Content-Type: message/feedback-report",
        "",
        "Feedback-Type: abuse",
        "User-Agent: Feedback/1.0",
        "Version: 1",
        f"Original-Rcpt-To: {letter.address}",
        "",
        "--b",
        "Content-Type: message/rfc822",
        "",
        f"Message-ID: {letter.message_id}",
        f"To: {letter.address}",
        f"Subject: {letter.subject}",
        "",
        "text",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def without_return_path(letter: Letter) -> Letter:
    return replace(letter, return_path="")
