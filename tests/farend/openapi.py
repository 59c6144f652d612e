"""A vendor's own OpenAPI description, where it lies beside this checkout; our far ends are held to it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
TELNYX = FOLDER / "telnyx-fax-openapi.json"
_NAME = "urn:description"


class Description:
    """The schemas of one file."""

    def __init__(self, tree: dict[str, Any]) -> None:
        resource = Resource.from_contents(tree, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_NAME, resource)

    def faults(self, pointer: str, value: object) -> list[str]:
        """What is wrong with a value by the schema at this JSON pointer; dates, ids and addresses are looked at too."""
        validator = Draft202012Validator(
            {"$ref": f"{_NAME}#{pointer}"},
            registry=self._registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        return [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in validator.iter_errors(value)]


@cache
def telnyx() -> Description | None:
    """Telnyx' description; None where it is not there. It lists one `failure_reason` of some 35: any word goes."""
    if not TELNYX.exists():
        return None
    tree = json.loads(TELNYX.read_text("utf-8"))
    failed = tree["components"]["schemas"]["FaxFailed"]["properties"]["data"]["properties"]["payload"]["properties"]
    assert failed["failure_reason"].pop("enum") == ["rejected"]
    return Description(tree)
