"""Finds what is shipped beside the code: templates and sample configuration. It alone knows where they lie."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The shipped file or folder of that name, such as 'templates' or 'config/causes.toml'.

    In a checkout it stands beside the package, in an installed wheel inside it (`pyproject.toml`, wheel.sources).
    Raises FileNotFoundError when the installation lacks it.
    """
    for home in (_PACKAGE / "resources", _PACKAGE.parent):
        if (home / name).exists():
            return home / name
    raise FileNotFoundError(f"this installation of Dispatcher is not whole: it lacks '{name}'")
