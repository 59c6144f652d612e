"""Secrets: one file each, readable by its owner alone. Only this module opens such a file."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from dispatcher.domain.errors import Problem, SettingsError

from .model import Settings
from .sources import Given

#: Made by Dispatcher itself when absent, so that its absence is no mistake of anybody's.
MADE_BY_US = frozenset({"secrets.token_key_file", "audit.key_file"})
#: No secret at all: whoever gets a signed letter gets it too.
PUBLIC = frozenset({"signing.certificate_file"})
#: Written by other programs, which may have rotated it away just now: the doctor looks at it, not every start.
THEIRS = ".log_file"


def read_secret(path: Path) -> str:
    """The secret in the file, without the line end; raises SettingsError when there is none."""
    try:
        text = path.read_bytes().decode().rstrip("\r\n")
    except FileNotFoundError as error:
        raise SettingsError(_missing(str(path), path)) from error
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(str(path), "the secret file cannot be read", "Check its owner and content", "E_SECRET_READ")
        raise SettingsError(problem) from error
    if not text:
        raise SettingsError(
            Problem(str(path), "the secret file is empty", "Write the secret into it", "E_SECRET_EMPTY")
        )
    return text


def database_url(settings: Settings) -> str:
    """The database's address with its password in it; for the engine alone, never to be shown."""
    file = settings.database.password_file
    url = urlsplit(settings.database.url)
    if file is None or not url.scheme.startswith("postgresql"):
        return settings.database.url
    user, host = url.username or "", url.netloc.rpartition("@")[2]
    return urlunsplit(url._replace(netloc=f"{user}:{quote(read_secret(file), safe='')}@{host}"))


def secret_problems(given: Iterable[Given], base: Path, folders: Iterable[Path]) -> Iterator[Problem]:
    """What is wrong with the files that the `*_file` settings name.

    In the runtime's own folders of secrets the mode is the runtime's affair: containers mount them as 0444.
    """
    trusted = [folder.resolve() for folder in folders]
    for key, value, origin in given:
        if key.endswith("_file") and not key.endswith(THEIRS) and isinstance(value, str | Path) and str(value):
            path = base / Path(value).expanduser()
            if not path.exists():
                if key not in MADE_BY_US:
                    yield _no_file(origin, path) if key in PUBLIC else _missing(origin, path)
            elif key not in PUBLIC and not any(path.resolve().is_relative_to(folder) for folder in trusted):
                yield from _open_to_others(origin, path)


def _missing(origin: str, path: Path) -> Problem:
    return Problem(origin, f"there is no secret file {path}", "Write the secret into it, mode 600", "E_SECRET_MISSING")


def _no_file(origin: str, path: Path) -> Problem:
    return Problem(origin, f"there is no file {path}", "Put it there, or correct the path", "E_SETTING_NO_FILE")


def _open_to_others(origin: str, path: Path) -> Iterator[Problem]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Problem(
            origin,
            f"others can read the secret file {path} (mode {mode:03o})",
            f"Run: chmod 600 {path}",
            "E_SECRET_MODE",
        )
