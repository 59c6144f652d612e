"""Reads the mails that come back about a fax by email: a gateway's own status mail, and the relays' DSNs.

A DSN speaks of the mail to the gateway: it is news of the submission, and never proof of a fax (RFC 3965 section 3). Of
the gateways only InterFAX documents a status mail that a program can read: Upland, "Fax feedback formats", XML and CSV,
as of 2026-11. Never tried with a mail of the live service. Whether the mail is the gateway's is for its caller to say.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from lxml import etree

from dispatcher.domain.outcome import Outcome, Report, escape
from dispatcher.domain.words import Cause, Verdict

from . import posting
from .interfax import LINE, STATUS

#: The fields of InterFAX' CSV, in their order; the names are those of its XML.
FIELDS = (
    *("TransactionID", "CSID", "PagesSent", "Status", "OriginalSubject", "DestinationFax", "Duration"),
    *("SubmitTime", "CompletionTime", "Contact"),
)
#: A DSN's Action (RFC 3464 section 2.3.3) → what it means for the mail to the gateway.
ACTIONS: dict[str, posting.Meaning] = {
    "delivered": (Verdict.ACCEPTED, Cause.NONE),
    "relayed": (Verdict.ACCEPTED, Cause.NONE),
    "expanded": (Verdict.ACCEPTED, Cause.NONE),
    "delayed": (Verdict.ACCEPTED, Cause.NONE),
    "failed": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
}
LIMIT = 256 * 1024  #: bytes of a mail
#: Our reference at the beginning of a subject; switches of the gateway's may follow it.
_ATTEMPT = re.compile(r"([a-z0-9]{1,24}\.[0-9]{1,6})(?:\s|$)")
_FACTS = ("TransactionID", "Status", "Duration", "DestinationFax", "CompletionTime")


def read(mail: bytes) -> list[Report]:
    """The reports in a mail; none where there is nothing that can be read for certain."""
    if len(mail) > LIMIT:
        return []
    message = message_from_bytes(mail, policy=policy.default)
    seal = escape(str(message.get("authentication-results", "")), 200)
    extra = {"authentication": seal} if seal else {}
    found = list(_delivery_status(message)) if _is_dsn(message) else list(_feedback(message))
    digest = hashlib.sha256(mail).hexdigest()[:32]
    return [
        Report(attempt_id, f"mail/{digest}/{number}", _with(outcome, extra), mail)
        for number, (attempt_id, outcome) in enumerate(found)
    ]


def _with(outcome: Outcome, facts: Mapping[str, str]) -> Outcome:
    return Outcome(
        outcome.verdict, outcome.cause, outcome.detail, outcome.ref, outcome.pages, {**outcome.facts, **facts}
    )


# -- delivery status notifications -------------------------------------------------------------------------------------


def _is_dsn(message: Message) -> bool:
    return message.get_content_type() == "multipart/report" and message.get_param("report-type") == "delivery-status"


def _delivery_status(message: Message) -> Iterator[tuple[str, Outcome]]:
    """By Original-Envelope-Id, which is our attempt (ENVID, RFC 3461 section 4.4)."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            whole, *recipients = [one for one in part.get_payload() if isinstance(one, Message)] or [Message()]
            attempt_id = str(whole.get("original-envelope-id", "")).strip()
            for one in recipients if posting.is_name(attempt_id) else ():
                action = str(one.get("action", "")).strip().lower()
                if action in ACTIONS:
                    verdict, cause = ACTIONS[action]
                    words = (
                        f"the mail to the gateway: {action} {one.get('status', '')} {one.get('diagnostic-code', '')}"
                    )
                    yield attempt_id, Outcome(verdict, cause, escape(words.strip()))


# -- InterFAX ----------------------------------------------------------------------------------------------------------


def _feedback(message: EmailMessage) -> Iterator[tuple[str, Outcome]]:
    for text in _texts(message):
        for row in _xml(text) or _csv(text):
            subject = _ATTEMPT.match(row.get("OriginalSubject", "").strip())
            if subject and row.get("TransactionID", "").isdecimal():
                yield subject[1], _outcome(row)


def _texts(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_type() in ("text/plain", "text/xml", "application/xml", "text/csv"):
            content = part.get_payload(decode=True)
            yield content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def _xml(text: str) -> list[dict[str, str]]:
    """Every element that has a TransactionID below it; no document type, no entities, nothing from elsewhere."""
    if "<TransactionID" not in text or "<!" in text.replace("<!--", ""):
        return []
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.strip().encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        return []
    holders = [one.getparent() for one in root.iter("TransactionID") if one.getparent() is not None]
    return [{str(field.tag): (field.text or "").strip() for field in one} for one in holders]


def _csv(text: str) -> list[dict[str, str]]:
    """One line a fax, with or without a line of names above."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if row]
    rows = [row for row in rows if len(row) == len(FIELDS) and row[0] != FIELDS[0]]
    return [dict(zip(FIELDS, row, strict=True)) for row in rows if row[0].isdecimal()]


def _outcome(row: Mapping[str, str]) -> Outcome:
    """How many pages were submitted it does not say: a line that was lost is a doubt, and so is success of none."""
    status, sent = row.get("Status", ""), row.get("PagesSent", "")
    confirmed = posting.count(int(sent)) if sent.isdecimal() and len(sent) < 5 else None
    meaning = posting.UNHEARD_OF
    if re.fullmatch(r"-[0-9]{1,6}", status):
        meaning = (Verdict.ACCEPTED, Cause.NONE)
    elif status == "0":
        meaning = (Verdict.DELIVERED, Cause.NONE) if confirmed else (Verdict.UNKNOWN, Cause.FAX_NO_PROOF)
    elif status.isdecimal() and len(status) < 8:
        meaning = STATUS.get(int(status), posting.UNHEARD_OF)
        if meaning[0] is Verdict.DEFERRED and (meaning == LINE or confirmed):
            meaning = (Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN)
    facts = {name: escape(row[name], 128) for name in _FACTS if row.get(name)}
    facts |= {"station_id": escape(row["CSID"], 40)} if row.get("CSID") else {}
    words = escape("; ".join(f"{name}={value}" for name, value in row.items()))
    return Outcome(*meaning, words, row.get("TransactionID", "")[:20], confirmed, facts)
