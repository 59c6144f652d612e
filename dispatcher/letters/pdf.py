"""Sets a sheet as PDF/A-2a and PDF/UA-1 pages with Typst: for print, and in the fax edition. Alone knows Typst."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from importlib.resources import files
from math import ceil
from pathlib import Path
from typing import Any, Literal

import pypdfium2 as pdfium
import typst

from dispatcher.domain.errors import Problem, TemplateError

from .fitting import from_step, largest
from .languages import Script
from .parse import marked, span_data, tree_data
from .sheet import CoverLine, Sheet
from .source import read_text
from .tree import paragraphs, words
from .typography import NBSP, direction

Edition = Literal["print", "fax"]
#: Steps of copy-fitting: 0 is the largest size, 4 the smallest that is still comfortable to read.
FITS = tuple(step / 4 for step in range(17))
#: A letter that does not fit one page even so runs on, near its full size.
LONG_FIT = 0.5
#: So many steps smaller than their like all letters of a text are set, so that most of them fit at the first try.
_SPARE = 1
#: So many steps smaller is a letter set for each row that it is longer than its like.
_STEPS_A_ROW = 1
#: Of so many texts the step is remembered.
_KEPT = 32
#: Characters, words and paragraphs of a body that no page holds at any step: the search for one would be the costliest
#: part of a long letter.
ONE_PAGE, PAGE_WORDS, PAGE_BLOCKS = 9_000, 3_000, 150
#: More pages than this is a mistake, not a letter.
MAX_PAGES = 12
_LATIN = {"EB Garamond": "fontpkg_eb_garamond/files", "Source Sans 3": "fontpkg_source_sans_3/files"}
_ARABIC = {"Amiri": "fontpkg_amiri/files", "Noto Naskh Arabic": "pylopdf_fonts_ar"}
_CHINESE = {"Noto Serif SC": "pylopdf_fonts_zh_cn", "Noto Sans SC": "pylopdf_fonts_zh_cn"}
#: The typefaces of each script and the folders, below the installed packages, in which they lie. Latin is in all.
_FACES: Mapping[Script, Mapping[str, str]] = {
    "latin": _LATIN,
    "arabic": _LATIN | _ARABIC,
    "chinese": _LATIN | _CHINESE,
}
_STANDARDS: list[Any] = ["a-2a", "ua-1"]
#: As JSON has it.
Node = dict[str, Any]
_INITIAL, _REST = re.compile(r"(?<!\w)[^\W\d_]"), re.compile(r"(?:[^\W\d_]|’)+")
_UNSHOWN = re.compile(r'the text `"(.+)"` could not be displayed', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pages:
    """A finished PDF."""

    pdf: bytes
    count: int
    fit: float  #: the step of copy-fitting that was taken


class Typesetter:
    """Holds the page template, and the fonts of a script once a letter needs them. One a process.

    Loading fonts is what costs: 0.2 s and their megabytes, so that who writes no Chinese never pays for it.
    """

    def __init__(self, templates: Path) -> None:
        self._place = "typst/letter.typ"
        self._source = read_text(templates / self._place, self._place).encode()
        self._root = str(templates / "typst")
        self._compilers: dict[Script, typst.Compiler] = {"latin": self._with_fonts("latin")}
        self._steps: dict[tuple[Sheet, Edition], int] = {}

    def _with_fonts(self, script: Script) -> typst.Compiler:
        return typst.Compiler(font_paths=typefaces(script), ignore_system_fonts=True, root=self._root)

    def _compiler(self, script: Script) -> typst.Compiler:
        if script not in self._compilers:
            self._compilers[script] = self._with_fonts(script)
        return self._compilers[script]

    def set(self, sheet: Sheet, edition: Edition, like: Sheet | None = None) -> Pages:
        """The letter on one page, in the size of its text; else on as many pages as it takes.

        All letters of one text have one size, that in which `like` fits easily: a letter of the same text to a mission
        as there are many. So a campaign looks alike, and most letters are set once. A longer letter is made smaller
        until it fits. The size follows from these two alone, never from the letters that were set before.
        """
        if _surely_long(sheet):
            return self._long(sheet, _text(sheet), edition)
        setting = self._setting(sheet, edition)
        if like is None:
            found = largest(setting, len(FITS))
            return found[1] if found else self._long(sheet, _text(sheet), edition)
        longer = max(0, ceil(_STEPS_A_ROW * (sheet.rows - like.rows)))
        page = from_step(setting, len(FITS), self._step_of(like, edition) + _SPARE + longer)
        return page or self._long(sheet, _text(sheet), edition)

    def set_small(self, sheet: Sheet, edition: Edition) -> Pages:
        """The letter in the smallest size, or on several pages: enough to see whether it can be set at all."""
        page = None if _surely_long(sheet) else self._setting(sheet, edition)(len(FITS) - 1)
        return page if page and page.count == 1 else self._long(sheet, _text(sheet), edition)

    def _setting(self, sheet: Sheet, edition: Edition) -> Callable[[int], Pages]:
        text = _text(sheet)
        return lambda step: self._compile(sheet, text, edition, FITS[step], long=False)

    def _step_of(self, like: Sheet, edition: Edition) -> int:
        """The step at which `like` fits, looked for once; the last where it does not."""
        key = (like, edition)
        if key not in self._steps:
            found = None if _surely_long(like) else largest(self._setting(like, edition), len(FITS))
            step = found[0] if found else len(FITS) - 1
            self._steps = {**dict(list(self._steps.items())[-_KEPT:]), key: step}
        return self._steps[key]

    def behind_cover(self, sheet: Sheet, edition: Edition, pages: Pages) -> Pages:
        """`pages`, as `set` has set them, with the cover page of `sheet` before them."""
        text = _text(sheet)
        whole = self._compile(sheet, text, edition, pages.fit, long=pages.count > 1)
        if whole.count != pages.count + 1:
            cause = "the fax cover page does not fit one page"
            raise TemplateError(
                Problem(sheet.letter, cause, "Shorten its remarks, or send fewer copies", "E_FAX_COVER")
            )
        return whole

    def _long(self, sheet: Sheet, text: str, edition: Edition) -> Pages:
        pages = self._compile(sheet, text, edition, LONG_FIT, long=True)
        if pages.count > MAX_PAGES:
            raise TemplateError(
                Problem(
                    f"letters/{sheet.letter}", f"runs to {pages.count} pages", f"{MAX_PAGES} are allowed", "E_TPL_LIMIT"
                )
            )
        return pages

    def _compile(self, sheet: Sheet, text: str, edition: Edition, fit: float, *, long: bool) -> Pages:
        noon = datetime.combine(sheet.day, time(12), UTC)
        try:
            pdf, warnings = self._compiler(sheet.language.script).compile_with_warnings(
                self._main(text, edition, fit, long=long),
                format="pdf",
                pdf_standards=_STANDARDS,
                timestamp=noon,
            )
        except typst.TypstError as error:
            raise TemplateError(_explained(error, sheet)) from error
        if warnings:
            raise TemplateError([Problem(self._place, warning.message, "", "E_TPL_PAGE") for warning in warnings])
        assert isinstance(pdf, bytes)
        return Pages(pdf, page_count(pdf), fit)

    def _main(self, text: str, edition: Edition, fit: float, *, long: bool) -> bytes:
        """The page template with the letter before it, as one string that Typst shows and never reads as markup.

        Not as `sys.inputs`: Typst forgets every paragraph that it has set when those change, and the paragraphs that
        two letters have in common would be set for each of them.
        """
        given = {"edition": edition, "fit": fit, "long": long}
        whole = f'{json.dumps(given)[:-1]}, "letter": {text}}}'
        literal = whole.replace("\\", "\\\\").replace('"', '\\"')
        return f'#let given = json(bytes("{literal}"))\n'.encode() + self._source


def _surely_long(sheet: Sheet) -> bool:
    body = words(sheet.body)
    return len(body) > ONE_PAGE or body.count(" ") > PAGE_WORDS or paragraphs(sheet.body) > PAGE_BLOCKS


def typefaces(*scripts: Script) -> typst.Fonts:
    """The typefaces of these scripts. Raises TemplateError when one is not installed."""
    faces = {name: place for script in scripts for name, place in _FACES[script].items()}
    folders = [_folder(place) for place in dict.fromkeys(faces.values())]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=folders)
    if missing := [name for name in faces if name not in fonts.families()]:
        raise TemplateError([Problem(name, "the typeface is not installed", "Install again") for name in missing])
    return fonts


def _folder(place: str) -> Path:
    package, _, below = place.partition("/")
    return Path(str(files(package) / below))


def page_count(pdf: bytes) -> int:
    """The number of pages of a PDF."""
    document = pdfium.PdfDocument(pdf)
    try:
        return len(document)
    finally:
        document.close()


def _explained(error: typst.TypstError, sheet: Sheet) -> Problem:
    """A character that no typeface has, named with its place; or what Typst says, word for word."""
    if found := _UNSHOWN.search(error.message):
        char = found.group(1)[0]
        cause = (
            f"no typeface of the letter has the character {char} (U+{ord(char):04X}), in {_whereabouts(sheet, char)}"
        )
        return Problem(f"letters/{sheet.letter}", cause, "Write it in letters that the typeface has", "E_TPL_GLYPH")
    return Problem(f"letters/{sheet.letter}", error.message, " ".join(error.hints), "E_TPL_PAGE")


def _whereabouts(sheet: Sheet, char: str) -> str:
    """The part of the letter where the character stands, and the words around it."""
    parts = {
        "the addressee": " ".join(sheet.addressee),
        "the subject": sheet.subject,
        "the salutation": sheet.salutation,
        "the signature": f"{sheet.closing} {sheet.sender_name} {sheet.sender_title}",
        "the cc block": " ".join(line for copy in sheet.copies for line in copy),
        "the body": words(sheet.body),
        "the fax cover page": sheet.cover.words if sheet.cover else "",
    }
    for name, text in parts.items():
        if char in text:
            at = text.index(char)
            return f"{name}: …{text[max(0, at - 20) : at + 20]}…"
    return "the letterhead"


def _text(sheet: Sheet) -> str:
    return json.dumps(_data(sheet), sort_keys=True, ensure_ascii=False)


def _data(sheet: Sheet) -> dict[str, object]:
    """The sheet as the page template reads it."""
    head = sheet.head
    return {
        "language": sheet.language.tag,
        "region": sheet.language.region,
        "script": sheet.language.script,
        "direction": sheet.language.direction,
        "head_language": head.locale.partition("-")[0],
        "head_direction": direction(head.title),
        "title": head.title,
        "colour": head.colour,
        "intro": head.intro,
        "board": head.board,
        "footer": head.footer,
        "addressee": _lines(sheet.addressee),
        "date_line": span_data(marked(sheet.date_line, sheet.language)),
        "headline": sheet.headline,
        "salutation": sheet.salutation,
        "body": _with_names(tree_data(sheet.body)),
        "closing": sheet.closing,
        "sender_name": sheet.sender_name,
        "sender_title": sheet.sender_title,
        "signature": _signature(sheet),
        "copy_label": sheet.language.copy_label,
        "copies": [_lines(copy) for copy in sheet.copies],
        "cover": _cover(sheet),
        "running": f"{sheet.addressee[0]} · {sheet.date_line}".replace(" ", NBSP),
    }


def _cover(sheet: Sheet) -> dict[str, object] | None:
    if sheet.cover is None:
        return None
    cover = sheet.cover

    def lines(found: Iterable[CoverLine]) -> list[dict[str, object]]:
        return [{**line, "s": span_data(marked(line["v"], sheet.language))} for line in found]

    rows = [{"label": label, "lines": lines(found)} for label, found in cover.rows]
    return {"title": cover.title, "rows": rows, "missing": cover.missing, "ways": lines(cover.ways)}


def _signature(sheet: Sheet) -> dict[str, str] | None:
    if sheet.signature is None:
        return None
    picture = sheet.signature.picture
    return {"alt": sheet.head.word(sheet.signature.alt), "print": picture.print, "fax": picture.fax}


def _with_names(nodes: Iterable[Node]) -> list[Node]:
    """The tree with its names apart, which a rule of the page template would look for four times as long."""
    return [part for node in nodes for part in ([*_names(node["v"])] if node["k"] == "text" else [_below(node)])]


def _below(node: Node) -> Node:
    return {key: _with_names(inner) if isinstance(inner, list) else inner for key, inner in node.items()}


def _names(text: str) -> Iterator[Node]:
    """Words that begin with a capital, and the text between them."""
    at = 0
    for found in _INITIAL.finditer(text):
        rest = _REST.match(text, found.end())
        if rest and found[0].isupper() and found.start() >= at:
            if found.start() > at:
                yield {"k": "text", "v": text[at : found.start()]}
            yield {"k": "name", "v": text[found.start() : rest.end()]}
            at = rest.end()
    if at < len(text):
        yield {"k": "text", "v": text[at:]}


def _lines(texts: Iterable[str]) -> list[dict[str, str]]:
    """Lines of data, each with the direction that its own letters have: a street of Moscow in an Arabic letter."""
    return [{"v": text, "d": direction(text, "")} for text in texts]
