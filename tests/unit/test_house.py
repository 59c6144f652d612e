"""The rules of the house, held by counting: sizes, imports, docstrings, names, addresses, licences."""

from __future__ import annotations

import ast
import re
import shutil
import statistics
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, files, metadata
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "dispatcher"
MODULES = sorted(PACKAGE.rglob("*.py"))
#: A migration is a list of statements, frozen on the day it is published: cutting it up makes it no clearer.
MIGRATIONS = PACKAGE / "store" / "migrations"
#: The command line and the program's entry import inside their commands, so that `--help` is there at once.
DOORS = {PACKAGE / "cli", PACKAGE / "__main__.py"}

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
MEDIAN_FUNCTION = 8

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(source: str) -> ast.Module:
    return ast.parse(source)


@cache
def functions(source: str) -> tuple[Function, ...]:
    return tuple(node for node in ast.walk(parsed(source)) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the end; decorators do not count."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def imports_inside_functions(source: str) -> list[int]:
    inside = (node for function in functions(source) for node in ast.walk(function))
    return sorted({node.lineno for node in inside if isinstance(node, ast.Import | ast.ImportFrom)})


def cycles(arrows: dict[str, set[str]]) -> set[str]:
    """The modules that are on a circle of imports, or between two circles."""
    left = {name: set(to) for name, to in arrows.items()}
    while ends := {name for name, to in left.items() if not to & left.keys()}:
        left = {name: to for name, to in left.items() if name not in ends}
    return set(left)


def arrows_of(package: str) -> dict[str, set[str]]:
    graph = grimp.build_graph(package, cache_dir=None)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


def tracked() -> list[Path]:
    """The files that git tracks; where there is no git (an unpacked archive), the test has nothing to look at."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("this is no git checkout")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def found(pattern: str, files: list[Path]) -> list[str]:
    """Where the pattern stands in files of text."""
    look = re.compile(pattern, re.IGNORECASE)
    return [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        if b"\0" not in file.read_bytes()[:8000]
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1)
        if look.search(line)
    ]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("file", MODULES, ids=name)
def test_a_module_is_short_and_says_what_it_is(file: Path) -> None:
    source = file.read_text()
    assert len(source.splitlines()) <= LONGEST_FILE
    assert ast.get_docstring(parsed(source)), "it has no docstring"


@pytest.mark.parametrize("file", [file for file in MODULES if MIGRATIONS not in file.parents], ids=name)
def test_no_function_is_long(file: Path) -> None:
    assert [one.name for one in functions(file.read_text()) if length(one) > LONGEST_FUNCTION] == []


def test_half_of_all_functions_are_a_handful_of_lines() -> None:
    sizes = [length(one) for file in MODULES for one in functions(file.read_text())]
    assert statistics.median(sizes) <= MEDIAN_FUNCTION


@pytest.mark.parametrize("file", [file for file in MODULES if not DOORS & {file, *file.parents}], ids=name)
def test_imports_stand_at_the_top(file: Path) -> None:
    assert imports_inside_functions(file.read_text()) == []


def test_an_import_inside_a_function_is_seen() -> None:
    assert imports_inside_functions("import a\n\n\ndef f():\n    def g():\n        from b import c\n") == [6]


def test_no_module_imports_itself_by_a_round_way() -> None:
    assert cycles(arrows_of("dispatcher")) == set()


def test_a_circle_of_imports_is_seen() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"c"}, "e": set()}) == {"a", "b", "c", "d"}


def test_nothing_is_named_for_having_no_name() -> None:
    nameless = {"utils", "util", "helpers", "helper", "misc", "common", "base_utils"}
    assert [name(file) for file in MODULES if {file.stem, file.parent.name} & nameless] == []


# Every pattern is written with brackets in it, so that it does not find itself.
@pytest.mark.parametrize(
    "pattern",
    [
        r"[p]ypi\.org|[p]ythonhosted|[p]ypi[./]simple|registry\.[n]pmjs|[c]rates\.io|proxy\.[g]olang",
        r"(?<![\w.])/(?:[w]ork|[r]oot)/",
    ],
    ids=["registry", "machine path"],
)
def test_no_file_names_a_registry_or_a_path_of_one_machine(pattern: str) -> None:
    assert found(pattern, tracked()) == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"])
def test_a_lock_pins_everything_by_hash_and_names_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.split(r"\n(?=\S)", text.strip())
    assert all(re.match(r"[a-z0-9-]+==\S+ (; [^\\]+)?\\\n    --hash=sha256:[0-9a-f]{64}", pin) for pin in pins)
    assert "://" not in text
    assert "--index" not in text


def locked() -> list[str]:
    return re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)


def noticed() -> dict[str, str]:
    return dict(re.findall(r"^    ([a-z0-9-]+) +(\S.*)$", (ROOT / "NOTICE").read_text(), re.MULTILINE))


#: How packages that state no SPDX expression put it.
SPDX = {
    "Apache 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",  # python-dateutil
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause, Apache-2.0",
    "SIL Open Font License 1.1 (OFL-1.1)": "OFL-1.1",
}


def licence(package: str) -> str:
    """The licence as the installed package states it."""
    facts = metadata(package).json
    classes = [line.rpartition(" :: ")[2] for line in facts.get("classifier", []) if line.startswith("License ::")]
    field = str(facts.get("license") or "")
    # Some packages put the whole text where the name belongs; then the class names it.
    if not classes and not field and not facts.get("license_expression"):
        return _by_its_text(package)
    stated = str(facts.get("license_expression") or (classes[-1] if "\n" in field or not field else field))
    return SPDX.get(stated, stated)


def _by_its_text(package: str) -> str:
    """For packages that state it in no field: by the sentences of the text that they carry."""
    texts = [one.read_text() for one in files(package) or () if one.name == "COPYING"]
    words = " ".join(" ".join(texts).split())
    third = "Redistribution and use in source and binary forms" in words and "Neither the name of" in words
    return "BSD-3-Clause" if third else "not stated"


def test_the_notice_lists_exactly_what_the_lock_pins() -> None:
    assert sorted(noticed()) == sorted(locked())


@pytest.mark.parametrize("package", locked())
def test_the_notice_gives_each_package_its_own_licence(package: str) -> None:
    try:
        stated = licence(package)
    except PackageNotFoundError:
        assert package in noticed(), "installed on other platforms only, and still to be listed"
    else:
        assert noticed()[package] == stated


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
