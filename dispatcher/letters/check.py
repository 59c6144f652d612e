"""Looks at a finished letter as a careful clerk would: short enough, small enough, in the right tongue."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping

from dispatcher.domain.errors import Problem
from dispatcher.domain.words import Kind

from . import tiff
from .address import Order
from .languages import LANGUAGES, Language
from .pdf import FITS, Pages

#: A letter of more pages than this is seldom read to its end.
LETTER_PAGES = 3
#: A fax of more pages than this, beside its cover, is often cut off, or refused, at the far end.
FAX_PAGES = 2
#: More pages than this fill an hour of the line, and empty the paper tray of the far machine.
MOST_FAX_PAGES = 60
#: Many ministries refuse mail above 10 MB; far below it, the letter is already unusual.
MAIL_BYTES = 2_000_000
#: Room for the headers that a message gets at each try.
HEADER_BYTES = 4_000
_SMALLER = "Make the attachments smaller"


def tongue(order: Order, tag: str, *, reviewed: bool) -> Iterator[Problem]:
    """What a person should know about the language that the letter of `order` came out in."""
    contact, wanted = order.contact, order.contact.language
    if wanted != tag:
        cause = f"the letter {order.letter} is not written in {wanted}; it goes out in {tag}"
        way_out = f"Write letters/{order.letter}/{wanted}.md, or approve it as it is"
        yield Problem(f"contact {contact.id}", cause, way_out, "W_LANGUAGE")
    for name in ("state", "salutation", "in_text", "closing"):
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


def finished(order: Order, pages: Pages, fax_copy: Pages, parts: Mapping[str, bytes]) -> Iterator[Problem]:
    """What a person should look at before approving. Raises AssertionError if our own fax pages are not fax pages.

    `pages` are the letter's own; `fax_copy` has the cover page before them and the attachments' pages after them.
    """
    if found := tiff.faults(parts["tiff"], unpack=False):
        raise AssertionError(f"our own TIFF is faulty: {found}")
    yield from _length(order, pages, fax_copy)
    if pages.count == 1 and pages.fit == FITS[-1]:
        yield Problem(order.letter, "fits its page only in the smallest size", "Shorten it a little", "W_TIGHT")
    if len(parts["entity"]) > MAIL_BYTES:
        cause = f"the mail has {len(parts['entity']):,} bytes; many ministries refuse mail above 10 MB"
        yield Problem(order.letter, cause, _SMALLER if order.enclosures else "Shorten it", "W_MAIL_SIZE")


def _length(order: Order, pages: Pages, fax_copy: Pages) -> Iterator[Problem]:
    if pages.count > LETTER_PAGES:
        way_out = f"Shorten it to {LETTER_PAGES}, and put the rest into an attachment"
        yield Problem(order.letter, f"the letter has {pages.count} pages", way_out, "W_LETTER_PAGES")
    cover, attached = int(order.cover is not None), sum(one.pages for one in order.enclosures)
    own = fax_copy.count - cover - attached
    if own + attached > FAX_PAGES:
        parts = {"cover": cover, "letter": own, "attachments": attached}
        of = ", ".join(f"{what} {count}" for what, count in parts.items() if count)
        way_out = f"Shorten it to {FAX_PAGES}: long faxes are often cut off"
        yield Problem(order.letter, f"the fax has {fax_copy.count} pages ({of})", way_out, "W_FAX_PAGES")


def too_much(place: str, kinds: Collection[Kind], mail_size: int, fax_pages: int, most_bytes: int) -> Iterator[Problem]:
    """What no far end would take: a reason not to freeze a letter that goes by these kinds.

    `mail_size` is the size of the MIME entity in bytes; the headers of the message come on top.
    """
    if Kind.EMAIL in kinds and mail_size + HEADER_BYTES > most_bytes:
        cause = f"the mail would have {mail_size + HEADER_BYTES:,} bytes; {most_bytes:,} are allowed"
        yield Problem(place, cause, f"{_SMALLER}, or raise mail.max_bytes in dispatcher.toml", "E_ATT_SIZE")
    if Kind.FAX in kinds and fax_pages > MOST_FAX_PAGES:
        cause = f"the fax would have {fax_pages} pages; {MOST_FAX_PAGES} are allowed"
        yield Problem(place, cause, "Leave attachments out, or put them on the web", "E_FAX_PAGES")
