"""The content tree: what a letter says, not how it looks. The writers read it; only `parse` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .typography import NBSP

SpanKind = Literal["text", "em", "strong", "link", "br", "sup", "ltr"]
BlockKind = Literal["p", "h", "ul", "ol", "li", "quote"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of words in a paragraph."""

    kind: SpanKind
    text: str = ""  #: of 'text' only
    spans: tuple[Span, ...] = ()  #: what 'em', 'strong', 'link', 'sup' and 'ltr' enclose
    href: str = ""  #: of 'link' only; https: or mailto:


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, a list, an item of a list, or a quotation."""

    kind: BlockKind
    spans: tuple[Span, ...] = ()  #: of 'p' and 'h'
    blocks: tuple[Block, ...] = ()  #: of 'ul', 'ol' (their items), 'li' and 'quote'
    number: int = 0  #: the level of 'h' (1 is the highest), the first number of 'ol'


def spelt(link: Span) -> str:
    """The address of a link for paper, and for text without links; '' where the words say it themselves."""
    address = link.href.removeprefix("mailto:")
    return "" if _bare(address) == _bare(plain(link.spans)) else address


def _bare(address: str) -> str:
    return address.replace(NBSP, " ").removeprefix("https://").removeprefix("www.").rstrip("/")


def plain(spans: tuple[Span, ...]) -> str:
    """The words alone."""
    return "".join(" " if span.kind == "br" else span.text + plain(span.spans) for span in spans)


def words(blocks: tuple[Block, ...]) -> str:
    """The words of all the blocks."""
    return " ".join(plain(block.spans) + words(block.blocks) for block in blocks)


def paragraphs(blocks: tuple[Block, ...]) -> int:
    """How many paragraphs and headings there are, those in lists and quotations too."""
    return sum(1 if block.kind in ("p", "h") else paragraphs(block.blocks) for block in blocks)
