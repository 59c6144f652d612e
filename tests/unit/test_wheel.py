"""What is shipped: found in a checkout, and found again in a wheel that is unpacked anywhere."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dispatcher.resources import resource

ROOT = Path(__file__).resolve().parents[2]
ASK = "import sys; from dispatcher.resources import resource; print(resource(sys.argv[1]))"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("dispatcher-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_in_a_checkout_the_shipped_folders_are_the_ones_that_are_edited() -> None:
    assert resource("templates") == ROOT / "templates"
    assert resource("config/causes.toml") == ROOT / "config" / "causes.toml"


def test_what_is_not_shipped_is_said_to_be_missing() -> None:
    with pytest.raises(FileNotFoundError, match="lacks 'templates/none'"):
        resource("templates/none")


@pytest.mark.parametrize("folder", ["templates", "config"])
def test_the_wheel_holds_every_file_of_a_shipped_folder(unpacked: Path, folder: str) -> None:
    home = unpacked / "dispatcher" / "resources" / folder
    here = {file.relative_to(ROOT / folder) for file in (ROOT / folder).rglob("*") if file.is_file()}
    assert here
    assert {file.relative_to(home) for file in home.rglob("*") if file.is_file()} == here


def test_the_wheel_holds_the_package_its_type_mark_its_migrations_its_tables_and_its_licence(unpacked: Path) -> None:
    assert (unpacked / "dispatcher" / "py.typed").exists()
    assert list((unpacked / "dispatcher" / "store" / "migrations").rglob("0*.py"))
    assert {file.name for file in (unpacked / "dispatcher" / "domain").glob("*.csv")} == {
        "states.csv",
        "state_aliases.csv",
        "state_doubts.csv",
    }
    (info,) = unpacked.glob("dispatcher-*.dist-info")
    assert {"LICENSE", "NOTICE"} <= {file.name for file in info.rglob("*")}
    assert not (unpacked / "tests").exists()


def test_an_installed_wheel_finds_its_own_folders(unpacked: Path) -> None:
    # -I keeps the checkout out of the way; the wheel's folder is put in front by hand.
    ask = [
        sys.executable,
        "-I",
        "-c",
        f"import sys; sys.path.insert(0, {str(unpacked)!r}); {ASK}",
        "config/causes.toml",
    ]
    done = subprocess.run(ask, cwd=unpacked, check=True, capture_output=True, text=True)
    assert Path(done.stdout.strip()) == unpacked / "dispatcher" / "resources" / "config" / "causes.toml"
