"""Opens a letter's file: front matter and body, apart, each with the lines it had in the file. Runs nothing in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from dispatcher.domain.characters import Offence, offence
from dispatcher.domain.errors import Problem, TemplateError

from .guard import did_you_mean

NEEDED = ("subject", "language", "closing")
#: `note` is for those who edit the letter; it is never printed.
#: `reviewed` names the native speaker who read the text, or says no; without the key nothing is said.
KEYS = (*NEEDED, "note", "reviewed")
MAX_BYTES = 64 * 1024
#: Of the head, in characters; what is nested in it costs its reader the more.
MAX_HEAD = 8_000
_UNREVIEWED = ("", "no", "false", "~", "null")
_FENCE = re.compile(r"\A---[ \t]*\n(.*?\n)---[ \t]*(?:\n|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and where it stands."""

    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Source:
    """A letter's file, taken apart."""

    place: str  #: the file's name below the templates folder, for messages
    subject: Line
    closing: Line
    language: str
    reviewed: bool  #: False where the file says that no native speaker has read it
    body: str  #: with empty lines in front, so that its line numbers are the file's


def read_text(path: Path, place: str) -> str:
    """The file's text. Raises TemplateError when it is missing, too long or not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError:
        raise TemplateError(Problem(place, "there is no such file", _neighbours(path), "E_TPL_MISSING")) from None
    if len(data) > MAX_BYTES:
        line = data[:MAX_BYTES].count(b"\n") + 1
        cause = f"is longer than {MAX_BYTES} bytes, which end here"
        raise TemplateError(Problem(f"{place}:{line}", cause, "Shorten it", "E_TPL_LIMIT"))
    try:
        text = data.decode().replace("\r\n", "\n").removeprefix("\ufeff")
        return unicodedata.normalize("NFC", text)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TemplateError(Problem(f"{place}:{line}", "is not UTF-8", "Save it as UTF-8", "E_TPL_SYNTAX")) from None


def _neighbours(path: Path) -> str:
    folder = path.parent if path.parent.is_dir() else path.parent.parent
    if not folder.is_dir():
        return ""
    names = sorted(entry.name for entry in folder.iterdir())
    wanted = path.name if folder == path.parent else path.parent.name
    return did_you_mean(wanted, names) or f"There are: {', '.join(names)}"


@lru_cache(maxsize=64)
def open_source(text: str, place: str) -> Source:
    """Take the text apart, the same text once. Raises TemplateError with every fault of the front matter."""
    problems = _strange_letters(text, place)
    fence = _FENCE.match(text)
    if not fence:
        way_out = "Begin the file with --- , the lines subject:, language: and closing:, and --- again"
        raise TemplateError([*problems, Problem(f"{place}:1", "has no front matter", way_out, "E_TPL_SYNTAX")])
    if len(fence.group(1)) > MAX_HEAD:
        cause = f"the front matter has more than {MAX_HEAD} characters"
        raise TemplateError([*problems, Problem(f"{place}:2", cause, "Shorten it", "E_TPL_LIMIT")])
    lines, faults = _front(fence.group(1), place)
    if problems or faults:
        raise TemplateError([*problems, *faults])
    body = "\n" * fence.group(0).count("\n") + text[fence.end() :]
    reviewed = "reviewed" not in lines or lines["reviewed"].text.strip().lower() not in _UNREVIEWED
    return Source(place, lines["subject"], lines["closing"], lines["language"].text, reviewed, body)


def _strange_letters(text: str, place: str) -> list[Problem]:
    lines = enumerate(text.split("\n"), 1)
    found = [(number, offence(line.replace("\t", " "))) for number, line in lines]
    return [unseen(f"{place}:{number}", one) for number, one in found if one]


def unseen(place: str, one: Offence) -> Problem:
    """The fault of a file in which such a character stands, or is spelt by an escape."""
    return Problem(place, f"holds the {one}", f"Retype the line. {one.way_out}", "E_TPL_SYNTAX")


def _front(text: str, place: str) -> tuple[dict[str, Line], list[Problem]]:
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        return {}, [Problem(f"{place}:{_yaml_line(error)}", "the front matter is not YAML", _QUOTE, "E_TPL_SYNTAX")]
    if not isinstance(root, yaml.MappingNode):
        return {}, [Problem(f"{place}:2", "the front matter holds no 'key: text' lines", _QUOTE, "E_TPL_SYNTAX")]
    lines: dict[str, Line] = {}
    problems = [fault for key, value in root.value for fault in _entry(key, value, lines, place)]
    return lines, problems + _missing(lines, place)


_QUOTE = "A text with a colon or a brace needs quotes: subject: 'Re: …'"


def _entry(key: yaml.Node, value: yaml.Node, lines: dict[str, Line], place: str) -> list[Problem]:
    number = key.start_mark.line + 2
    where = f"{place}:{number}"
    if key.value not in KEYS:
        hint = did_you_mean(str(key.value), list(KEYS)) or f"Known: {', '.join(KEYS)}"
        return [Problem(where, f"unknown key {key.value}", hint, "E_TPL_SYNTAX")]
    if key.value in lines:
        return [Problem(where, f"{key.value} stands here twice", "Keep one", "E_TPL_SYNTAX")]
    lines[key.value] = Line(str(value.value), number)
    if isinstance(value, yaml.ScalarNode) and (found := offence(value.value)):
        return [unseen(where, found)]  # the file spells it by an escape, such as "\u202e"
    if not isinstance(value, yaml.ScalarNode):
        return [Problem(where, f"{key.value} is not a line of text", _QUOTE, "E_TPL_SYNTAX")]
    return []


def _missing(lines: Mapping[str, Line], place: str) -> list[Problem]:
    lacking = [key for key in NEEDED if key not in lines or not lines[key].text.strip()]
    return [Problem(f"{place}:1", f"{key} is missing", f"Add a line {key}: …", "E_TPL_SYNTAX") for key in lacking]


def _yaml_line(error: Exception) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 2 if mark else 2
