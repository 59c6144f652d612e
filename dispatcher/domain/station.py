"""The name that a far fax machine gives itself (CSI, ITU-T T.30 section 5.3.6.2.4: its number, 20 characters)."""

from __future__ import annotations

#: Of two spellings of one number so many digits at the end are the same, with the country's code or without.
_SAME = 7


def remark(station: str, number: str, before: str = "") -> str:
    """What is odd about the machine that answered at `number` (+E.164); '' where nothing is, or it says nothing.

    `before` is what answered there last. Many machines tell no number, or a switchboard's: so this is a remark for
    people, and never decides what becomes of a letter.
    """
    digits = "".join(filter(str.isdecimal, station)).lstrip("0")
    if before and station.split() == before.split():
        return ""
    if len(digits) >= _SAME and not number.endswith(digits[-_SAME:]):
        return f"the machine calls itself '{station}', not {number}"
    return f"the machine calls itself '{station}', and was '{before}' before" if station and before else ""
