"""The content tree: what a letter says, not how it looks. The writers read it; only `parse` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SpanKind = Literal["text", "em", "strong", "link", "br", "sup"]
BlockKind = Literal["p", "h", "ul", "ol", "li", "quote"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of words in a paragraph."""

    kind: SpanKind
    text: str = ""  #: of 'text' only
    spans: tuple[Span, ...] = ()  #: what 'em', 'strong', 'link' and 'sup' enclose
    href: str = ""  #: of 'link' only; https: or mailto:


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, a list, an item of a list, or a quotation."""

    kind: BlockKind
    spans: tuple[Span, ...] = ()  #: of 'p' and 'h'
    blocks: tuple[Block, ...] = ()  #: of 'ul', 'ol' (their items), 'li' and 'quote'
    number: int = 0  #: the level of 'h' (1 is the highest), the first number of 'ol'


def plain(spans: tuple[Span, ...]) -> str:
    """The words alone."""
    return "".join(" " if span.kind == "br" else span.text + plain(span.spans) for span in spans)
