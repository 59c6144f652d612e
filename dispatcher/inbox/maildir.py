"""A Maildir, read and left as it is: nothing is marked, moved or deleted. (cr.yp.to/proto/maildir.html)

What was seen is known to this process alone; that a message is taken once is seen to by whoever takes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


class Maildir:
    """One folder with `new` and `cur` in it."""

    def __init__(self, folder: Path, largest: int) -> None:
        """`largest`: bytes; what is larger is passed over."""
        self.folder = folder
        self._largest = largest
        self._seen: set[str] = set()

    def unseen(self) -> Iterator[tuple[str, bytes]]:
        """The unique name and the bytes of each message that was not marked as seen, the oldest first.

        Raises OSError where the folder cannot be read.
        """
        for path in self._files():
            name = _unique(path)
            if name not in self._seen:
                try:
                    if path.stat().st_size <= self._largest:
                        yield name, path.read_bytes()
                except FileNotFoundError:  # a mail program has moved it meanwhile: it is met again at its new place
                    continue

    def saw(self, name: str) -> None:
        """It was taken: not offered again by this process."""
        self._seen.add(name)

    def _files(self) -> list[Path]:
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder} is no Maildir")
        found = [path for part in ("new", "cur") for path in (self.folder / part).glob("[!.]*")]
        self._seen &= {_unique(path) for path in found}  # what is gone need not be remembered
        return sorted(found, key=_unique)


def _unique(path: Path) -> str:
    """The name without the flags that mail programs put behind it."""
    return path.name.partition(":")[0]
