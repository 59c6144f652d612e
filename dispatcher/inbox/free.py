"""Bounces and delay notices in free form: who did not get the letter, and what is said of each.

flufl.bounce knows where some sixty mail systems name the recipient; where it finds nobody, a reader of our own looks at
what stands in the notice. What is said of a recipient is always found here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email import message_from_bytes

from flufl.bounce import all_failures

from dispatcher.domain.incoming import About
from dispatcher.domain.outcome import escape
from dispatcher.domain.words import BounceVerdict, Cause

from . import signs
from .addresses import address_in, addresses_in, verp_recipient
from .message import Fields, Mail
from .reasons import by_words, cause_of, reply_code, verdict_of
from .report import Group, Report, statuses

#: What it cannot read it would tell the log, with a traceback, before it tells us.
logging.getLogger("flufl.bounce").disabled = True
#: Bytes that flufl.bounce is shown: it searches every line for every system's words.
_SHOWN = 48 * 1024
_PARAGRAPHS = 5


def failures(mail: Mail, notice: str, heading: Fields, ours: Iterable[str], *, late: bool) -> tuple[About, ...]:
    """What a notice says of each recipient. `ours`: addresses that are our own; `late`: it is tried on."""
    own = {one.lower() for one in ours}
    # DragonFly, and Exchange at times, put the recipient of the lost letter where others put ours.
    known = {one.lower() for one in addresses_in(mail.fields["to"])}
    named = _named(mail, own) or _in_notice(notice, heading, own) or _in_notice(notice, heading, known)
    named = named or _by_the_letter(heading, own)
    return tuple(_about(one, notice, named, late=late) for one in named)


def failing(mail: Mail) -> tuple[bool, bool]:
    """Does flufl.bounce find recipients who get it later, and recipients who do not get it?"""
    temporary, permanent = _detected(mail)
    return bool(temporary), bool(permanent)


def words_about(address: str, notice: str, others: Iterable[str] = ()) -> str:
    """What the notice says of a recipient: the lines from its address on, until they explain something."""
    near = _near(address, notice, {one.lower() for one in others} - {address.lower()})
    return near if _explains(near) else _telling(notice) or near or notice.strip()


def read_groups(report: Report, notice: str) -> Iterator[About]:
    """What a report says of each recipient, with the notice beside it where the report is short of words."""
    names = [one.address for one in report.recipients]
    for group in report.recipients:
        if group.address:
            yield _read_group(group, notice, names)


def _read_group(group: Group, notice: str, names: list[str]) -> About:
    words, final = group.words, group.final if group.final != group.address else ""
    if group.action in ("delivered", "relayed", "expanded"):
        detail = escape(_one_line(words))
        return About(group.address, status=group.status, detail=detail, action=group.action, final=final)
    if not _explains(words):
        words = words_about(group.address, notice, names) or words
    found = judged(group.address, group.status, words, late=group.action == "delayed")
    remote = escape(group.value("remote-mta"), 255)
    return replace(found, final=final, remote=remote, retry_until=group.retry_until)


def judged(address: str, status: str, words: str, *, late: bool) -> About:
    """A recipient who did not get it, or not yet: with cause and verdict."""
    cause = cause_of(status, words)
    if late and cause is Cause.EMAIL_REFUSED:
        cause = Cause.NONE  # it is late, and nobody says why
    verdict = BounceVerdict.SOFT if late else verdict_of(status, cause, words)
    return About(address, verdict, cause, status, escape(_one_line(words)), "delayed" if late else "failed")


def _about(address: str, notice: str, named: list[str], *, late: bool) -> About:
    words = words_about(address, notice, named)
    status = next(iter(statuses(words)), "")
    return judged(address, status, words, late=late)


# -- who ---------------------------------------------------------------------------------------------------------------


def _named(mail: Mail, own: set[str]) -> list[str]:
    """Where the mail system names them for programs, or flufl.bounce knows its form."""
    stated = [one for value in mail.fields.all("x-failed-recipients") for one in addresses_in(value)]
    temporary, permanent = _detected(mail) if not stated else (frozenset(), frozenset())
    found = stated or sorted(_clean(one) for one in permanent | temporary)
    named = _unique(one for one in found if "@" in one)
    return [one for one in named if one.lower() not in own] or named


def _clean(address: bytes) -> str:
    text = address.decode("ascii", "replace").strip(" <>\"'()[];,:")
    return address_in(text) or text


def _detected(mail: Mail) -> tuple[frozenset[bytes], frozenset[bytes]]:
    try:
        message = message_from_bytes(mail.raw[:_SHOWN])
        if not message["from"]:
            message["From"] = "unknown"  # one of its detectors takes for granted that there is a sender
        return all_failures(message)
    except Exception:  # noqa: BLE001  # it is another's code on hostile input: what it cannot read, it has not found
        return frozenset(), frozenset()


def _in_notice(notice: str, heading: Fields, own: set[str]) -> list[str]:
    """Whom the notice names: the one to whom the letter went, else an address at the head of a line, else the first."""
    found = list(_candidates(notice, own))
    elsewhere = [(one, before) for one, before in found if _domain(one) not in {_domain(ours) for ours in own}]
    found = elsewhere or found  # a notice names our own side too; but a letter may stay in the house
    sent_to = {one.lower() for name in ("to", "cc") for one in addresses_in(heading[name])}
    meant = [one for one, _ in found if one.lower() in sent_to]
    at_head = [one for one, before in found if signs.notice("before").match(before)]
    return _unique(meant) or _unique(at_head) or _unique(one for one, _ in found)[:1]


def _candidates(notice: str, own: set[str]) -> Iterator[tuple[str, str]]:
    """Every address that may be a recipient's, with what stands before it in its line."""
    asides, offices = signs.notice("asides"), signs.notice("offices")
    for line in notice.splitlines():
        for one in addresses_in(line) if "@" in line else ():
            before = line.partition(one)[0]
            if one.lower() not in own and not offices.match(one) and not asides.search(f"{before}<"):
                yield one, before


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _by_the_letter(heading: Fields, own: set[str]) -> list[str]:
    """Nobody is named: the one to whom the letter went, or whom a return path of the classic VERP names."""
    houses = {_domain(one) for one in own}
    sent_to = _unique(one for one in addresses_in(heading["to"]) if _domain(one) not in houses)
    if len(sent_to) == 1:
        return sent_to
    return _unique(filter(None, map(verp_recipient, sorted(own))))[:1]


