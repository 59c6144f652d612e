"""Runs the program `dispatcher` in a project folder: within this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatcher.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def good(self) -> Ran:
        assert self.code == 0, self
        return self


@dataclass(frozen=True, slots=True)
class Program:
    """The program, called in `folder`."""

    folder: Path

    def __call__(self, *words: str) -> Ran:
        """In this process, which saves the imports; with its own output, arguments and current folder."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.folder),
            _arguments(*words),
            _log_restored(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = _code_of_main()
        return Ran(code, out.getvalue(), err.getvalue())

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """As a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "dispatcher", *words],
            cwd=self.folder,
            env=environment(),
            text=True,
            **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | more),
        )

    async def apart(self, *words: str) -> Ran:
        """As a process of its own, while this one goes on."""
        with self.start(*words) as process:
            out, err = await asyncio.to_thread(process.communicate, None, 60)
        return Ran(process.returncode, out, err)


def environment(**more: str) -> dict[str, str]:
    """Of a process that finds the package in this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def _code_of_main() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1 if end.code else 0
    return 0


@contextlib.contextmanager
def _arguments(*words: str) -> Iterator[None]:
    before, sys.argv = sys.argv, ["dispatcher", *words]
    try:
        yield
    finally:
        sys.argv = before


@contextlib.contextmanager
def _log_restored() -> Iterator[None]:
    """The program sends the root log to its standard error; pytest wants it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level
