"""Sets the content tree as plain text, 72 columns wide (RFC 5322, 2.1.1 asks for 78 at most)."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from .sheet import Sheet
from .tree import Block, Span, spelt
from .typography import unbound

COLUMNS = 72


@lru_cache(maxsize=512)
def wrap(text: str, first: str = "", then: str = "") -> str:
    """The text in lines of 72 columns; `first` stands before the first line, `then` before the others.

    A long word, such as an address on the web, is not broken; a no-break space holds until the lines are cut. Chinese
    has no spaces to break at, and stays one line. Kept, because most lines of a campaign are the same in each letter.
    """
    if any(unicodedata.east_asian_width(char) in "WF" for char in text):
        return unbound(first + text)
    wrapper = textwrap.TextWrapper(
        COLUMNS, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
    )
    # textwrap breaks at ASCII white space alone, so that a no-break space binds.
    return unbound("\n".join(wrapper.wrap(text)))


def copies(sheet: Sheet) -> str:
    """The cc block, its lines hanging under the first."""
    label = sheet.language.labelled(sheet.language.copy_label, "")
    indent = " " * sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in label)
    lines = [line for copy in sheet.copies for line in copy]
    return "\n".join(wrap(line, label if n == 0 else indent, indent) for n, line in enumerate(lines))


def body(blocks: Iterable[Block]) -> str:
    """Paragraphs with an empty line between them."""
    return "\n\n".join(_block(block, "") for block in blocks)


def _block(block: Block, indent: str) -> str:
    if block.kind in ("ul", "ol"):
        return "\n".join(_items(block, indent))
    if block.kind == "quote":
        return "\n\n".join(_block(inner, indent + "    ") for inner in block.blocks)
    return "\n".join(wrap(line, indent, indent) for line in _lines(block.spans))


def _items(block: Block, indent: str) -> Iterable[str]:
    for number, item in enumerate(block.blocks, block.number):
        mark = f"{number}. " if block.kind == "ol" else "- "
        inner = indent + " " * (len(mark) + 2)
        text = "\n\n".join(_block(part, inner) for part in item.blocks)
        yield f"{indent}  {mark}{text.removeprefix(inner)}"


def _lines(spans: Iterable[Span]) -> list[str]:
    return "".join(_words(spans)).split("\n")


def _words(spans: Iterable[Span]) -> Iterable[str]:
    for span in spans:
        inner = "".join(_words(span.spans))
        if span.kind == "br":
            yield "\n"
        elif span.kind == "link":
            yield f"{inner} ({spelt(span)})" if spelt(span) else inner
        else:
            yield span.text + inner
