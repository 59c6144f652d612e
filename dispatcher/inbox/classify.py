"""One raw message → what it is and what it says of whom: the order in which the readers are asked, surest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from dispatcher.domain.incoming import About, Reading
from dispatcher.domain.outcome import escape
from dispatcher.domain.words import Incoming

from . import signs
from .addresses import addresses_in, first_id, ids_in, sender_in
from .dates import return_day
from .fax import read_fax
from .free import failing, failures, read_groups
from .message import Fields, Mail, read
from .original import notice, original_heading
from .quoting import own_words
from .receipts import read_complaint, read_receipt
from .report import Report, instant, read_report

#: Where our own side noted whom the envelope named (RFC 5321 section 7.2 warns of it; Postfix, Exim, Dovecot, others).
_ENVELOPE = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-rcpt-to",
    "x-delivered-to",
    "apparently-to",
)
_REPLY = re.compile(
    r"^\s*(?:re|aw|sv|vs|antw|ynt|odp|rif|res|ref|fwd?|wg|tr|i|enc|rv|doorst|回复|回覆|答复|رد|отв|ответ)(?:\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)
_WORST = ("failed", "delayed", "delivered", "relayed", "expanded", "")
#: Characters at the head of a message in which a program says that somebody is away.
_HEAD = 700
_SHORT = 1500


@dataclass(frozen=True, slots=True)
class _Case:
    """A message, with what several readers ask of it."""

    mail: Mail
    heading: Fields  #: of the returned letter
    said: str  #: what stands before it
    own: str  #: what of that is not quoted
    subject: str
    sender: str  #: the whole From field
    ours: tuple[str, ...]  #: addresses that it came to
    machine: str  #: the sign that a mail system wrote it; '' where there is none
    answers: bool  #: its subject is that of a reply


def classify(raw: bytes) -> Reading:
    """Read one message. Raises limits.TooMuch where it is over a bound."""
    mail = read(raw)
    case = _case(mail)
    for reader in _READERS:
        found = reader(case)
        if found is not None:
            return _headed(case, found)
    return _headed(case, Reading(Incoming.UNKNOWN, sign="no sign of anything"))


def _case(mail: Mail) -> _Case:
    said = notice(mail)
    fields = mail.fields
    sender = fields["from"] or fields["sender"]
    ours = tuple(
        dict.fromkeys(one for value in fields.all("to", *_ENVELOPE) for one in addresses_in(value.replace("=", "\x00")))
    )
    plain = tuple(dict.fromkeys(_envelope_address(value) for value in fields.all("to", *_ENVELOPE)))
    empty_path = any(value.strip() in ("<>", "") for value in fields.all("return-path"))
    wrote = sender or fields["return-path"]
    machine = signs.found("machine", "senders", wrote) or ("Return-Path: <>" if empty_path else "")
    machine = machine or (mail.media if mail.media == "multipart/report" else "")
    answers = _REPLY.match(fields["subject"]) is not None
    own = own_words(said)
    return _Case(mail, original_heading(mail), said, own, fields["subject"], sender, (*plain, *ours), machine, answers)


def _envelope_address(value: str) -> str:
    return sender_in(value)


def _headed(case: _Case, found: Reading) -> Reading:
    """What every message says of itself, and of the letter that it is about."""
    fields = case.mail.fields
    arrived = dict.fromkeys(filter(None, (_envelope_address(value) for value in fields.all(*_ENVELOPE, "to"))))
    return replace(
        found,
        message_id=first_id(fields["message-id"]),
        in_reply_to=first_id(fields["in-reply-to"]),
        references=ids_in(fields["references"]) if "<" in fields["references"] else (),
        sender=sender_in(case.sender),
        subject=escape(case.subject),
        written=instant(fields["date"]),
        original_id=found.original_id or first_id(case.heading["message-id"]),
        arrived_for=tuple(arrived),
    )


# -- what the standards have a form for --------------------------------------------------------------------------------


def _complaint(case: _Case) -> Reading | None:
    found = read_complaint(case.mail, case.heading)
    if found is None:
        return None
    return Reading(Incoming.FEEDBACK_REPORT, found.abouts, original_id=found.original_id, sign="RFC 5965")


def _receipt(case: _Case) -> Reading | None:
    found = read_receipt(case.mail)
    if found is None:
        return None
    kind = Incoming.BOUNCE if found.rejected else Incoming.READ_RECEIPT
    return Reading(kind, (found.about,), original_id=found.original_id, sign="RFC 8098")


def _report(case: _Case) -> Reading | None:
    found = read_report(case.mail, inline=bool(case.machine))
    if found is None:
        return None
    abouts = _once(read_groups(found, case.said))
    kind = _kind_of(abouts) or _kind_of_text(case)
    if not abouts and kind in (Incoming.BOUNCE, Incoming.DELAY):
        abouts = failures(case.mail, case.said, case.heading, case.ours, late=kind is Incoming.DELAY)
    if not abouts and kind is None:
        return None
    return Reading(kind or Incoming.UNKNOWN, abouts, envelope_id=_envelope_id(found), sign="RFC 3464")


def _kind_of(abouts: tuple[About, ...]) -> Incoming | None:
    """The worst that is said of anybody."""
    actions = {one.action for one in abouts}
    if "failed" in actions:
        return Incoming.BOUNCE
    if "delayed" in actions:
        return Incoming.DELAY
    return Incoming.DELIVERY_RECEIPT if actions - {""} else None


def _once(abouts: Iterable[About]) -> tuple[About, ...]:
    """Each address once, with the worst that is said of it: forwarding makes some systems repeat themselves."""
    kept: dict[str, About] = {}
    for one in abouts:
        other = kept.get(one.address.lower())
        if other is None or _WORST.index(one.action) < _WORST.index(other.action):
            kept[one.address.lower()] = one
    return tuple(kept.values())


def _envelope_id(report: Report) -> str:
    return escape(report.whole.fields.get("original-envelope-id", "").strip("<> "), 255)


# -- free forms --------------------------------------------------------------------------------------------------------


def _fax(case: _Case) -> Reading | None:
    found = read_fax(case.mail)
    return Reading(Incoming.FAX_FEEDBACK, found, sign="words of a fax gateway") if found else None


def _free_form(case: _Case) -> Reading | None:
    kind = _kind_of_text(case)
    if kind is None:
        return None
    abouts = failures(case.mail, case.said, case.heading, case.ours, late=kind is Incoming.DELAY)
    return Reading(kind, abouts, sign=f"its words and: {case.machine or 'its subject'}")


def _kind_of_text(case: _Case) -> Incoming | None:
    """Bounce or delay, by sender, subject and words together; None where they do not tell."""
    if "x-failed-recipients" in case.mail.fields:
        return Incoming.DELAY if _late(case) else Incoming.BOUNCE
    subject = signs.found("bounce", "subjects", case.subject) or signs.found("delay", "subjects", case.subject)
    phrase = signs.found("bounce", "phrases", case.own) or signs.found("delay", "phrases", case.own)
    certain = signs.found("bounce", "certain", case.own)
    threaded = case.answers and bool(case.mail.fields["in-reply-to"] or case.mail.fields["references"])
    replied = signs.header("auto", case.mail.fields) and not subject
    enclosed = bool(case.heading["message-id"]) and signs.found("crowd", "senders", case.sender)
    by_a_machine = (case.machine or enclosed) and not replied
    told = certain or phrase
    if (by_a_machine and (told or subject)) or (told and subject and not case.answers) or (certain and not threaded):
        return Incoming.DELAY if _late(case) else Incoming.BOUNCE
    if by_a_machine or (subject and not threaded):
        temporary, permanent = failing(case.mail)
        return Incoming.BOUNCE if permanent else Incoming.DELAY if temporary else None
    return None


def _late(case: _Case) -> bool:
    subject = signs.found("delay", "subjects", case.subject)
    phrase = signs.found("delay", "phrases", case.own)
    given_up = signs.found("delay", "but", case.own)
    return bool(phrase and (subject or not given_up))


def _challenge(case: _Case) -> Reading | None:
    by = signs.header("challenge", case.mail.fields) or signs.found("challenge", "senders", f"{case.sender} {case.own}")
    if signs.found("bounce", "subjects", case.subject) and not signs.header("challenge", case.mail.fields):
        return None
    subject = "" if case.answers else signs.found("challenge", "subjects", case.subject)
    phrase = signs.found("challenge", "phrases", case.own)
    if phrase and (by or subject):
        return Reading(Incoming.CHALLENGE, sign=f"its words and: {by or subject}")
    return None


def _auto_reply(case: _Case) -> Reading | None:
    sign = _automatic(case)
    if not sign:
        return None
    words = f"{case.subject}\n{case.own}"
    return Reading(Incoming.AUTO_REPLY, returns=return_day(words, _written(case)), sign=sign)


def _automatic(case: _Case) -> str:
    fields = case.mail.fields
    if name := signs.header("auto", fields):
        return name
    if subject := signs.found("auto", "subjects", case.subject):
        return subject
    head = case.own[:_HEAD]
    away, automatic = signs.found("auto", "away", head), signs.found("auto", "automatic", case.own)
    received = signs.found("auto", "acknowledged", case.own)
    generated = fields["auto-submitted"].lower().startswith("auto-generated")
    hint = "" if case.answers else signs.found("auto", "hints", case.subject)
    if generated and (fields["in-reply-to"] or hint or away or received):
        return "Auto-Submitted: auto-generated"
    if hint and (automatic or (away and len(case.own) < _SHORT)):
        return f"its words and: {hint}"
    if automatic and (received or away):
        return automatic
    return away if away and len(case.own) < _HEAD and signs.found("auto", "away", case.own[:200]) else ""


def _written(case: _Case) -> date | None:
    found = instant(case.mail.fields["date"])
    return found.date() if found else None


def _read_or_delivered(case: _Case) -> Reading | None:
    for table, kind in (("read", Incoming.READ_RECEIPT), ("delivered", Incoming.DELIVERY_RECEIPT)):
        subject, phrase = signs.found(table, "subjects", case.subject), signs.found(table, "phrases", case.own)
        if subject and phrase:
            return Reading(kind, sign=f"its words and: {subject}")
    return None


def _crowd(case: _Case) -> Reading | None:
    """Newsletters, notices of programs: nobody wrote to us."""
    fields = case.mail.fields
    generated = fields["auto-submitted"].lower().startswith("auto-")
    sign = signs.header("crowd", fields) or signs.found("crowd", "senders", case.sender)
    sign = sign or ("Auto-Submitted" if generated else "") or case.machine
    return Reading(Incoming.UNKNOWN, sign=f"no person's, by: {sign}") if sign else None


def _answer(case: _Case) -> Reading | None:
    worded = bool(case.own.strip()) or len(case.mail.pieces) > 1 or bool(case.subject)
    if not (worded and sender_in(case.sender)):
        return None
    return Reading(Incoming.ANSWER, sign="nothing that a program leaves")


_READERS: tuple[Callable[[_Case], Reading | None], ...] = (
    _complaint, _receipt, _report, _fax, _challenge, _free_form, _auto_reply, _read_or_delivered, _crowd, _answer,
)  # fmt: skip
