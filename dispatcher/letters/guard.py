"""Reads a template's syntax tree before it runs and says all that is wrong. Alone decides what templates may do.

It is a list of what is allowed: print a field, choose, and go through a list of the data. There are no calls, no
arithmetic, no assignments and no loops over anything but data, so that every template that passes ends, and its output
is bounded by its length times the length of the lists it names, which `limits` bounds. The clock over a whole letter is
in `watch`; it is the second wall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeAlias

from jinja2 import nodes

from dispatcher.domain.characters import offence
from dispatcher.domain.errors import Problem

#: A field's shape: TEXT, the fields of a thing, or (shape,) for a list of it.
Shape: TypeAlias = "str | Mapping[str, Shape] | tuple[Shape] | None"
TEXT = "text"
CONTACT: Mapping[str, Shape] = {
    **dict.fromkeys(("honorific", "name", "display_name", "office", "organisation", "country", "state"), TEXT),
    **dict.fromkeys(("suffix", "salutation", "in_text", "closing"), TEXT),
    "postal": (TEXT,),
}
FIELDS: Mapping[str, Shape] = {
    "contact": CONTACT,
    "copies": (CONTACT,),
    "sender": dict.fromkeys(("name", "title", "place"), TEXT),
    "organisation": TEXT,
    "date": TEXT,
    "first_date": TEXT,
}
FILTERS = ("capital", "upper", "lower", "join")
_LOOP: Shape = dict.fromkeys(("first", "last", "index", "length"), TEXT)
MAX_DEPTH = 12
MAX_LOOPS = 2
#: Parts of a template, each a tag, a field, a filter or a text between them. A letter has some hundred; what has
#: thousands takes seconds to compile.
MAX_NODES = 1_500

_GROWS = (nodes.Mul, nodes.Pow, nodes.Mod)
_PLAIN = (nodes.Template, nodes.Output, nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Concat)
_COMPARE = (nodes.Compare, nodes.Operand)
_SAFE_TESTS = frozenset({"eq", "ne", "in", "notin"})


def did_you_mean(name: str, known: Iterator[str] | list[str]) -> str:
    """'Did you mean X?', or '' where nothing is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else ""


