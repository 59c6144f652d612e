"""The floors: the contracts of pyproject.toml hold on the real tree, and each is seen to bite on a planted import."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True, no_logo=True))"


def lint(folder: Path) -> tuple[bool, str]:
    """Runs the contracts over the package in `folder`: whether they hold, and what was said."""
    env = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


def outsiders(domain: Path) -> Iterator[str]:
    """What the domain imports beyond itself and the standard library."""
    for file in sorted(domain.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""] if node.level == 0 else ["." * node.level] if node.level > 1 else []
            yield from (
                f"{file.name}: {name}"
                for name in names
                if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("dispatcher.domain")
            )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and its contracts, to plant something in."""
    shutil.copytree(ROOT / "dispatcher", tmp_path / "dispatcher", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_point_down_only_and_siblings_never_import_one_another() -> None:
    holds, said = lint(ROOT)
    assert holds, said


@pytest.mark.parametrize(
    ("place", "line", "told"),
    [
        (
            "domain/words.py",
            "import dispatcher.usecases",
            "dispatcher.domain is not allowed to import dispatcher.usecases",
        ),
        ("store/engine.py", "from .. import app", "dispatcher.store is not allowed to import dispatcher.app"),
        ("archive.py", "import dispatcher.settings", "dispatcher.archive is not allowed to import dispatcher.settings"),
        (
            "settings/load.py",
            "from dispatcher import store",
            "dispatcher.settings is not allowed to import dispatcher.store",
        ),
        (
            "resources.py",
            "import dispatcher.settings",
            "dispatcher.resources is not allowed to import dispatcher.settings",
        ),
        (
            "cli/__init__.py",
            "import dispatcher.store.engine",
            "dispatcher.cli is not allowed to import dispatcher.store",
        ),
        (
            "usecases/__init__.py",
            "import dispatcher.channels.simulator",
            "dispatcher.usecases is not allowed to import dispatcher.channels.simulator",
        ),
    ],
)
def test_a_planted_import_is_seen(copy: Path, place: str, line: str, told: str) -> None:
    file = copy / "dispatcher" / place
    file.write_text(f"{file.read_text()}\n{line}\n")
    holds, said = lint(copy)
    assert not holds
    assert told in said


def test_a_module_without_a_floor_is_seen(copy: Path) -> None:
    (copy / "dispatcher" / "helpers.py").write_text('"""On no floor."""\n')
    holds, said = lint(copy)
    assert not holds
    assert "helpers" in said


def test_the_domain_needs_the_standard_library_only() -> None:
    assert list(outsiders(ROOT / "dispatcher" / "domain")) == []


@pytest.mark.parametrize("line", ["import pydantic", "from sqlalchemy import text", "from .. import archive"])
def test_a_planted_package_in_the_domain_is_seen(copy: Path, line: str) -> None:
    file = copy / "dispatcher" / "domain" / "clock.py"
    file.write_text(f"{file.read_text()}\n{line}\n")
    assert [found.partition(":")[0] for found in outsiders(copy / "dispatcher" / "domain")] == ["clock.py"]
