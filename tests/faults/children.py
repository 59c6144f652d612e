"""Worker processes of a test: forked from one that has loaded everything once, awaited without holding up the far ends.

The nursery is the one that letters are rendered from.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import dying

from dispatcher.letters.nursery import Nursery

_nursery = Nursery(dying.work, grace=30.0)
close = _nursery.close


class Child:
    """A worker of the desk at `places`, to which `acts` happen; see dying.py."""

    def __init__(self, places: dying.Places, acts: Mapping[str, str]) -> None:
        self.pid, self._line = _nursery.born()
        self._line.send((places, dict(acts)))

    async def ended(self) -> int:
        """Its exit code, or less than 0 for the signal that ended it."""
        return await asyncio.to_thread(_nursery.ended, self.pid)

    async def stopped(self) -> None:
        """Returns when it stands still."""
        async with asyncio.timeout(30):
            while not self._stands():
                await asyncio.sleep(0.005)

    def _stands(self) -> bool:
        """proc(5): the state is the first word after the name, which stands in brackets."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
