"""What a far end took, one JSON line each, on the disk before the far end says so. It may only append."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Ledger:
    """An append-only file of JSON lines; a line is durable when `append` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_durably(path, b"")

    def append(self, **facts: Any) -> None:
        line = json.dumps(facts, ensure_ascii=False, separators=(",", ":")) + "\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, line.encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def entries(self) -> list[Entry]:
        """Every whole line. A last line without its end was cut by a crash: nobody was told of it, so it is nothing."""
        whole, _, _torn = self.path.read_bytes().rpartition(b"\n")
        return [json.loads(line) for line in whole.splitlines()]


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that both it and its name survive a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
