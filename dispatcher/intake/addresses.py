"""Addresses as people write them, made canonical: domains by IDNA 2008, fax numbers as E.164, then the strict parsers.

The rule for fax numbers: written internationally (+ and country code), or the contact's `seat`, or else the `country`
of its address (where the office stands, not the state it speaks for) gives the country code. Nothing else is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import idna
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from dispatcher.domain.address import parse_email, parse_fax
from dispatcher.domain.errors import UserError

from .findings import Findings, clip
from .text import Where

_DIALLED = re.compile(r"\+?[0-9 ().\-/\u00a0]+")
_GIVE_E164 = "Give it internationally, as in +41 22 555 01 00"
#: Scripts that one word may mix: Japanese, Korean and Chinese names do (UTS 39 section 5.2, 'highly restrictive').
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "LATIN"})
#: Where a national number keeps its first zero when it is dialled from abroad (national plans published by the ITU):
#: elsewhere that zero is only a prefix, and nothing is lost with it.
_WITH_ZERO = frozenset({"CG", "CI", "GA", "IT", "SM", "VA"})
#: Cyrillic, Greek and Armenian letters that look like Latin ones in most typefaces (UTS 39, confusables.txt).
_LATIN_TWINS = frozenset("аеорсухіјѕһԁԛԝӏοναρυκτιհոսց")


class _Refused(Exception):
    """Why an address is not taken: code, cause and way out."""

    def __init__(self, code: str, cause: str, way_out: str) -> None:
        super().__init__(code, cause, way_out)
        self.code, self.cause, self.way_out = code, cause, way_out


def read_email(text: str, where: Where, findings: Findings) -> str:
    """The addr-spec with A-labels; '' and the problem where it is not one. A look-alike domain is a warning."""
    address = _noting(lambda: parse_email(_with_a_labels(text)), where, findings)
    if address:
        _check_twins(address, where, findings)
    return address


@dataclass(frozen=True, slots=True)
class Home:
    """Whose national numbers an office uses."""

    region: str  #: ISO 3166-1 alpha-2; '': not known
    named: str = ""  #: what names it in the list; '': nothing does
    zero_lost: bool = False  #: the number comes from a cell that keeps no zero at its beginning


def read_fax(text: str, home: Home, where: Where, findings: Findings) -> str:
    """The number as +E.164; '' and the problem where it is not one.

    Only form and possible length are checked, not whether the number is in use: ranges kept for fiction, which all
    examples come from, are not in use anywhere.
    """
    return _noting(lambda: parse_fax(_e164(text, home)), where, findings)


def _noting(read: Callable[[], str], where: Where, findings: Findings) -> str:
    try:
        return read()
    except _Refused as refused:
        findings.fault(where.place, refused.code, f"{where.name}: {refused.cause}", refused.way_out)
    except UserError as error:
        for problem in error.problems:
            way_out = problem.way_out[:1].upper() + problem.way_out[1:]
            findings.fault(where.place, problem.code, f"{where.name}: {problem.cause}", way_out)
    return ""


def _with_a_labels(text: str) -> str:
    """The address with a non-ASCII domain in A-labels; everything that is not one plain address passes as it is."""
    local, at, domain = text.rpartition("@")
    if domain.isascii() or "@" in local or re.search(r"[\s,;<>\"()\[\]]", text):
        return text
    try:
        # UTS 46 mapping first (case, width), as every browser does, then IDNA 2008 (RFC 5891) decides.
        return local + at + idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError as error:
        raise _Refused("E_IDNA", f"the domain {clip(domain)} is not valid: {error}", "Check its spelling") from None


def _check_twins(address: str, where: Where, findings: Findings) -> None:
    for label in address.rpartition("@")[2].split("."):
        shown = _shown(label)
        if looks_like_another(shown):
            cause = f"{where.name}: {shown!r} ({label}) may be made to look like another name"
            findings.warn(where.place, "W_CONFUSABLE", cause, "Compare it with the office's own letter or site")


def _shown(label: str) -> str:
    try:
        return idna.decode(label)
    except UnicodeError:
        return label


def looks_like_another(label: str) -> bool:
    """True for a domain label that mixes scripts which no language mixes, or is made of twins of Latin letters only."""
    letters = [character for character in label if character.isalpha()]
    scripts = {unicodedata.name(letter, "UNKNOWN").split()[0].partition("-")[0] for letter in letters}
    if len(scripts) > 1:
        return not scripts <= _EAST_ASIAN
    return bool(letters) and _LATIN_TWINS.issuperset(letters)


def _e164(text: str, home: Home) -> str:
    number = _parse_number(text, home)
    _check_length(number)
    if phonenumbers.number_type(number) == PhoneNumberType.PREMIUM_RATE:
        raise _Refused("E_FAX_CLASS", f"{clip(text)} is a premium-rate number", "Ask for the office's own number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parse_number(text: str, home: Home) -> PhoneNumber:
    if not _DIALLED.fullmatch(text):
        raise _Refused("E_FAX_FORM", f"{clip(text)} has letters, an extension or signs in it", _GIVE_E164)
    if text.lstrip(" (").startswith("00"):
        raise _Refused("E_FAX_FORM", f"{clip(text)} begins with a dialling prefix", _GIVE_E164)
    if _is_two_numbers(text):
        raise _Refused("E_FAX_MANY", f"{clip(text)} is two numbers", "Keep the one that letters should go to")
    if not text.startswith("+") and not home.region:
        why = f"no country code is known for {clip(home.named)}" if home.named else "the contact has no country"
        raise _Refused("E_FAX_FORM", f"{clip(text)} is a national number and {why}", _GIVE_E164)
    if home.zero_lost and home.region in _WITH_ZERO and not text.startswith(_calling_code(home.region)):
        why = f"{clip(text)} is a number in the sheet and may have lost the zero that numbers there begin with"
        raise _Refused("E_FAX_FORM", why, f"{_GIVE_E164}, in a cell of text")
    try:
        return phonenumbers.parse(text, home.region or None)
    except NumberParseException as error:
        raise _Refused("E_FAX_FORM", f"{clip(text)} is not a number: {error}", _GIVE_E164) from None


def _calling_code(region: str) -> tuple[str, str]:
    code = str(phonenumbers.country_code_for_region(region))
    return code, f"+{code}"


def _is_two_numbers(text: str) -> bool:
    """Two whole numbers with a stroke between them; a stroke behind an area code is part of one."""
    counts = [sum(map(str.isdigit, part)) for part in text.split("/")]
    return len(counts) > 1 and counts[0] >= 7 and counts[1] >= 5


def _check_length(number: PhoneNumber) -> None:
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == ValidationResult.IS_POSSIBLE:
        return
    shown = f"+{number.country_code} {number.national_number}"
    if reason == ValidationResult.TOO_SHORT:
        raise _Refused("E_FAX_CLASS", f"{shown} is a short number, or digits are missing", _GIVE_E164)
    raise _Refused("E_FAX_FORM", f"{shown} has a length that no number there has", _GIVE_E164)
