"""Takes each defence out of a copy of the tree, and sees its fault's tests fail: `make teeth`.

Exit code 1 when a defence can be taken out unseen, or is no longer where the table says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from defences import DEFENCES, Defence

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("dispatcher", "tests", "templates", "config", "pyproject.toml")
#: pytest's exit codes: tests ran, and some of them failed.
FAILED = 1
#: With every defence in place the faults' tests run side by side.
_SPREAD = ("--numprocesses", "auto", "--dist", "loadfile")
#: Seconds; a test that hangs without its defence has seen that it is gone.
LONGEST = 180


def copy(folder: Path) -> Path:
    """The tree as it stands, without what git does not keep."""
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def bites(tree: Path, one: Defence) -> str:
    """Take the defence out, run its fault's tests, put it back: 'bitten', or what is wrong."""
    path = tree / "dispatcher" / one.file
    whole = path.read_text(encoding="utf-8")
    if whole.count(one.text) != 1:
        return "its text is not there exactly once"
    path.write_text(whole.replace(one.text, one.instead), encoding="utf-8")
    try:
        code = _pytest(tree, [one.fault])
    except subprocess.TimeoutExpired:
        return "bitten"
    finally:
        path.write_text(whole, encoding="utf-8")
    return {FAILED: "bitten", 0: "NOT BITTEN"}.get(code, f"pytest ended with {code}")


def _pytest(tree: Path, faults: Sequence[str], within: float = LONGEST, spread: Sequence[str] = ()) -> int:
    """SQLite alone where there is a choice: what is taken out is not the database."""
    chosen = (*(f"tests/faults/test_{fault}.py" for fault in faults), "-k", "sqlite or not postgresql")
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *spread, *chosen]
    env = {**os.environ, "PYTHONPATH": str(tree)}
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, timeout=within, check=False).returncode


def main(faults: Sequence[str]) -> int:
    """All of the table, or the rows of these faults."""
    rows = [one for one in DEFENCES if one.fault in faults or not faults]
    with tempfile.TemporaryDirectory(prefix="teeth-") as name, ThreadPoolExecutor(os.cpu_count()) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(os.cpu_count() or 1):
            trees.put(copy(Path(name) / str(number)))
        if _pytest(Path(name) / "0", sorted({one.fault for one in rows}), 10 * LONGEST, _SPREAD):
            print("the tests fail with every defence in place: mend that first")
            return 1

        def one_by_one(one: Defence) -> str:
            tree = trees.get()
            try:
                return bites(tree, one)
            finally:
                trees.put(tree)

        found = []
        for one, word in zip(rows, pool.map(one_by_one, rows), strict=True):
            print(f"{one.fault:34}{one.what:56}{word}", flush=True)
            found.append(word)
    bitten = found.count("bitten")
    print(f"{bitten} of {len(found)} defences were missed when they were taken out")
    return 0 if bitten == len(found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
