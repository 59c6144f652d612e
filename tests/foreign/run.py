"""Reads the test messages of flufl.bounce, from its source distribution: python -m foreign.run; `make foreign` does it.

Exit code 0: at least 97 in 100 are read right, or the distribution cannot be had here, and why is said. What is right
stands in its own table of detectors, which is read and not run: who bounced, and whether for good.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from dispatcher.domain.words import Incoming
from dispatcher.inbox.classify import classify

LEAST = 0.97
#: Seconds for the index.
PATIENCE = 240


class Missing(Exception):
    """The distribution cannot be had; says why."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="foreign-") as name:
        try:
            source = fetched(Path(name))
        except Missing as why:
            print(f"skipped: {why}")
            return 0
        wrong = list(read_all(source))
        total = len(expected(source))
    for one in wrong:
        print(one)
    share = 1 - len(wrong) / total
    print(f"flufl.bounce {version('flufl.bounce')}: {total - len(wrong)} of {total} messages read right ({share:.1%})")
    return 0 if share >= LEAST else 1


def fetched(folder: Path) -> Path:
    """The unpacked source of the release that is installed. Raises Missing."""
    wanted = f"flufl.bounce=={version('flufl.bounce')}"
    command = [*_pip(), "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:"]
    try:
        # Its build backend is here already, in the lock of development.
        done = subprocess.run(
            [*command, "--no-build-isolation", "--dest", str(folder), wanted],
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise Missing(f"no answer from the package index within {PATIENCE} s") from late
    archives = list(folder.glob("*.tar.gz"))
    if done.returncode or not archives:
        raise Missing(f"the package index gives no source of {wanted}: {(done.stderr.strip() or '?').splitlines()[-1]}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def _pip() -> list[str]:
    own = Path(sys.executable).with_name("pip")
    if own.exists():
        return [str(own)]
    found = shutil.which("pip") or shutil.which("pip3")
    if found is None:
        raise Missing("there is no pip")
    return [found, "--python", sys.executable]


def expected(source: Path) -> dict[str, tuple[set[str], bool]]:
    """File → who is named, and whether for a time only. Messages for which its table names nobody are left out."""
    tree = ast.parse((source / "tests" / "test_detectors.py").read_text("utf-8"))
    rows = next(
        ast.literal_eval(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DETECTORS"
    )
    named: dict[str, tuple[set[str], bool]] = {}
    for _, file, addresses, passing in rows:
        who, before = named.setdefault(file, (set(), passing))
        who.update(one.decode().lower() for one in addresses)
        named[file] = (who, before or passing)
    return {file: one for file, one in named.items() if one[0]}


def read_all(source: Path) -> Iterator[str]:
    """What was read wrong, a line for each message."""
    for file, (who, passing) in sorted(expected(source).items()):
        reading = classify((source / "tests" / "data" / file).read_bytes())
        found = {one.address.lower() for one in reading.recipients}
        kind = Incoming.DELAY if passing else Incoming.BOUNCE
        if (found, reading.kind) != (who, kind):
            yield f"{file}: {kind} {sorted(who)} was read as {reading.kind} {sorted(found)}"


if __name__ == "__main__":
    sys.exit(main())
