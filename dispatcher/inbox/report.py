"""Delivery status notifications (RFC 3464, RFC 6533): the fields that they hold, for the whole and for each recipient.

Many break the grammar: the reader takes groups apart by their fields, not by their empty lines alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .addresses import address_in
from .limits import MAX_RECIPIENTS
from .message import Mail

_REPORTS = ("message/delivery-status", "message/global-delivery-status")
#: One of these names a recipient; a second one of the same name begins another recipient.
_NAMES_ONE = frozenset({"final-recipient", "original-recipient"})
_FIELD = re.compile(r"([!-9;-~]{1,64}?)[ \t]*:[ \t]*(.*)")
#: What a report that came as plain text begins its groups with.
_INLINE = re.compile(r"^(?:final-recipient|reporting-mta)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_TYPED = re.compile(r"^[ \t]*[a-z0-9-]{1,32}[ \t]*;[ \t]*", re.IGNORECASE)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_ACTIONS = {"fail": "failed", "err": "failed", "undeliver": "failed", "bounce": "failed", "delay": "delayed",
            "warn": "delayed", "deliver": "delivered", "relay": "relayed", "expand": "expanded"}  # fmt: skip
_BY_CLASS = {"2": "delivered", "4": "delayed", "5": "failed"}


@dataclass(frozen=True, slots=True)
class Group:
    """Fields of one recipient, by lower-case name; the first of a name counts."""

    fields: dict[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """Without its type: 'rfc822; a@x.example' is 'a@x.example'."""
        return _TYPED.sub("", self.fields.get(name, "")).strip()

    @property
    def address(self) -> str:
        """As the letter named it, where that is told; '' where no address stands here."""
        named = ("original-recipient", "final-recipient", "x-actual-recipient", "x-original-recipient")
        return next((found for name in named if (found := address_in(_unitext(self.value(name))))), "")

    @property
    def final(self) -> str:
        return address_in(_unitext(self.value("final-recipient")))

    @property
    def action(self) -> str:
        said = self.fields.get("action", "").lower()
        found = next((ours for start, ours in _ACTIONS.items() if said.startswith(start)), "")
        return found or _BY_CLASS.get(self.status[:1], "")

    @property
    def status(self) -> str:
        """The status, or the more exact one in the server's own words where it is only x.0.0."""
        stated, told = statuses(self.fields.get("status", "")), statuses(self.words)
        if stated and not (stated[0].endswith(".0.0") and told and told[0][0] == stated[0][0]):
            return stated[0]
        return told[0] if told else ""

    @property
    def words(self) -> str:
        """What the far end said: the diagnostic code, or the remark that stands with the status."""
        said = self.value("diagnostic-code")
        remark = re.sub(r"^[\d.\s]+", "", self.fields.get("status", "")).strip(" ()")
        return said or self.value("x-supplementary-info") or remark or self.fields.get("x-display-name", "")

    @property
    def retry_until(self) -> datetime | None:
        return instant(self.fields.get("will-retry-until", ""))


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery status notification."""

    whole: Group
    recipients: tuple[Group, ...]


def read_report(mail: Mail, *, inline: bool) -> Report | None:
    """The report in a message; None where there is none. `inline`: also one that stands in the text."""
    for piece in mail.pieces:
        typed = piece.media in _REPORTS
        if typed or (_looks_like(piece.text) and (inline or _stands_second(mail, piece))):
            found = _INLINE.search(piece.text)
            text = piece.text if typed or found is None else piece.text[found.start() :]
            return _groups(text)
    return None


def _looks_like(text: str) -> bool:
    low = text.lower()
    return "final-recipient:" in low and ("action:" in low or "status:" in low) and _INLINE.search(text) is not None


def _stands_second(mail: Mail, piece: object) -> bool:
    """The place of the report in a multipart/report, whatever type it was given."""
    return mail.media == "multipart/report" and piece in mail.pieces[1:2]


def _groups(text: str) -> Report:
    whole: dict[str, str] = {}
    groups: list[dict[str, str]] = []
    fresh = True
    for name, value in _fields(text):
        if len(groups) > MAX_RECIPIENTS:
            break
        if not name:
            fresh = True
            continue
        if name in _NAMES_ONE and (not groups or name in groups[-1] or (fresh and _NAMES_ONE & groups[-1].keys())):
            # What stood in this block before the recipient's name belongs to the recipient, not to the whole.
            groups.append({one: whole.pop(one) for one in ("action", "status") if one in whole})
        (groups[-1] if groups else whole).setdefault(name, value)
        fresh = False
    return Report(Group(whole), tuple(Group(one) for one in groups))


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Name and unfolded value of every field; ('', '') at an empty line."""
    name = value = ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        found = _FIELD.fullmatch(line)
        if line[:1] in (" ", "\t") and line.strip() and name:
            value = f"{value} {line.strip()}"
            continue
        if name:
            yield name, value
        name, value = (found[1].lower(), found[2].strip()) if found else ("", "")
        if not line.strip():
            yield "", ""
    if name:
        yield name, value


def _unitext(text: str) -> str:
    """RFC 6533 section 3: \\x{E9} stands for a character."""
    return re.sub(r"\\x\{([0-9A-Fa-f]{2,6})\}", _character, text)


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else found[0]


def statuses(text: str) -> list[str]:
    """Every enhanced status code in a text, in order."""
    return _STATUS.findall(text)


def instant(text: str) -> datetime | None:
    """A date of mail (RFC 5322 section 3.3); without a zone it is UTC. None where it is none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
