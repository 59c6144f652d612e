"""Puts the sources together, by their strength, into one frozen Settings; tells every problem at once."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dispatcher.domain.errors import Problem, SettingsError
from dispatcher.resources import resource

from .model import Settings
from .secret import secret_problems
from .signing import signing_problems
from .sources import (
    Given,
    from_environment,
    from_file,
    from_overrides,
    from_secret_folders,
    secret_folders,
    shape,
)
from .values import masked

DEFAULT_FILE = Path("config/dispatcher.toml")
DEFAULT = "default"
#: Words that name a secret; a setting of such a name can only be a file.
SECRET_WORDS = ("password", "secret", "token", "key", "passphrase")


def load(
    path: Path | None = None,
    env: Mapping[str, str] = os.environ,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """The settings, from the file at `path`, or DISPATCHER_CONFIG, or config/dispatcher.toml, or the defaults alone.

    `overrides` are what the command line says: nested, or by dotted key. A relative path, wherever it is given, starts
    at the project folder: the parent of the folder `config` that the file lies in, otherwise the file's own folder,
    and without a file the current folder.
    Raises SettingsError with every problem.
    """
    file = _file(path, env)
    base = _base(file)
    known = known_keys(Settings)
    folders = secret_folders(env)
    given = _merged(
        from_file(file, _name(file, base)) if file else (),
        from_secret_folders(folders, known),
        from_environment(env),
        from_overrides(overrides or {}),
    )
    problems = [*_key_problems(given, known), *_inline_url(given)]
    good = [one for one in given if _fits(one, known)]
    problems += secret_problems(good, base, folders)
    problems += signing_problems(good, base)
    return _built(good, base, problems)


def known_keys(model: type[BaseModel], prefix: str = "") -> dict[str, bool]:
    """Every key of the model by its shape; whether it is a value (or, as for lists of tables, a section)."""
    keys: dict[str, bool] = {}
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        key, inner = f"{prefix}{name}", _section(field.annotation)
        keys[key] = inner is None
        if inner is not None:
            inside = key if inner is field.annotation else f"{key}.*"
            keys |= {inside: False} | known_keys(inner, f"{inside}.")
    return keys


def _section(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _file(path: Path | None, env: Mapping[str, str]) -> Path | None:
    named = path or (Path(env["DISPATCHER_CONFIG"]) if env.get("DISPATCHER_CONFIG") else None)
    if named is None:
        return DEFAULT_FILE.absolute() if DEFAULT_FILE.exists() else None
    return named.expanduser().absolute()


def _base(file: Path | None) -> Path:
    if file is None:
        return Path.cwd()
    return file.parent.parent if file.parent.name == "config" else file.parent


def _name(file: Path, base: Path) -> str:
    return str(file.relative_to(base)) if base == Path.cwd() else str(file)


def _merged(*sources: Iterable[Given]) -> list[Given]:
    """The strongest value of each key. A list that is given whole replaces the weaker list whole."""
    merged: dict[str, Given] = {}
    for source in sources:
        fresh = {one.key: one for one in source}
        whole = tuple(f"{key}." for key, one in fresh.items() if isinstance(one.value, list | tuple))
        merged = {key: one for key, one in merged.items() if not key.startswith(whole)} | fresh
    return list(merged.values())


def _fits(one: Given, known: Mapping[str, bool]) -> bool:
    """A value where a value belongs, or an empty table or list where a section belongs."""
    return known.get(shape(one.key), False) or (shape(one.key) in known and one.value in ([], (), {}))


def _key_problems(given: Iterable[Given], known: Mapping[str, bool]) -> Iterator[Problem]:
    for one in given:
        key, _, origin = one
        if _fits(one, known):
            continue
        if shape(key) in known:
            yield Problem(
                origin, f"'{key}' is a section, not a value", f"Set {_example(key, known)}", "E_SETTING_SECTION"
            )
        elif f"{shape(key)}_file" in known or key.rpartition(".")[2] in SECRET_WORDS:
            yield _inline_secret(key, origin)
        else:
            yield _unknown(key, origin, known)


def _example(key: str, known: Mapping[str, bool]) -> str:
    return next(name for name, is_value in known.items() if is_value and name.startswith(f"{shape(key)}."))


def _inline_secret(key: str, origin: str) -> Problem:
    name = key.rpartition(".")[2]
    return Problem(
        origin,
        f"a secret stands in the open: '{key}'",
        f"Write it into a file of mode 600, set {name}_file to its path, and change the secret: it has been seen",
        "E_SECRET_INLINE",
    )


def _inline_url(given: Iterable[Given]) -> Iterator[Problem]:
    """A password in the database's address may come from the environment, never from a file that is passed around."""
    for key, value, origin in given:
        if key == "database.url" and not origin.startswith(("environment", "command")) and masked(str(value)) != value:
            yield _inline_secret("database.password", origin)


