"""Notes about what was filled in: a row has each of its own, a person is told one of a kind a file, with examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from dispatcher.domain.errors import Problem

#: How a note of many rows begins; its cause goes on with what the notes of single rows say behind their first colon.
_HEADS = {
    "W_ID_MADE": "id: made",
    "W_SEAT_MADE": "seat: made from where the office stands",
    "W_ZONE_MADE": "time_zone: made from where the office stands",
    "W_FORM_MADE": "form: made from the office",
    "W_HONORIFIC": "honorific: left to the form of address",
}
#: Told once a file for each word, as each word has a way out of its own.
_BY_WORD = frozenset({"W_FORM"})
_EXAMPLES = 3


def summed(warnings: Iterable[Problem]) -> list[Problem]:
    """The warnings, where the first of each stood; of notes about what was filled in one a kind and file."""
    groups: dict[tuple[str, ...], list[Problem]] = {}
    for one in warnings:
        groups.setdefault(_kind(one), []).append(one)
    return [_as_one(group) for group in groups.values()]


def _kind(one: Problem) -> tuple[str, ...]:
    file = one.place.rpartition(", row ")[0] or one.place.rpartition(":")[0]
    if one.code in _HEADS:
        return file, one.code
    return (file, one.code, one.cause) if one.code in _BY_WORD else (one.place, one.code, one.cause)


def _as_one(group: Sequence[Problem]) -> Problem:
    first = group[0]
    if len(group) == 1 or first.code not in (*_HEADS, *_BY_WORD):
        return first
    if first.code in _BY_WORD:
        return replace(first, cause=f"{first.cause}; likewise in {len(group) - 1} more rows")
    return replace(first, cause=f"{_HEADS[first.code]}, {len(group)} rows ({_examples(group)})")


def _examples(group: Sequence[Problem]) -> str:
    """'CH, because of 'Genève': 8; … and 4 more': the most frequent ones, but one of each value before a second one."""
    counts = Counter(one.cause.partition(": ")[2].partition(", which ")[0] for one in group)
    texts = [text for text, _ in counts.most_common()]
    first = set({text.partition(", because of ")[0]: text for text in reversed(texts)}.values())
    texts.sort(key=lambda text: text not in first)
    shown = [text if counts[text] == 1 else f"{text}: {counts[text]}" for text in texts[:_EXAMPLES]]
    more = len(counts) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")
