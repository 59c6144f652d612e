"""What every table of the settings is, and how one of its values is refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


def wrong(code: str, cause: str, way_out: str = "") -> PydanticCustomError:
    """An error that `load` turns into a Problem with this code and way out."""
    return PydanticCustomError("setting", "{cause}", {"code": code, "cause": cause, "way_out": way_out})


class Section(BaseModel):
    """One table of the file. Frozen; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)
