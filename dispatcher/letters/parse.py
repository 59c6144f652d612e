"""Markdown, with the data veiled in it, becomes the content tree. Alone knows Markdown; unveils the data afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from dispatcher.domain.characters import offence
from dispatcher.domain.errors import Problem, TemplateError

from .languages import Language
from .limits import MAX_LINE, markdown_faults
from .tree import Block, BlockKind, Span, SpanKind, plain, spelt
from .typography import clean, polish
from .veil import LEFTOVER, unveil

_SUP = re.compile(r"\^([^\s^]{1,12})\^")
_BLOCKS: dict[str, BlockKind] = {
    "paragraph": "p",
    "heading": "h",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "blockquote": "quote",
}
_SPANS: dict[str, SpanKind] = {"em": "em", "strong": "strong", "link": "link"}
_SUP_KIND: SpanKind = "sup"
_LTR_KIND: SpanKind = "ltr"
_SCHEMES = ("https", "mailto")
#: Lists and quotations within one another, and emphasis within emphasis.
_MAX_BLOCKS, _MAX_SPANS = 6, 6
#: Characters of the whole tree as it is printed, links spelt out.
_MAX_PRINTED = 60_000
_WANTED = "A letter has paragraphs, headings, lists, quotations, *emphasis*, **strong**, [links](https://…) and breaks"


class Parser:
    """A Markdown parser with the quotation marks of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._markdown = _markdown(language)
        self._kept = lru_cache(maxsize=64)(self._body)

    def body(self, text: str, place: str) -> tuple[Block, ...]:
        """The blocks of a letter. Raises TemplateError with everything that a letter may not hold.

        Kept, because the subject is the same in all letters of a text, and the body in many of them.
        """
        return self._kept(text, place)

    def _body(self, text: str, place: str) -> tuple[Block, ...]:
        if problems := markdown_faults(text, place):
            raise TemplateError(problems)
        reader = _Reader(self._language, place)
        blocks = reader.blocks(self._markdown.parse(text))
        reader.weigh(blocks)
        if reader.problems:
            raise TemplateError(list(dict.fromkeys(reader.problems)))
        return blocks

    def line(self, text: str, place: str) -> str:
        """One line without markup: the subject, the closing. `place` has its line already."""
        try:
            blocks = self.body(text, place)
        except TemplateError as error:
            raise TemplateError([replace(one, place=place) for one in error.problems]) from None
        spans = blocks[0].spans if len(blocks) == 1 and blocks[0].kind == "p" else ()
        # A date in it may bring a raised ending, which stays on the line here.
        if not spans or any(span.kind not in ("text", "sup", "ltr") for span in spans) or _SUP.search(text):
            raise TemplateError(Problem(place, "is not plain text", "Leave out the Markdown", "E_TPL_SYNTAX"))
        if len(shown := plain(spans)) > MAX_LINE:
            cause = f"has {len(shown)} characters; {MAX_LINE} are the most"
            raise TemplateError(Problem(place, cause, "Shorten it", "E_TPL_LIMIT"))
        return shown


def _markdown(language: Language) -> MarkdownIt:
    # Deeper nesting than its bound the parser leaves out in silence; ours is lower, and is said.
    nesting = {"maxNesting": 100}
    options = {"html": False, "typographer": True, "quotes": list(language.quotes), **nesting}
    markdown = MarkdownIt("commonmark", options).enable("smartquotes")
    # Left apart, an escaped character is known to mean itself.
    markdown.disable("text_join")
    # Addresses are checked and kept as they were written once the data in them are unveiled.
    markdown.normalizeLink = lambda url: url  # type: ignore[method-assign]
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    return markdown


