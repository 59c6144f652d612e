"""Every code that a person can meet while lists are read is explained in the guide, and the guide explains no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs/lists.md"
#: Of campaign files and of closed days, which have a guide of their own.
CAMPAIGNS = (
    "almanac_files",
    "attachments",
    "audience",
    "campaign",
    "lines",
    "own_limits",
    "recurrence",
    "sheet",
    "timing",
)
CODE = re.compile(r"\b[EW]_[A-Z0-9_]*[A-Z0-9]\b")


def said() -> set[str]:
    modules = [file for file in (ROOT / "dispatcher/intake").glob("*.py") if file.stem not in CAMPAIGNS]
    modules += [ROOT / "dispatcher/domain/address.py", ROOT / "dispatcher/domain/characters.py"]
    texts = [file.read_text(encoding="utf-8") for file in modules]
    plain = {code for text in texts for code in re.findall(r'"([EW]_[A-Z0-9_]+)"', text)}
    made = {end for text in texts for end in re.findall(r'f"E_\{[a-z.]*kind\}_([A-Z]+)"', text)}
    return plain | {f"E_{kind}_{end}" for kind in ("CSV", "SHEET") for end in made}


def test_the_guide_explains_every_code_and_no_other() -> None:
    assert set(CODE.findall(GUIDE.read_text(encoding="utf-8"))) == said()
