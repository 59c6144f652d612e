"""Fills a letter's template with one order's data, sandboxed. What comes out is Markdown with the data veiled in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dispatcher.domain.errors import Problem, TemplateError

from .guard import inspect
from .source import Line, Source
from .veil import ABSENT, EMPTY, Blank, blanks, veil

#: Rendered text of one part of a letter, in characters; ten full pages.
MAX_OUTPUT = 40_000
_MARKS = ("{{", "}}", "{%", "%}", "{#", "#}")


@dataclass(frozen=True, slots=True)
class Filled:
    """A letter's own words, with the data veiled."""

    subject: str
    closing: str
    body: str


class Filler:
    """Compiles templates once and fills them. Holds no data between two letters."""

    def __init__(self) -> None:
        self._environment = _environment()
        self._ready: dict[tuple[str, Line], Template] = {}

    def inspect(self, source: Source) -> list[Problem]:
        """Every fault of the template that can be found without data."""
        return [fault for line in _parts(source) for fault in self._inspect(line, source.place)]

    def fill(self, source: Source, data: Mapping[str, Any]) -> Filled:
        """Raises TemplateError with every fault of the template, or every gap that the data leave in it."""
        outputs = [_run(template, source.place, data) for template in self._templates(source)]
        residue = [f for line, out in zip(_parts(source), outputs, strict=True) for f in _residue(line, out, source)]
        if residue:
            raise TemplateError(residue)
        return Filled(outputs[0].strip(), outputs[1].strip(), outputs[2])

    def _templates(self, source: Source) -> list[Template]:
        """The three templates, inspected and compiled; kept for the next letter of the same text."""
        keys = [(source.place, line) for line in _parts(source)]
        if not all(key in self._ready for key in keys):
            if problems := self.inspect(source):
                raise TemplateError(problems)
            self._ready = {key: self._environment.from_string(_padded(key[1])) for key in keys}
        return [self._ready[key] for key in keys]

    def _inspect(self, line: Line, place: str) -> list[Problem]:
        try:
            tree = self._environment.parse(_padded(line))
            return inspect(tree, place) or self._compile(tree, line, place)
        except TemplateSyntaxError as error:
            return [
                Problem(
                    f"{place}:{error.lineno}", (error.message or "cannot be read").rstrip("."), _BRACES, "E_TPL_SYNTAX"
                )
            ]
        except ValueError:
            return [Problem(f"{place}:{line.number}", "holds a number too long", "Shorten it", "E_TPL_LIMIT")]
        except RecursionError:
            return [Problem(f"{place}:{line.number}", "is nested too deep", "Write it more simply", "E_TPL_LIMIT")]

    def _compile(self, tree: nodes.Template, line: Line, place: str) -> list[Problem]:
        try:
            self._environment.compile(tree)
        except (SyntaxError, MemoryError):
            return [Problem(f"{place}:{line.number}", "is nested too deep", "Write it more simply", "E_TPL_LIMIT")]
        return []


def _run(template: Template, place: str, data: Mapping[str, Any]) -> str:
    try:
        return _bounded(template, template.generate(**data), place)
    except UndefinedError as error:
        raise TemplateError(Problem(place, error.message or "", "", "E_TPL_UNDEF")) from error
    except (SecurityError, TypeError) as error:
        raise TemplateError(Problem(place, str(error), "", "E_TPL_FORBIDDEN")) from error


_BRACES = "Braces stand in pairs: {{ field }}, {% if … %} … {% endif %}"


def _parts(source: Source) -> tuple[Line, Line, Line]:
    return source.subject, source.closing, Line(source.body, 1)


def _padded(line: Line) -> str:
    return "\n" * (line.number - 1) + line.text


def _bounded(template: Template, pieces: Iterator[str], place: str) -> str:
    kept, size = [], 0
    for piece in pieces:
        kept.append(piece)
        size += len(piece)
        if size > MAX_OUTPUT:
            where = f"{place}:{_line_now(template, pieces)}"
            raise TemplateError(Problem(where, f"puts out more than {MAX_OUTPUT} letters", "Shorten it", "E_TPL_LIMIT"))
    return "".join(kept)


def _line_now(template: Template, pieces: Iterator[str]) -> int:
    """The line of the template that its running program stands at."""
    frame = getattr(pieces, "gi_frame", None)  # of generate() itself; the root function's is the one it waits for
    inner = getattr(getattr(pieces, "gi_yieldfrom", None), "gi_frame", None) or frame
    return template.get_corresponding_lineno(inner.f_lineno) if inner else 1


def _residue(part: Line, output: str, source: Source) -> list[Problem]:
    """What a reader of the letter must never see: unfilled braces, and fields that are empty."""
    problems = _blank_fields(output, source.place)
    for number, line in enumerate(output.split("\n"), 1):
        where = f"{source.place}:{number}"
        if EMPTY in line and not blanks(line):
            way_out = "Fill the field in the contact, or put the words into {% if … %} … {% endif %}"
            problems.append(Problem(where, "prints a field that is empty", way_out, "E_TPL_RESIDUE"))
        if ABSENT in line:
            problems.append(Problem(where, "prints something that is not text", "Name a field", "E_TPL_RESIDUE"))
        if any(mark in line for mark in _MARKS):
            problems.append(Problem(where, "leaves braces in the letter", _BRACES, "E_TPL_RESIDUE"))
    if not output.strip():
        problems.append(Problem(f"{source.place}:{part.number}", "comes out empty", "Write a text", "E_TPL_RESIDUE"))
    return problems


def _blank_fields(output: str, place: str) -> list[Problem]:
    """Each field that is printed and empty: whose it is, and on which lines it stands."""
    lines: dict[tuple[str, str], list[int]] = {}
    for number, line in enumerate(output.split("\n"), 1):
        for blank in dict.fromkeys(blanks(line)):
            lines.setdefault(blank, []).append(number)
    return [_blank(owner, name, f"{place}:{', '.join(map(str, at))}") for (owner, name), at in lines.items()]


def _blank(owner: str, name: str, where: str) -> Problem:
    way_out = f"Fill it in (contacts repair {owner}), or put the words into {{% if … %}} … {{% endif %}}"
    return Problem(f"contact {owner}", f"{name} is empty, and {where} prints it", way_out, "E_TPL_RESIDUE")


def _of_letters(change: Callable[[str], str]) -> Callable[[str], str]:
    """A filter that leaves a blank field blank, so that its name is still known when it is printed."""
    return lambda text: text if isinstance(text, Blank) else change(str(text))


def capital(text: str) -> str:
    """With a capital first letter, as at the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def _join(parts: Iterable[object], by: str = ", ") -> str:
    return by.join(map(str, parts))


@pass_context
def _put_out(context: Context, value: object) -> str:
    """The one door by which data come into a letter. Taking the context keeps Jinja from calling it at compile time."""
    if isinstance(value, Undefined):
        str(value)
    return veil(value)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, finalize=_put_out, keep_trailing_newline=True, extensions=(), autoescape=False
    )
    filters: dict[str, Callable[..., object]] = {
        "capital": _of_letters(capital),
        "upper": _of_letters(str.upper),
        "lower": _of_letters(str.lower),
        "join": _join,
    }
    environment.filters = filters
    environment.globals = {}
    return environment