@dataclass(slots=True)
class _Reader:
    """Goes once through the tokens."""

    language: Language
    place: str
    problems: list[Problem] = field(default_factory=list)
    at: int = 0
    line: int = 1
    level: int = 0  #: of the last heading
    depth: int = 0  #: of the block that is read

    def blocks(self, tokens: Sequence[Token]) -> tuple[Block, ...]:
        """The blocks up to the end of the enclosing one."""
        found: list[Block] = []
        while self.at < len(tokens):
            token = tokens[self.at]
            self.at += 1
            if token.nesting < 0:
                break
            self.line = token.map[0] + 1 if token.map else self.line
            found += self.block(token, tokens)
        return tuple(found)

    def block(self, token: Token, tokens: Sequence[Token]) -> list[Block]:
        kind = _BLOCKS.get(token.type.removesuffix("_open"))
        if kind is None:
            self.refuse(token)
            return []
        if kind in ("p", "h"):
            inline = tokens[self.at]
            self.at += 2
            spans = self.inline(inline.children or [])
            return [Block(kind, spans=spans, number=self.heading(token.tag) if kind == "h" else 0)]
        number = int(token.attrs.get("start", 1)) if kind == "ol" else 0
        return [Block(kind, blocks=self.within(tokens), number=number)]

    def within(self, tokens: Sequence[Token]) -> tuple[Block, ...]:
        """What the block encloses. A list counts twice: itself, and its items."""
        self.depth += 1
        if self.depth > _MAX_BLOCKS:
            self.say("lists and quotations stand too deep in one another", "Write it more simply", "E_TPL_LIMIT")
        blocks = self.blocks(tokens)
        self.depth -= 1
        return blocks

    def weigh(self, blocks: tuple[Block, ...]) -> None:
        """Notes a tree that prints far more than its text: a link is spelt out wherever it stands."""
        if _printed(blocks) > _MAX_PRINTED:
            cause = f"prints more than {_MAX_PRINTED} letters, with its links"
            self.problems.append(Problem(self.place, cause, "Shorten it", "E_TPL_LIMIT"))

    def heading(self, tag: str) -> int:
        """The level, one below the last at most: readers of PDF/UA may not meet a gap."""
        self.level = min(int(tag.removeprefix("h")), self.level + 1)
        return self.level

    def inline(self, tokens: Sequence[Token]) -> tuple[Span, ...]:
        open_spans: list[tuple[Token | None, list[Span]]] = [(None, [])]
        for token in tokens:
            if token.nesting < 0 and len(open_spans) > 1:
                opened, inner = open_spans.pop()
                open_spans[-1][1].extend(self.enclosed(opened, inner))
            elif token.nesting > 0 and len(open_spans) > _MAX_SPANS:
                self.say("emphasis and links stand too deep in one another", "Write it more simply", "E_TPL_LIMIT")
                return ()
            elif token.nesting > 0:
                open_spans.append((token, []))
            else:
                open_spans[-1][1].extend(self.leaf(token))
        return _joined(open_spans[0][1], self.language)

    def enclosed(self, token: Token | None, inner: list[Span]) -> list[Span]:
        kind = _SPANS.get(token.type.removesuffix("_open")) if token else None
        if token is None or kind is None:
            self.refuse(token)
            return inner
        href = self.address(str(token.attrs.get("href", ""))) if kind == "link" else ""
        return [Span(kind, spans=_joined(inner, self.language), href=href)]

    def leaf(self, token: Token) -> list[Span]:
        if token.type == "text":
            return self.text(token.content)
        if token.type == "text_special":
            return [Span("text", self.shown(token.content))]
        if token.type == "softbreak":
            self.line += 1
            return [Span("text", " ")]
        if token.type == "hardbreak":
            self.line += 1
            return [Span("br")]
        self.refuse(token)
        return []

    def text(self, text: str) -> list[Span]:
        pieces = _SUP.split(text)
        spans = [Span("sup", spans=(Span("text", self.shown(p)),)) if i % 2 else Span("text", self.shown(p))
                 for i, p in enumerate(pieces)]  # fmt: skip
        return [span for span in spans if span.text or span.spans]

    def shown(self, text: str) -> str:
        try:
            shown = unveil(text)
        except UnicodeDecodeError:
            shown = text
        if LEFTOVER.search(shown):
            self.say("a field was cut to pieces", "Print the field whole", "E_TPL_RESIDUE")
        elif (found := offence(shown)) and found.code != "E_MARKS":
            # A template's own letters were looked at in its file; this one is spelt, as in &#x202e;
            self.say(f"holds the {found}", found.way_out, "E_TPL_SYNTAX")
        return shown

    def address(self, href: str) -> str:
        shown = clean(self.shown(href))
        if urlsplit(shown).scheme not in _SCHEMES or any(c.isspace() or c in '<>"' for c in shown):
            self.say(f"the link {shown} is neither https: nor mailto:", "Write the whole address", "E_TPL_FORBIDDEN")
        return shown

    def refuse(self, token: Token | None) -> None:
        self.say(f"a letter may not hold this ({token.type if token else 'mark'})", _WANTED, "E_TPL_FORBIDDEN")

    def say(self, cause: str, way_out: str, code: str) -> None:
        self.problems.append(Problem(f"{self.place}:{self.line}", cause, way_out, code))


def _printed(blocks: Iterable[Block]) -> int:
    return sum(_spans_printed(one.spans) + _printed(one.blocks) for one in blocks)


def _spans_printed(spans: Iterable[Span]) -> int:
    return sum(len(one.text) + _spans_printed(one.spans) + (len(one.href) if one.href else 0) for one in spans)


def _joined(spans: list[Span], language: Language) -> tuple[Span, ...]:
    """With neighbouring texts made one, so that the typographic pass sees whole words."""
    joined: list[Span] = []
    for span in spans:
        if span.kind == "text" and joined and joined[-1].kind == "text":
            joined[-1] = Span("text", joined[-1].text + span.text)
        else:
            joined.append(span)
    polished = [marked(polish(s.text, language), language) if s.kind == "text" else (s,) for s in joined]
    return tuple(span for spans in polished for span in spans)


def marked(text: str, language: Language) -> tuple[Span, ...]:
    """The text with what its language raises ('sup') and what keeps its own direction ('ltr') set apart."""
    pattern, kind = (language.raised, _SUP_KIND) if language.raised else (language.apart, _LTR_KIND)
    if not pattern:
        return (Span("text", text),)
    spans: list[Span] = []
    at = 0
    for found in re.finditer(pattern, text):
        spans += [Span("text", text[at : found.start()]), Span(kind, spans=(Span("text", found.group()),))]
        at = found.end()
    return tuple(span for span in (*spans, Span("text", text[at:])) if span.text or span.spans)


def span_data(spans: tuple[Span, ...]) -> list[dict[str, Any]]:
    """Spans as plain data, for a writer that is not Python."""
    return [{"k": s.kind, "v": s.text, "h": s.href, "t": spelt(s), "s": span_data(s.spans)} for s in spans]


def tree_data(blocks: tuple[Block, ...]) -> list[dict[str, Any]]:
    """The tree as plain data, for a writer that is not Python."""
    return [{"k": b.kind, "n": b.number, "s": span_data(b.spans), "b": tree_data(b.blocks)} for b in blocks]
