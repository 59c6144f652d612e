"""Strict readers of email addresses and fax numbers: one text in, one canonical form out, or the reason why not.

Nothing is repaired: a lenient reader sends letters to the wrong recipient without a word (papers: reliability, 2.5).
"""

from __future__ import annotations

import re
import unicodedata

from .errors import Problem, UserError

#: RFC 5321 section 4.5.3.1 and RFC 1035 section 2.3.4, in octets. 254 is the 256 of a path less its brackets.
MAX_ADDRESS, MAX_LOCAL, MAX_DOMAIN, MAX_LABEL = 254, 64, 253, 63
#: ITU-T E.164 (11/2010) section 6: at most 15 digits. Below 8 it is a short code or an incomplete number.
MAX_DIGITS, MIN_DIGITS = 15, 8

_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5322 3.2.3
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_SPECIAL = frozenset('"()<>[]:\\')
_FAX = re.compile(r"\+[0-9]+(?:(?:[ .-]|\) ?| ?\()[0-9]+)*")

#: Leading digits of numbers that cost the caller extra, or that reach no fixed line: from the national numbering plans
#: and the list of ITU-T E.164 assigned country codes (15 December 2016). A fax there is a mistake, and may be dear.
FAX_CLASSES: dict[str, str] = {
    "979": "an international premium-rate number",
    "808": "an international shared-cost number",
    "870": "a satellite number",
    "878": "a personal number",
    "881": "a satellite number",
    "882": "an international network's number",
    "883": "an international network's number",
    "1900": "a premium-rate number",
    "3389": "a premium-rate number",
    "3989": "a premium-rate number",
    "4190": "a premium-rate number",
    "4390": "a premium-rate number",
    "4393": "a premium-rate number",
    "449": "a premium-rate number",
    "4470": "a personal number",
    "49900": "a premium-rate number",
}


def parse_email(text: str) -> str:
    """The addr-spec in `text`: local part as written, domain as lower-case A-labels.

    Raises UserError with one Problem: E_CTRL, E_ADDR_EMPTY, E_ADDR_MANY, E_ADDR_FORM, E_ADDR_NODOMAIN, E_UTF8_ROUTE,
    E_ADDR_DNS, E_IDNA or E_ADDR_LONG. Blanks at the ends are dropped; nothing else is changed.
    """
    address = _clean(text)
    _check_single(address)
    local, _, domain = address.rpartition("@")
    _check_local(local)
    canonical = f"{local}@{_domain(domain)}"
    if len(canonical) > MAX_ADDRESS:
        raise _problem("E_ADDR_LONG", f"the address has {len(canonical)} characters, the limit is {MAX_ADDRESS}")
    return canonical


def parse_domain(text: str) -> str:
    """The part after @ of an address, with or without it: lower-case A-labels. Raises UserError as `parse_email`."""
    return _domain(_clean(text).removeprefix("@"))


def parse_fax(text: str) -> str:
    """The number in `text` as + and digits (ITU-T E.164).

    Blanks, hyphens, dots and brackets may stand between digits. Raises UserError: E_CTRL, E_FAX_FORM, E_FAX_CLASS.
    """
    number = _clean(text)
    if not _FAX.fullmatch(number) or number.count("(") != number.count(")"):
        raise _problem("E_FAX_FORM", "this is not an international number", _E164)
    digits = "".join(c for c in number if c.isdigit())
    _check_digits(digits)
    return "+" + digits


_E164 = "give it as +, country code and number, such as +41 22 555 01 00"


def _problem(code: str, cause: str, way_out: str = "") -> UserError:
    return UserError(Problem("", cause, way_out, code))


def _unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN


def _clean(text: str) -> str:
    for position, char in enumerate(text, start=1):
        if _unseen(char):
            raise _problem(
                "E_CTRL", f"control or unseen character U+{ord(char):04X} at {position}", "type the value anew"
            )
    return text.strip(" ")


def _check_single(address: str) -> None:
    """Refuses every text that is not one plain local@domain."""
    if address in ("", "<>"):
        raise _problem("E_ADDR_EMPTY", "there is no address")
    if address.startswith(('"', "@")):
        raise _problem("E_ADDR_FORM", "a quoted local part, a route or a missing local part is not accepted", _PLAIN)
    if address.count("@") > 1 and any(c in address for c in ",; "):
        raise _problem("E_ADDR_MANY", "these are two or more addresses", _ONE)
    if "@" not in address:
        raise _problem("E_ADDR_NODOMAIN", "there is no @, so the address has no domain", _PLAIN)
    if address.endswith("@"):
        raise _problem("E_ADDR_NODOMAIN", "nothing stands behind the @: the address has no domain", _PLAIN)
    if address.count("@") > 1 or not _SPECIAL.isdisjoint(address):
        raise _problem("E_ADDR_FORM", "a name, comment, route, quote or literal is not accepted", _PLAIN)


_PLAIN = "give the plain form, name@domain"
_ONE = "keep the one that letters should go to"


def _check_local(local: str) -> None:
    if not local.isascii():
        raise _problem(
            "E_UTF8_ROUTE", "the part before @ is not ASCII and no route carries it", "ask for another address"
        )
    if not _DOT_ATOM.fullmatch(local):
        raise _problem("E_ADDR_FORM", "the part before @ has a character or a dot where none may stand", _PLAIN)
    if len(local) > MAX_LOCAL:
        raise _problem("E_ADDR_LONG", f"the part before @ has {len(local)} characters, the limit is {MAX_LOCAL}")


def _domain(text: str) -> str:
    if not text.isascii():
        raise _problem("E_IDNA", "the domain is not ASCII", "write its ASCII form, whose labels begin with xn--")
    domain = text.lower()
    labels = domain.split(".")
    if len(domain) > MAX_DOMAIN or any(len(label) > MAX_LABEL for label in labels):
        raise _problem("E_ADDR_DNS", f"a domain has at most {MAX_DOMAIN} characters, each part at most {MAX_LABEL}")
    if len(labels) < 2 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise _problem("E_ADDR_DNS", f"'{text}' is not a name in the DNS", "check the part after @")
    for label in labels:
        _check_hyphens(label)
    return domain


def _check_hyphens(label: str) -> None:
    """Hyphens in third and fourth place are kept for A-labels (RFC 5891 section 4.2.3.1), which must decode."""
    if label[2:4] != "--":
        return
    try:
        decoded = label[4:].encode().decode("punycode")
        same = decoded.encode("punycode").decode() == label[4:]
        sound = label.startswith("xn--") and same and not decoded.isascii() and not any(map(_unseen, decoded))
    except UnicodeError:
        sound = False
    if not sound:
        raise _problem("E_IDNA", f"'{label}' is not a valid internationalised name", "check the part after @")


def _check_digits(digits: str) -> None:
    if digits.startswith("0") or len(digits) > MAX_DIGITS:
        raise _problem("E_FAX_FORM", f"no country code begins with 0, no number exceeds {MAX_DIGITS} digits", _E164)
    if len(digits) < MIN_DIGITS:
        raise _problem("E_FAX_CLASS", f"{len(digits)} digits are a short code or an incomplete number", _E164)
    for prefix, meaning in FAX_CLASSES.items():
        if digits.startswith(prefix):
            raise _problem("E_FAX_CLASS", f"this is {meaning}", "ask for the office's own fax number")
