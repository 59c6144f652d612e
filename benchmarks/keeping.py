"""Keeps what a benchmark measured, with what was asked for and on which machine, in results/ as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def keep(name: str, given: argparse.Namespace, runs: object, table: Sequence[str]) -> None:
    now = datetime.now(UTC)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}
    kept = {"at": now.isoformat(), "machine": machine, "given": vars(given), "runs": runs, "table": table}
    path = RESULTS / f"{name}-{now:%Y-%m-%d-%H%M}.json"
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
