"""The audit log as a tree of hashes (RFC 6962 section 2.1, RFC 9162 section 2.1): its root, and proofs about it.

One root stands for every entry. An outsider who has kept a root is shown with a few hashes that an entry is under it,
and that a later root only adds to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

#: The root of a log without entries.
EMPTY = hashlib.sha256(b"").digest()


def leaf(entry: bytes) -> bytes:
    """The hash of one entry's bytes."""
    return hashlib.sha256(b"\0" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A log's size, and the roots of the full trees that it falls into, the largest first: enough to go on from."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    @classmethod
    def over(cls, leaves: Iterable[bytes]) -> Frontier:
        return cls().add(leaves)

    def add(self, leaves: Iterable[bytes]) -> Frontier:
        """The same log with further entries at its end."""
        size, peaks = self.size, list(self.peaks)
        for one in leaves:
            peaks.append(one)
            size += 1
            trees = size
            while not trees & 1:
                right = peaks.pop()
                peaks[-1] = node(peaks[-1], right)
                trees >>= 1
        return Frontier(size, tuple(peaks))

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        *others, root = self.peaks
        for left in reversed(others):
            root = node(left, root)
        return root


#: A log without entries.
NOTHING = Frontier()


@dataclass(slots=True)
class Tree:
    """A whole log, for proofs about it. The roots of its parts are kept: many proofs cost little more than one."""

    leaves: Sequence[bytes]
    _roots: dict[tuple[int, int], bytes] = field(default_factory=dict)

    @property
    def root(self) -> bytes:
        return self._root(0, len(self.leaves)) if self.leaves else EMPTY

    def inclusion(self, index: int) -> list[bytes]:
        """The hashes that lead from entry `index` (from 0) to the root. Raises IndexError where there is none."""
        if not 0 <= index < len(self.leaves):
            raise IndexError(f"entry {index} of a log of {len(self.leaves)}")
        path, start, end = list[bytes](), 0, len(self.leaves)
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._root(middle, end))
                end = middle
            else:
                path.append(self._root(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, earlier: int) -> list[bytes]:
        """The hashes that show that the log of `earlier` entries is the beginning of this one."""
        if not 0 < earlier <= len(self.leaves):
            raise IndexError(f"a log of {earlier} entries within one of {len(self.leaves)}")
        path, start, end = list[bytes](), 0, len(self.leaves)
        while earlier != end:
            middle = start + _split(end - start)
            if earlier <= middle:
                path.append(self._root(middle, end))
                end = middle
            else:
                path.append(self._root(start, middle))
                start = middle
        return [*([self._root(start, end)] if start else []), *path[::-1]]

    def _root(self, start: int, end: int) -> bytes:
        if end - start == 1:
            return self.leaves[start]
        if (start, end) not in self._roots:
            middle = start + _split(end - start)
            self._roots[start, end] = node(self._root(start, middle), self._root(middle, end))
        return self._roots[start, end]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def consistent(earlier: int, size: int, path: Sequence[bytes], earlier_root: bytes, root: bytes) -> bool:
    """Is the log of `earlier_root` the beginning of the log of `root`? (RFC 9162 section 2.1.4.2)"""
    if not 0 < earlier <= size:
        return False
    if earlier == size:
        return not path and earlier_root == root
    steps = list(path)
    if earlier & (earlier - 1) == 0:
        steps.insert(0, earlier_root)
    if not steps:
        return False
    position, last = earlier - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = steps[0]
    for other in steps[1:]:
        if not last:
            return False
        if position & 1 or position == last:
            before, after = node(other, before), node(other, after)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            after = node(after, other)
        position, last = position >> 1, last >> 1
    return not last and before == earlier_root and after == root
