"""What a fax gateway writes by mail about a fax: the number, whether it went through, and why not."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from dispatcher.domain.incoming import About
from dispatcher.domain.outcome import escape
from dispatcher.domain.words import BounceVerdict, Cause

from .message import Mail
from .quoting import own_words

_TABLE = Path(__file__).with_name("fax.toml")
_PASSING = frozenset(
    {
        Cause.FAX_BUSY,
        Cause.FAX_NO_ANSWER,
        Cause.FAX_NO_CARRIER_MID_PAGE,
        Cause.FAX_GATEWAY_UNREACHABLE,
        Cause.FAX_UNKNOWN_CODE,
    }
)
_OURS = frozenset({Cause.FAX_PROVIDER_REJECTED, Cause.FAX_NO_CREDIT, Cause.FAX_REFUSED})
_REPLY = re.compile(r"^\s*(?:re|aw|sv|antw|tr|fw|fwd|wg)\s*[:：]", re.IGNORECASE)
#: A line with a result, of which the most telling is kept as the gateway's words.
_TELLING = re.compile(
    r"status|result|reason|error|fail|sent|deliver|grund|ergebnis|raison|motif|motivo|причин|原因|结果|結果",
    re.IGNORECASE,
)


def read_fax(mail: Mail) -> tuple[About, ...] | None:
    """What a mail says of a fax, sent or not; None where it is not about one, or says nothing of its end."""
    subject, sender = mail.fields["subject"], mail.fields["from"]
    if _REPLY.match(subject):
        return None
    about_fax = bool(_search("sign", "subjects", subject))
    from_gateway = bool(_search("sign", "senders", sender)) or mail.fields["x-fax-id"] != ""
    words = own_words(mail.text)
    numbers = _numbers(f"{subject}\n{words}\n{mail.fields['to']}")
    if not ((about_fax and (from_gateway or numbers)) or (from_gateway and numbers and "fax" in words.lower())):
        return None
    return _result(subject, words, numbers or [""])


def _result(subject: str, words: str, numbers: list[str]) -> tuple[About, ...] | None:
    lines = [subject, *words.splitlines()]
    failed, sent = _search("result", "failed", subject), _search("result", "sent", subject)
    if not failed and not sent:
        failed, sent = _search("result", "failed", words), _search("result", "sent", words)
    detail = escape(_telling(lines))
    if failed:
        cause = _cause(words + "\n" + subject)
        return tuple(About(one, _verdict(cause), cause, detail=detail, action="failed") for one in numbers)
    if sent and not _search("result", "waiting", subject):
        return tuple(About(one, detail=detail, action="delivered") for one in numbers)
    if _search("result", "waiting", f"{subject}\n{words}"):
        return tuple(About(one, detail=detail, action="delayed") for one in numbers)
    return None


def _verdict(cause: Cause) -> BounceVerdict:
    if cause in _PASSING:
        return BounceVerdict.SOFT
    return BounceVerdict.POLICY if cause in _OURS else BounceVerdict.HARD


def _cause(words: str) -> Cause:
    for one in _table()["reason"]:
        if re.search("|".join(one["words"]), words, re.IGNORECASE):
            return Cause(one["cause"])
    return Cause.FAX_UNKNOWN_CODE


def _telling(lines: list[str]) -> str:
    said = [" ".join(line.split()) for line in lines if line.strip()]
    reasons = [line for line in said[1:] if _cause(line) is not Cause.FAX_UNKNOWN_CODE]
    return next(iter([*reasons, *(line for line in said[1:] if _TELLING.search(line)), *said]), "")


def _numbers(text: str) -> list[str]:
    """Fax numbers as + and digits where the country code is certain, else as digits."""
    for pattern in _table()["number"]["lines"]:
        found = [one.strip() for one in re.findall(pattern, text, re.IGNORECASE)]
        tidy = dict.fromkeys(filter(None, map(_number, found)))
        if tidy:
            return list(tidy)
    return []


def _number(text: str) -> str:
    digits = "".join(char for char in text if char.isdigit())
    if not 7 <= len(digits) <= 17:
        return ""
    if text.startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _search(table: str, key: str, text: str) -> str:
    found = re.search("|".join(_table()[table][key]), " ".join(text.split()), re.IGNORECASE)
    return found[0] if found else ""


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text("utf-8"))
