"""Letters prepared by us (fitted, PDF, fax edition, fax pages, mail, all frozen) beside LibreOffice making PDFs alone.

Usage: letters.py [--letters N] [--rounds N] [--ways merge-and-convert,merge-files,…] [--apart] [--no-file]
The rounds go in turn, ours and each of theirs, so that whatever else the machine does hits both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import pty
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import theirs

HERE = Path(__file__).parent
OURS = "dispatcher"
#: After a name: seconds of computing instead of seconds by the clock. They tell more where the machine is shared.
CPU = " cpu"
Times = dict[str, list[float]]


def ours(folder: Path, number: int, *, apart: bool) -> tuple[float, dict[str, Any]]:
    """Seconds of the whole program, and what it found. Its progress bar is drawn, on a terminal of its own."""
    near, far = pty.openpty()
    drain = threading.Thread(target=_drain, args=(near,), daemon=True)
    drain.start()
    path = os.pathsep.join((str(HERE.parent), str(HERE)))
    command = [sys.executable, HERE / "ours.py", folder, str(number), "apart" if apart else "alike"]
    start = time.monotonic()
    try:
        subprocess.run(command, env=os.environ | {"PYTHONPATH": path, "TERM": "xterm"}, stderr=far, check=True)
    finally:
        os.close(far)
    seconds = time.monotonic() - start
    found: dict[str, Any] = json.loads((folder / "ours.json").read_text("utf-8"))
    return seconds, found


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # the other end was closed
        os.close(terminal)


def rounds(given: argparse.Namespace, place: Path) -> tuple[Times, list[dict[str, Any]], list[float]]:
    """The seconds of each side in each round; what ours found; the load before each round."""
    home = place / "home"
    theirs.environment(home)
    theirs.warm(home)
    times: Times = {name: [] for name in (OURS, *given.ways)}
    times[f"start{CPU}"] = [computing()]
    found, load = [], []
    for turn in range(given.rounds):
        load.append(round(os.getloadavg()[0], 2))
        seconds, one = ours(place / f"ours-{turn}", given.letters, apart=given.apart)
        found.append(one)
        _note(times, OURS, seconds, turn)
        for way in given.ways:
            folder = place / f"{way}-{turn}"
            seconds = theirs.run(way, home, folder, given.letters, apart=given.apart, standards=given.standards)
            _note(times, way, seconds, turn)
    return times, found, load


def computing() -> float:
    """Seconds that the processes which we have started, and waited for, have computed on all cores."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _note(times: Times, name: str, seconds: float, turn: int) -> None:
    """Keeps the seconds by the clock, and those of computing since the last note."""
    cpu = times.setdefault(f"{name}{CPU}", [])
    cpu.append(round(computing() - sum(sum(one) for key, one in times.items() if key.endswith(CPU)), 2))
    times[name].append(round(seconds, 2))
    print(
        f"  round {turn + 1}: {name:<18} {seconds:8.1f} s, {cpu[-1]:8.1f} s of computing", file=sys.stderr, flush=True
    )


def summary(times: Times) -> dict[str, dict[str, float]]:
    """Median and spread in seconds, and the median over the rounds of our time divided by theirs."""
    return {
        name: {
            "median": statistics.median(seconds),
            "least": min(seconds),
            "most": max(seconds),
            "computing": statistics.median(times[f"{name}{CPU}"]),
            "ours_by_theirs": round(statistics.median(a / b for a, b in zip(times[OURS], seconds, strict=True)), 3),
        }
        for name, seconds in times.items()
        if not name.endswith(CPU)
    }


def machine() -> dict[str, object]:
    cpu = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "processor": cpu[0] if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "libreoffice": theirs.version(),
    }


def show(found: dict[str, dict[str, float]], number: int) -> None:
    print(f"\n{number:,} letters, seconds            median    least     most computing  ours/theirs")
    words = {OURS: "Dispatcher: fit, PDF, fax, mail, frozen", **theirs.WAYS}
    for name, one in found.items():
        ratio = f"{one['ours_by_theirs']:.2f}" if name != OURS else ""
        figures = "".join(f"{one[key]:>9.1f}" for key in ("median", "least", "most", "computing"))
        print(f"  {name:<26}{figures}{ratio:>12}   {words[name]}")


def keep(given: argparse.Namespace, place: Path) -> None:
    times, found, load = rounds(given, place)
    result = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "letters": given.letters,
        "states": "each letter another" if given.apart else "five letters each",
        "standards": given.standards,
        "load_before_each_round": load,
        "seconds": times,
        "summary": summary(times),
        "ours": found,
    }
    show(summary(times), given.letters)
    if not given.no_file:
        target = HERE / "results" / f"letters-{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        print(f"\nkept as {target.relative_to(HERE.parent)}")


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--letters", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", type=lambda text: text.split(","), default=list(theirs.WAYS))
    parser.add_argument("--apart", action="store_true", help="every letter speaks of another state")
    parser.add_argument("--standards", choices=("plain", "tagged"), default="plain", help="what their PDFs are")
    parser.add_argument("--no-file", action="store_true", help="print the table, keep nothing")
    return parser.parse_args(arguments)


def main() -> None:
    given = options()
    if lacking := theirs.missing():
        raise SystemExit(
            f"{lacking}. `make bench` installs it where it may; there is nothing to compare with without it."
        )
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_FOLDER")) as place:
        keep(given, Path(place))


if __name__ == "__main__":
    main()