def _unknown(key: str, origin: str, known: Mapping[str, bool]) -> Problem:
    names = {name.rpartition(".")[2]: name for name in known}
    near = get_close_matches(shape(key), known, 1, 0.8)
    near = near or [names[name] for name in get_close_matches(key.rpartition(".")[2], names, 1, 0.75)]
    way_out = f"Did you mean '{near[0]}'?" if near else "config/dispatcher.toml lists every key"
    return Problem(origin, f"there is no setting '{key}'", way_out, "E_SETTING_UNKNOWN")


def _derived(values: Mapping[str, object]) -> dict[str, object]:
    """Defaults that follow another setting."""
    folder = Path(str(values.get("office.folder", "var")))
    domain = values.get("office.organisation_domain", "cmc.example")
    guard = Path(str(values.get("guard.folder", folder / "guard")))
    return {
        "database.url": f"sqlite+aiosqlite:///{folder / 'dispatcher.db'}",
        "archive.folder": folder / "archive",
        "secrets.token_key_file": folder / "token.key",
        "guard.folder": guard,
        "audit.key_file": guard / "audit.key",
        "audit.seals": guard / "audit-seals.jsonl",
        "mail.return_path_domain": domain,
        "templates.folder": resource("templates"),
    }


def _built(given: list[Given], base: Path, problems: list[Problem]) -> Settings:
    # An empty table says nothing; in a list of tables it is one of them.
    values = {one.key: one.value for one in given if one.value != {} or shape(one.key) != one.key}
    origins = {one.key: one.origin for one in given}
    told = {one.key: one.origin for one in given if one.value not in ([], (), {})}
    derived = {key: value for key, value in _derived(values).items() if key not in values}
    # Every section is built anew, also an empty one: its default paths start at `base`.
    tree = {name: {} for name in Settings.model_fields} | _tree(derived | values) | {"base": base, "origins": told}
    try:
        settings = Settings.model_validate(tree, context={"base": base})
    except ValidationError as error:
        raise SettingsError([*problems, *_refused(error, origins, derived)]) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _tree(values: Mapping[str, object]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *above, name = key.split(".")
        node = tree
        for part in above:
            if not isinstance(node.get(part), dict):
                node[part] = {}
            node = node[part]
        node[name] = value
    return {name: _listed(node) for name, node in tree.items()}


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(name.isdigit() for name in node):
        return [_listed(node[name]) for name in sorted(node, key=int)]
    return {name: _listed(inner) for name, inner in node.items()}


def _refused(error: ValidationError, origins: Mapping[str, str], derived: Container[str]) -> Iterator[Problem]:
    """What the model refuses; not what was derived from a value that is refused itself."""
    for one in error.errors():
        key = ".".join(map(str, one["loc"]))
        if key not in derived:
            yield _problem(key, one, _nearest(key, origins))


def _problem(key: str, error: ErrorDetails, place: str) -> Problem:
    if error["type"] == "setting":
        return Problem(place, **{name: error["ctx"][name] for name in ("cause", "way_out", "code")})
    return Problem(place, f"'{key}': {_plain(error['msg'])}", "config/dispatcher.toml explains it", "E_SETTING_VALUE")


def _plain(message: str) -> str:
    return message.replace("Input should", "it should").replace("Tuple should", "it should").rstrip(".")


def _nearest(key: str, origins: Mapping[str, str]) -> str:
    """Where the value at fault was given: the key itself, or the first one given below or above it."""
    while key:
        for name, origin in origins.items():
            if name == key or name.startswith(f"{key}."):
                return origin
        key = key.rpartition(".")[0]
    return DEFAULT
