"""Two versions of one letter, compared word by word: as runs of words, and as pages side by side with marks on them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

import pypdfium2 as pdfium

from .paper import compose
from .typography import clean

ChangeKind = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Change:
    """A run of words that both versions have, or only one."""

    kind: ChangeKind
    words: str


@dataclass(frozen=True, slots=True)
class Version:
    """One side of a comparison."""

    caption: str
    text: str
    pdf: bytes


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a PDF, and its box on its page in points from the lower left corner."""

    text: str
    page: int
    box: tuple[float, float, float, float]  #: left, bottom, right, top


def word_changes(old: str, new: str) -> list[Change]:
    """What became of the words of `old` in `new`, in reading order. Spaces and line ends do not count."""
    before, after = old.split(), new.split()
    changes: list[Change] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            changes.append(Change("same", " ".join(before[a:b])))
            continue
        if b > a:
            changes.append(Change("gone", " ".join(before[a:b])))
        if d > c:
            changes.append(Change("new", " ".join(after[c:d])))
    return changes


def side_by_side(old: Version, new: Version) -> bytes:
    """The pages of both on A4 across, old left and new right; words that only one side has are marked."""
    left, right = _words(old.pdf), _words(new.pdf)
    gone, come = _different(left, right)
    words = {
        "old": _side(old, "old.pdf", gone),
        "new": _side(new, "new.pdf", come),
        "pages": max(_count(old.pdf), _count(new.pdf)),
    }
    return compose("compare.typ", words, {"old.pdf": old.pdf, "new.pdf": new.pdf})


def _different(left: Sequence[_Word], right: Sequence[_Word]) -> tuple[list[_Word], list[_Word]]:
    matcher = SequenceMatcher(None, [one.text for one in left], [one.text for one in right], autojunk=False)
    changed = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    gone = [word for _, a, b, _, _ in changed for word in left[a:b]]
    return gone, [word for _, _, _, c, d in changed for word in right[c:d]]


def _side(version: Version, file: str, marked: Iterable[_Word]) -> dict[str, object]:
    marks = [{"page": one.page, "box": one.box} for one in marked]
    return {"caption": clean(version.caption), "file": file, "sizes": _sizes(version.pdf), "marks": marks}


def _words(pdf: bytes) -> list[_Word]:
    document = pdfium.PdfDocument(pdf)
    try:
        return [word for number, page in enumerate(document, 1) for word in _page_words(page, number)]
    finally:
        document.close()


def _page_words(page: pdfium.PdfPage, number: int) -> Iterable[_Word]:
    """The page's words: runs of characters between spaces, each with the box around it."""
    text = page.get_textpage()
    characters = [(text.get_text_range(index, 1), index) for index in range(text.count_chars())]
    for space, run in itertools.groupby(characters, key=lambda one: not one[0].strip()):
        if space:
            continue
        letters = list(run)
        boxes = [text.get_charbox(index) for _, index in letters]
        lefts, bottoms, rights, tops = zip(*boxes, strict=True)
        box = (min(lefts), min(bottoms), max(rights), max(tops))
        yield _Word("".join(letter for letter, _ in letters), number, box)


def _count(pdf: bytes) -> int:
    return len(_sizes(pdf))


def _sizes(pdf: bytes) -> list[tuple[float, float]]:
    document = pdfium.PdfDocument(pdf)
    try:
        return [page.get_size() for page in document]
    finally:
        document.close()
