"""Looks at a finished letter as a careful clerk would: short enough, small enough, legible by fax. Only warns."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from dispatcher.domain.errors import Problem

from . import tiff
from .address import Order
from .languages import LANGUAGES, Language
from .pdf import FITS, Pages

#: A fax of more pages than this is often cut off, or refused, at the far end.
FAX_PAGES = 2
#: Many ministries refuse mail above 10 MB; far below it, the letter is already unusual.
MAIL_BYTES = 2_000_000


def tongue(order: Order, tag: str, *, reviewed: bool) -> Iterator[Problem]:
    """What a person should know about the language that the letter of `order` came out in."""
    contact, wanted = order.contact, order.contact.language
    if wanted != tag:
        cause = f"the letter {order.letter} is not written in {wanted}; it goes out in {tag}"
        way_out = f"Write letters/{order.letter}/{wanted}.md, or approve it as it is"
        yield Problem(f"contact {contact.id}", cause, way_out, "W_LANGUAGE")
    for name in ("state", "salutation"):
        value = getattr(contact, name)
        if strange(value, LANGUAGES[tag]):
            cause = f"{name} '{value}' is not written in the letters of {tag}, the language of the letter"
            yield Problem(f"contact {contact.id}", cause, f"Write {name} in {tag}", "W_LANGUAGE")
    if not reviewed:
        cause = "this text was not reviewed by a native speaker"
        way_out = "Have it read, then put the reader's name after reviewed:"
        yield Problem(f"letters/{order.letter}/{tag}.md", cause, way_out, "W_UNREVIEWED")


def strange(text: str, language: Language) -> bool:
    """True for a text that has letters, and none of this language."""
    names = [unicodedata.name(char, "") for char in text if char.isalpha()]
    return bool(names) and not any(name.startswith(language.letters) for name in names)


def legibility(letter: str, pages: Pages, fax_copy: Pages, parts: Mapping[str, bytes]) -> Iterator[Problem]:
    """What a person should look at before approving. Raises AssertionError if our own fax pages are not fax pages."""
    if found := tiff.faults(parts["tiff"]):
        raise AssertionError(f"our own TIFF is faulty: {found}")
    if fax_copy.count > FAX_PAGES:
        way_out = f"Shorten it to {FAX_PAGES}: long faxes are often cut off"
        yield Problem(letter, f"the fax has {fax_copy.count} pages", way_out, "W_FAX_PAGES")
    if pages.count == 1 and pages.fit == FITS[-1]:
        yield Problem(letter, "fits its page only in the smallest size", "Shorten it a little", "W_TIGHT")
    if len(parts["entity"]) > MAIL_BYTES:
        yield Problem(letter, f"the mail has {len(parts['entity'])} bytes", "Shorten it", "W_MAIL_SIZE")
