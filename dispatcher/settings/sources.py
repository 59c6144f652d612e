"""Where settings come from: file, environment, folder of secrets, command line. Each becomes (key, value, origin)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dispatcher.domain.errors import Problem, SettingsError

PREFIX = "DISPATCHER__"
CONTAINER_SECRETS = Path("/run/secrets")

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"' -]+?)\s*\]\]?\s*(#.*)?$")
_TIDY = re.compile(r"[\"' ]")
_KEY = re.compile(r"\s*([\w.\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*=")


class Given(NamedTuple):
    """One value that somebody gave."""

    key: str  #: dotted; a list of tables has the index in it: 'mail.relays.0.host'
    value: object
    origin: str  #: 'config/dispatcher.toml:12', 'environment DISPATCHER__…', 'command line'


def from_file(path: Path, name: str) -> list[Given]:
    """What the TOML file at `path` gives, called `name` in origins; raises SettingsError when it is no TOML."""
    text = ""
    try:
        text = path.read_bytes().decode()
        tree = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            Problem(name, f"the settings file cannot be read: {error.strerror}", "Check the path", "E_SETTINGS_FILE")
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(Problem(name, "the file is not UTF-8", "Save it as UTF-8", "E_SETTINGS_TOML")) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(_broken(name, str(error), text)) from error
    lines = _lines(text)
    return [Given(key, value, f"{name}:{_line_of(key, lines)}") for key, value in flatten(tree) if key]


def from_environment(env: Mapping[str, str]) -> Iterator[Given]:
    """`DISPATCHER__MAIL__RELAYS__0__HOST=…`; a list or table is written as in TOML: `[15, 60]`."""
    for name in sorted(env):
        if name.upper().startswith(PREFIX):
            key = name[len(PREFIX) :].lower().replace("__", ".")
            for inner, value in flatten(_unpacked(env[name]), key):
                yield Given(inner, value, f"environment {name}")


def secret_folders(env: Mapping[str, str]) -> list[Path]:
    """Where systemd and container runtimes put secrets, the stronger one last."""
    given = env.get("CREDENTIALS_DIRECTORY", "")
    return [CONTAINER_SECRETS, *([Path(given)] if given else [])]


def from_secret_folders(folders: Iterable[Path], known: Iterable[str]) -> Iterator[Given]:
    """A file named as the setting without `_file` (`fax.simulator.secret`) is that setting's secret."""
    shapes = {key.removesuffix("_file") for key in known if key.endswith("_file")}
    for folder in folders:
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            if shape(file.name) in shapes:
                yield Given(f"{file.name}_file", file, f"secret {file}")


def from_overrides(overrides: Mapping[str, object]) -> Iterator[Given]:
    """What the command line gives: nested mappings, or dotted keys."""
    for key, value in flatten(overrides):
        if key:
            yield Given(key, value, "command line")


def flatten(tree: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Leaves by dotted key. Before the parts of a list of tables comes the list's own key with [], which says that
    the list was given whole; an empty table is a leaf with {}."""
    parts: Iterable[tuple[object, object]] = ()
    if isinstance(tree, Mapping):
        parts = tree.items()
    elif isinstance(tree, list | tuple) and any(isinstance(part, Mapping) for part in tree):
        parts = enumerate(tree)
        yield key, []
    if not parts:
        yield key, tree
    for name, value in parts:
        yield from flatten(value, f"{key}.{name}" if key else str(name))


def shape(key: str) -> str:
    """The key with '*' for every index: 'mail.relays.*.host'."""
    return ".".join("*" if part.isdigit() else part for part in key.split("."))


def _unpacked(text: str) -> object:
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _broken(name: str, message: str, text: str) -> Problem:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    place = f"{name}:{found[1]}" if found else name
    if found and (twice := _declared_before(text.splitlines(), int(found[1]))):
        return Problem(place, *twice, "E_SETTINGS_TOML")
    cause = message.split(" (at ", maxsplit=1)[0]
    return Problem(place, f"this is not TOML: {cause}", "Correct the line, or the one before it", "E_SETTINGS_TOML")


def _declared_before(lines: list[str], number: int) -> tuple[str, str] | None:
    """Cause and way out where that line begins a table that stands further up; tomllib says only that it may not."""
    names = [(_TIDY.sub("", one[2]), one[1]) if (one := _HEADER.match(line)) else None for line in lines[:number]]
    name, mark = names.pop() or ("", "[[")
    before = next((line for line, one in enumerate(names, 1) if one and one[0] == name), 0)
    if mark == "[[" or not before:
        return None
    way_out = f"Fill in what stands under line {before}, and take this second one out"
    return f"[{name}] stands already in line {before}", way_out


def _lines(text: str) -> dict[str, int]:
    """The line of every header and key. tomllib tells no lines; a key inside a text of many lines may fool this."""
    lines: dict[str, int] = {}
    count: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _table(header, count)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            name = _TIDY.sub("", key[1])
            lines.setdefault(f"{table}.{name}" if table else name, number)
    return lines


def _table(header: re.Match[str], count: dict[str, int]) -> str:
    name = _TIDY.sub("", header[2])
    if header[1] == "[[":
        count[name] = count.get(name, -1) + 1
        return f"{name}.{count[name]}"
    return name


def _line_of(key: str, lines: dict[str, int]) -> int:
    """The line of the key, or of the nearest thing around it."""
    while key and key not in lines:
        key = key.rpartition(".")[0]
    return lines.get(key, 1)