def _unique(found: Iterable[str]) -> list[str]:
    seen: dict[str, str] = {}
    for one in found:
        seen.setdefault(one.lower(), one)
    return list(seen.values())


# -- what --------------------------------------------------------------------------------------------------------------


def _near(address: str, notice: str, others: set[str]) -> str:
    low, wanted = notice.lower(), address.lower()
    at = low.find(wanted)
    if at < 0:
        return ""
    start = notice.rfind("\n", 0, at) + 1
    taken: list[str] = []
    for number, paragraph in enumerate(re.split(r"\n[ \t]*\n", notice[start:])):
        lines = paragraph.splitlines()
        here = [line for line in lines if not _names_another(line, others)] if number == 0 else lines
        cut = next((i for i, line in enumerate(here) if number + i and _names_another(line, others)), len(here))
        taken += here[:cut]
        if _explains(" ".join(taken)) or cut < len(here) or number + 1 == _PARAGRAPHS:
            break
    return "\n".join(taken)


def _names_another(line: str, others: set[str]) -> bool:
    low = line.lower()
    return any(one in low for one in others)


def _explains(words: str) -> bool:
    return bool(statuses(words) or reply_code(words) or by_words(words))


def _telling(notice: str) -> str:
    """The paragraph that explains: with a status or a reply of a server before one with mere words."""
    paragraphs = re.split(r"\n[ \t]*\n", notice)
    coded = next((one for one in paragraphs if statuses(one) or reply_code(one)), "")
    return coded or next((one for one in paragraphs if by_words(one)), "")


def _one_line(words: str) -> str:
    return " ".join(words.split())
