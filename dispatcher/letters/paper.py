"""Puts pictures of pages, with words beside them, on paper: the sheet of a campaign, two versions side by side."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

from dispatcher.domain.errors import Problem, TemplateError
from dispatcher.resources import resource

from .pdf import typefaces

#: Where a page template finds the words; the pictures lie beside it under their own names.
_WORDS = "words.json"


def compose(template: str, words: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    """The PDF of a template of ours, with these words and pictures (PNG, or PDF). Raises TemplateError."""
    with tempfile.TemporaryDirectory(prefix="dispatcher-") as name:
        folder = Path(name)
        for file, data in pictures.items():
            (folder / file).write_bytes(data)
        (folder / _WORDS).write_text(json.dumps(words, ensure_ascii=False), "utf-8")
        source = resource(f"templates/typst/{template}").read_bytes()
        fonts = typefaces("latin", "arabic", "chinese")
        compiler = typst.Compiler(font_paths=fonts, ignore_system_fonts=True, root=str(folder))
        try:
            pdf = compiler.compile(source, format="pdf")
        except typst.TypstError as error:
            raise TemplateError(Problem(f"typst/{template}", error.message, "", "E_TPL_PAGE")) from error
    assert isinstance(pdf, bytes)
    return pdf
