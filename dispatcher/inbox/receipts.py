"""Read receipts (RFC 8098) and feedback reports (RFC 5965): what a reader's program, or a provider, says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dispatcher.domain.incoming import About
from dispatcher.domain.outcome import escape
from dispatcher.domain.words import BounceVerdict, Cause

from .addresses import address_in, first_id
from .message import Fields, Mail, Piece, read_fields
from .reasons import cause_of, verdict_of
from .report import statuses

_RECEIPTS = ("message/disposition-notification", "message/global-disposition-notification")
_FEEDBACK = ("message/feedback-report",)
_TYPED = re.compile(r"^[ \t]*[a-z0-9-]{1,32}[ \t]*;[ \t]*", re.IGNORECASE)
#: Of the letter in a complaint through Hotmail, which comes without a report.
_HOTMAIL = "x-hmxmroriginalrecipient"
_TYPE = re.compile(r"^feedback-type[ \t]*:", re.IGNORECASE | re.MULTILINE)
#: A filter of the recipient's that gives letters back says so in a read receipt (RFC 5429 section 2.1; Dovecot).
_REJECTED = re.compile(
    r"automatically (?:rejected|refused)|\bquota\b.{0,40}(?:exceeded|full)|mailbox is full", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A disposition notification, or one that gives the letter back (`rejected`)."""

    about: About
    original_id: str
    rejected: bool


def read_receipt(mail: Mail) -> Receipt | None:
    """None where the message is none."""
    piece = mail.piece(*_RECEIPTS)
    if piece is None:
        return None
    fields = read_fields(piece.text)
    address = _address(fields, "original-recipient", "final-recipient") or address_in(mail.fields["from"])
    disposition = fields["disposition"]
    action = re.split(r"[/,\s]", disposition.partition(";")[2].strip().lower() or disposition.strip().lower())[0]
    words = next((fields[name] for name in ("failure", "error", "warning") if fields[name]), disposition)
    rejected = action in ("deleted", "denied", "failed", "") and _REJECTED.search(mail.text) is not None
    if rejected:
        words = " ".join(mail.text.split())
        status = next(iter(statuses(words)), "")
        cause = cause_of(status, words)
        about = About(address, verdict_of(status, cause, words), cause, status, escape(words), "failed")
    else:
        about = About(address, detail=escape(words), action=action)
    return Receipt(about, first_id(fields["original-message-id"]), rejected)


@dataclass(frozen=True, slots=True)
class Complaint:
    """A feedback report: what kind of complaint, about which letter, by whom."""

    abouts: tuple[About, ...]
    original_id: str


def read_complaint(mail: Mail, heading: Fields) -> Complaint | None:
    """None where the message is none. `heading`: of the letter that came with it."""
    piece = mail.piece(*_FEEDBACK) or _typed_otherwise(mail)
    if piece is None and heading[_HOTMAIL]:
        about = About(address_in(heading[_HOTMAIL]), cause=Cause.EMAIL_COMPLAINED, detail="abuse", action="abuse")
        return Complaint((about,), "")
    if piece is None:
        return None
    fields = read_fields(piece.text)
    sort = fields["feedback-type"].strip().lower() or "abuse"
    named = list(fields.all("original-rcpt-to", "removal-recipient", "x-original-rcpt-to")) or [heading["to"]]
    refused = fields["delivery-result"].strip().lower() in ("reject", "policy")
    verdict = BounceVerdict.POLICY if refused else BounceVerdict.NONE
    cause = Cause.EMAIL_BLOCKED if sort.startswith("auth-failure") else Cause.EMAIL_COMPLAINED
    cause = Cause.NONE if sort == "not-spam" else cause
    addresses = dict.fromkeys(found for one in named if (found := address_in(one)))
    words = escape(" ".join(filter(None, (sort, fields["delivery-result"], fields["auth-failure"]))))
    abouts = tuple(About(one, verdict, cause, detail=words, action=sort) for one in addresses)
    return Complaint(abouts, first_id(fields["original-message-id"] or fields["x-original-message-id"]))


def _typed_otherwise(mail: Mail) -> Piece | None:
    """Some send the report's fields as a text part, in a multipart/report that says what it is."""
    if mail.parameters.get("report-type", "").lower() != "feedback-report":
        return None
    return next((one for one in mail.pieces if _TYPE.search(one.text)), None)


def _address(fields: Fields, *names: str) -> str:
    return next((found for name in names if (found := address_in(_TYPED.sub("", fields[name])))), "")