def inspect(tree: nodes.Template, place: str) -> list[Problem]:
    """Every fault of a parsed template. `place` is the file's name; lines are the tree's."""
    guard = _Guard(place)
    guard.visit(tree, _Scope(FIELDS))
    return guard.problems


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names in sight, and how deep we are."""

    names: Mapping[str, Shape]
    depth: int = 0
    loops: int = 0

    def deeper(self) -> _Scope:
        return _Scope(self.names, self.depth + 1, self.loops)

    def within(self, extra: Mapping[str, Shape]) -> _Scope:
        return _Scope({**self.names, **extra}, self.depth + 1, self.loops + 1)


@dataclass(slots=True)
class _Guard:
    place: str
    problems: list[Problem] = field(default_factory=list)
    line: int = 1  #: of the last node that knew its own
    visited: int = 0  #: parts of the template, so far

    def say(self, node: nodes.Node, code: str, cause: str, way_out: str = "") -> Shape:
        """Notes a fault; gives None, the shape of what is faulty."""
        self.line = node.lineno or self.line
        problem = Problem(f"{self.place}:{self.line}", cause, way_out, code)
        if problem not in self.problems:
            self.problems.append(problem)
        return None

    def visit(self, node: nodes.Node, scope: _Scope) -> Shape:
        """The shape of what the node gives; None where it gives nothing or is faulty."""
        self.line = node.lineno or self.line
        self.visited += 1
        if self.visited > MAX_NODES:
            return self.too_much(node)
        if scope.depth > MAX_DEPTH:
            return self.say(node, "E_TPL_LIMIT", f"is nested more than {MAX_DEPTH} deep", "Write it more simply")
        handler = _HANDLERS.get(type(node))
        return handler(self, node, scope) if handler else self.refuse(node)

    def children(self, node: nodes.Node, scope: _Scope) -> Shape:
        shapes = [self.visit(child, scope.deeper()) for child in node.iter_child_nodes()]
        return TEXT if shapes else None

    def refuse(self, node: nodes.Node) -> Shape:
        word = type(node).__name__.lower()
        if isinstance(node, _GROWS):
            return self.say(
                node, "E_TPL_LIMIT", f"arithmetic ({word}) may fill memory without end", "Write the text out"
            )
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range":
            return self.say(node, "E_TPL_LIMIT", "range() may run without end", _LISTS)
        return self.say(node, "E_TPL_FORBIDDEN", f"a letter may not use this ({word})", _MAY)

    def too_much(self, node: nodes.Node) -> Shape:
        """Said once, where it begins."""
        if self.visited > MAX_NODES + 1:
            return None
        return self.say(node, "E_TPL_LIMIT", f"has more than {MAX_NODES} fields and tags", "Shorten the letter")

    def leaf(self, node: nodes.Node, scope: _Scope) -> Shape:
        return TEXT

    def constant(self, node: nodes.Node, scope: _Scope) -> Shape:
        assert isinstance(node, nodes.Const)
        if found := offence(str(node.value)):
            self.say(node, "E_TPL_SYNTAX", f"holds the {found}", found.way_out)
        return TEXT

    def name(self, node: nodes.Node, scope: _Scope) -> Shape:
        assert isinstance(node, nodes.Name)
        return self.look_up(node, node.name, node.name, scope.names)

    def attribute(self, node: nodes.Node, scope: _Scope) -> Shape:
        assert isinstance(node, nodes.Getattr)
        if node.attr.startswith("_"):
            return self.say(node, "E_TPL_FORBIDDEN", f"a letter may not reach for {node.attr}", _MAY)
        owner = self.visit(node.node, scope.deeper())
        if owner is None:
            return None
        known = owner if isinstance(owner, Mapping) else {}
        return self.look_up(node, node.attr, f"{_spelt(node.node)}.{node.attr}", known)

    def look_up(self, node: nodes.Node, name: str, spelt: str, known: Mapping[str, Shape]) -> Shape:
        if name in known:
            return known[name]
        hint = did_you_mean(name, list(known)) or f"Known here: {', '.join(sorted(known)) or 'nothing'}"
        return self.say(node, "E_TPL_UNDEF", f"{spelt} is not known", hint)

    def loop(self, node: nodes.Node, scope: _Scope) -> Shape:
        assert isinstance(node, nodes.For)
        if scope.loops >= MAX_LOOPS:
            return self.say(node, "E_TPL_LIMIT", f"loops are nested more than {MAX_LOOPS} deep", "Write the text out")
        inner = self.visit(node.iter, scope.deeper())
        if inner is not None and not isinstance(inner, tuple):
            self.say(node, "E_TPL_FORBIDDEN", f"{_spelt(node.iter)} is not a list", _LISTS)
        if not isinstance(node.target, nodes.Name) or node.recursive:
            return self.say(node, "E_TPL_FORBIDDEN", "a loop has one name and does not call itself", _MAY)
        item = inner[0] if isinstance(inner, tuple) else None
        self.loop_body(node, scope.within({node.target.name: item, "loop": _LOOP}))
        return None

    def loop_body(self, node: nodes.For, scope: _Scope) -> None:
        for child in (*node.body, *node.else_, *([node.test] if node.test else [])):
            self.visit(child, scope)

    def filtered(self, node: nodes.Node, scope: _Scope) -> Shape:
        assert isinstance(node, nodes.Filter)
        if node.name not in FILTERS or node.node is None:
            hint = did_you_mean(node.name, list(FILTERS)) or f"There are: {', '.join(FILTERS)}"
            return self.say(node, "E_TPL_FORBIDDEN", f"there is no filter {node.name}", hint)
        given = self.visit(node.node, scope.deeper())
        wanted_list = node.name == "join"
        if given is not None and isinstance(given, tuple) is not wanted_list:
            self.say(node, "E_TPL_FORBIDDEN", f"{node.name} needs {'a list' if wanted_list else 'text'}", _MAY)
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not all(isinstance(a, nodes.Const) for a in node.args):
            self.say(node, "E_TPL_FORBIDDEN", f"{node.name} takes plain text only", _MAY)
        for arg in node.args:
            self.visit(arg, scope.deeper())
        return TEXT

    def compared(self, node: nodes.Node, scope: _Scope) -> Shape:
        if isinstance(node, nodes.Operand) and node.op not in _SAFE_TESTS:
            return self.say(node, "E_TPL_FORBIDDEN", "text is compared with ==, !=, in and not in only", _MAY)
        return self.children(node, scope)


_LISTS = "Loop over copies or contact.postal"
_MAY = "A letter may print a field, choose with if, and loop over a list; see docs/writing-a-letter.md"


def _spelt(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return f"{_spelt(node.node)}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else "this"


_Handler = Callable[[_Guard, nodes.Node, _Scope], Shape]
_HANDLERS: dict[type[nodes.Node], _Handler] = {
    **dict.fromkeys(_PLAIN, _Guard.children),
    **dict.fromkeys(_COMPARE, _Guard.compared),
    nodes.TemplateData: _Guard.leaf,
    nodes.Const: _Guard.constant,
    nodes.Name: _Guard.name,
    nodes.Getattr: _Guard.attribute,
    nodes.For: _Guard.loop,
    nodes.Filter: _Guard.filtered,
}
