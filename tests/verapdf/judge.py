"""Asks veraPDF whether a PDF keeps PDF/A-2a and PDF/UA-1. The Java machine lives in one child process.

A Java machine in the test process would bring its own threads and signal handlers to every process that a test forks.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

#: The profiles as the jar names them, and how many rules each holds at the least: a check of nothing is no check.
STANDARDS = {"PDFA-2A": 150, "PDFUA-1": 100}


class Judge:
    """One child process, started when first asked, and ended by `close`."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def faults(self, pdf: bytes) -> list[str]:
        """Every rule that the file breaks: 'PDFA-2A 6.1.9-1 …'; empty for a file that keeps both standards."""
        verdicts = self._ask(pdf)
        for verdict in verdicts:
            least = STANDARDS[verdict["standard"]]
            assert verdict["rules"] >= least, f"rules are missing: {verdict}"
            assert verdict["checks"] > least or verdict["faults"], f"nothing was checked: {verdict}"
        return [fault for verdict in verdicts for fault in verdict["faults"]]

    def _ask(self, pdf: bytes) -> list[dict[str, Any]]:
        child = self._child = self._child or _started()
        assert child.stdin
        assert child.stdout
        child.stdin.write(base64.b64encode(pdf).decode() + "\n")
        child.stdin.flush()
        answer = child.stdout.readline()
        assert answer, "veraPDF's process has ended; what it said last stands above"
        verdicts: list[dict[str, Any]] = json.loads(answer)
        return verdicts

    def close(self) -> None:
        """Ends the child: it stops when nothing more can come."""
        if self._child is not None:
            self._child.communicate(timeout=30)


def _started() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "verapdf.jvm", *STANDARDS]
    folder = Path(__file__).parents[1]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
