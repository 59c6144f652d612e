"""Addresses and ids as they stand in other people's mail: found, never repaired, and never trusted to be ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Wider than what we would send to: what a far end writes is only recorded. Bounded, so that no text makes it slow.
_LOCAL = r"[^\s<>()\[\]\",;:@\\'`|{not_in}\u00ab\u00bb\u201c\u201d\u3000-\u303f\uff00-\uff20\uff3b-\uff65]{{1,128}}"
_DOMAIN = (
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z][A-Za-z0-9-]{1,62}"
    r"|[^\W_](?:[\w-]{0,62}\.){1,8}[^\W\d_][\w-]{1,62})"
)
_ADDRESS = re.compile(_LOCAL.format(not_in="=") + _DOMAIN)
_EQUALS = re.compile(_LOCAL.format(not_in="") + _DOMAIN)
#: Words of a script without spaces that stand directly before an address.
_GLUED = re.compile(r"^[\u3040-\u9fff\uac00-\ud7af]+(?=[!-?A-~]+@)")
_ANGLED = re.compile(r"<([^<>\s]{1,200}@[^<>\s]{1,200})>")
_QUOTED = re.compile(r'<?("[^"\r\n]{1,64}"@[A-Za-z0-9.-]{1,200})>?')
_ID = re.compile(r"<[^<>\s]{1,400}>")
_BARE_ID = re.compile(r"[^\s<>,;]{1,200}@[^\s<>,;]{1,200}")
#: user=domain behind the first plus or hyphen: the recipient as a return path of the classic VERP names it.
_VERP = re.compile(r"[+-]([A-Za-z0-9._%+-]{1,64})=([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})$")


def address_in(text: str) -> str:
    """The one address that a field names; '' where there is none."""
    angled = _ANGLED.search(text)
    if angled:
        return angled[1].removeprefix("mailto:")
    quoted = _QUOTED.search(text)
    if quoted:
        return quoted[1]
    found = _EQUALS.search(text[:512])
    return _GLUED.sub("", found[0]).rstrip(".") if found else ""


def addresses_in(text: str) -> Iterator[str]:
    """Every address in a text, in order, as often as it stands there."""
    return (_GLUED.sub("", found[0]).rstrip(".") for found in _ADDRESS.finditer(text))


def sender_in(text: str) -> str:
    """The address of a From field, whose name may hold another one."""
    angled = _ANGLED.findall(text)
    return angled[-1] if angled else address_in(text)


def ids_in(text: str) -> tuple[str, ...]:
    """Message ids, in their angle brackets; one that lacks them gets them."""
    found = _ID.findall(text)
    if not found and (bare := _BARE_ID.search(text)):
        found = [f"<{bare[0]}>"]
    return tuple(found)


def first_id(text: str) -> str:
    return next(iter(ids_in(text)), "")


def verp_recipient(address: str) -> str:
    """Whom a return path names by classic VERP: 'letters-ann=x.example@ours.example' → 'ann@x.example'; or ''."""
    found = _VERP.search(address.partition("@")[0])
    return f"{found[1]}@{found[2]}" if found else ""
