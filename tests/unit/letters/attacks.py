"""Letters made to cost time or memory, and a child process that tries them and measures what each costs.

Run as a program it prints one JSON line for each attack. What it measures is computing over all threads, which a busy
machine does not lengthen much, and the peak of resident memory above what was held before.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from letter_people import order_in

from dispatcher.domain.errors import TemplateError
from dispatcher.domain.model import Contact
from dispatcher.letters import Order, Printer

HEAD = "---\nsubject: A matter\nlanguage: en\nclosing: Sincerely,\n---\n"
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Attack:
    """A letter's text, and the data it is given."""

    text: str
    contact: Mapping[str, Any] = field(default_factory=dict)
    copies: tuple[Contact, ...] = ()

    @property
    def file(self) -> str:
        return self.text if self.text.startswith("---") else HEAD + self.text


def _copies(count: int, size: int = 20) -> tuple[Contact, ...]:
    one = order_in("en").copies[0]
    return tuple(replace(one, id=f"c{n}", name=f"Person {n} " + "n " * (size // 2)) for n in range(count))


def _each(unit: str, size: int, paragraphs: int) -> str:
    """So many paragraphs, each as many of `unit` as `size` characters hold."""
    return (unit * (size // len(unit)) + "\n\n") * paragraphs


_NESTED = "{% for a in copies %}{% for b in copies %}%s{% endfor %}{% endfor %}"
_MARKS = "\u0302\u0303\u0304\u0306\u0307\u0308"
#: Refused before they cost anything, each with the line where it is too much.
REFUSED: dict[str, Attack] = {
    "loops over 500 copies": Attack(_NESTED.replace("%s", "{{ b.name }}"), copies=_copies(500)),
    "loops over copies that print nothing": Attack("x" + _NESTED.replace("%s", "") * 100, copies=_copies(500)),
    "three loops": Attack("{% for a in copies %}" * 3 + "x" + "{% endfor %}" * 3, copies=_copies(40)),
    "5,000 copies": Attack("x", copies=_copies(5000)),
    "a loop that prints too much": Attack("\n\n" + _NESTED.replace("%s", "{{ b.name }}" * 9), copies=_copies(40)),
    "a chain of filters": Attack("{{ contact.name" + "|upper|lower" * 4000 + " }}"),
    "a chain of sums": Attack("{{ " + " ~ ".join(["contact.name"] * 4000) + " }}"),
    "a chain of elifs": Attack("{% if 1 %}x" + "{% elif contact.name=='9' %}y" * 1500 + "{% endif %}"),
    "1,000 ifs in one another": Attack("{% if contact.name %}" * 1000 + "x" + "{% endif %}" * 1000),
    "4,000 brackets": Attack("{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}"),
    "joins of long lists": Attack("{{ contact.postal|join(', ') }} " * 1500, {"postal": ("x" * 300,) * 3}),
    "a join by a huge text": Attack("{{ contact.postal|join('" + "y" * 30000 + "') }}", {"postal": ("a",) * 8}),
    "a huge constant": Attack("{{ '" + "z" * 60000 + "' }}"),
    "a power": Attack("{{ 9 ** 9 ** 9 ** 9 }}"),
    "a format": Attack("{{ '%1000000000d' % 1 }}"),
    "a format method": Attack("{{ '{:>1000000000}'.format(1) }}"),
    "a range": Attack("{% for i in range(10**9) %}x{% endfor %}"),
    "a macro that calls itself": Attack("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
    "a way to the classes": Attack("{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    "a way through attr": Attack("{{ contact|attr('__class__') }}"),
    "a way to the globals": Attack("{{ self.__init__.__globals__ }}"),
    "an include": Attack("{% include '/etc/passwd' %}"),
    "60,000 letters": Attack("word " * 12000),
    "5,000 lines": Attack("a\n" * 5000),
    "5,000 lines with breaks": Attack("a\\\n" * 5000),
    "10,000 quotations in one another": Attack("> " * 10000 + "x"),
    "seven quotations in one another": Attack("> " * 7 + "x"),
    "200 lists in one another": Attack("\n".join("  " * depth + "- x" for depth in range(40))),
    "10,000 stars": Attack("*a " * 10000),
    "stars in one another": Attack("*a **b " * 1000 + "c** d*" * 1000),
    "30,000 brackets": Attack("[ " * 15000),
    "links in one another": Attack("[ " * 5000 + "a" + " ](b)" * 5000),
    "links without an end": Attack("[a]( " * 7000),
    "a link used 7,000 times": Attack("[a]: https://example.org/" + "x" * 250 + "\n\n" + "[a] " * 7000),
    "a link of 30,000 letters": Attack("[a](https://example.org/" + "x" * 30000 + ")"),
    "30,000 backslashes": Attack("\\ " * 15000),
    "20,000 quotation marks": Attack('" ' * 19000),
    "39,000 ampersands": Attack("& " * 19000),
    "10,000 raised words": Attack("^a^ " * 9000),
    "a word of 30,000 letters": Attack("w" * 30000),
    "a word with 15,000 hyphens": Attack("a-" * 15000),
    "one paragraph of 39,000 letters": Attack("word " * 7900),
    "39,000 spaces": Attack("a" + " " * 39000 + "b"),
    "10,000 marks on one letter": Attack("a" + "\u0301" * 10_000),
    "10,000 marks on a name": Attack("x", {"name": "a" + "\u0301" * 10_000}),
    "a name of 60,000 letters": Attack("x", {"name": "N" * 60000}),
    "a name wider than the paper": Attack("x", {"name": "W" * 300}),
    "a state wider than the paper": Attack("{{ contact.state }}", {"state": "W" * 300}),
    "an address of 5,000 lines": Attack("x", {"postal": ("line",) * 5000}),
    "a subject of 5,000 letters": Attack(HEAD.replace("A matter", "matter " * 700) + "x"),
    "YAML in one another": Attack("---\nsubject: " + "[" * 20000 + "\n---\nx"),
    "YAML that refers to itself": Attack("---\nsubject: &a [x]\nclosing: [*a,*a,*a]\nlanguage: en\n---\nx"),
    "a file of 70,000 bytes": Attack("\n".join(["word " * 10] * 1400)),
    "700 pages": Attack("# x\n\n" * 590),
}  # fmt: skip
#: At the bounds: made, or refused for its pages, within the time and the memory.
COSTLY: dict[str, Attack] = {
    "words of one letter": Attack(_each("a ", 1190, 13)),
    "few words of one letter": Attack(_each("a ", 1190, 7)),
    "figures": Attack(_each("1 ", 590, 13)),
    "few figures": Attack(_each("1 ", 590, 10)),
    "dates": Attack(_each("1 October 2015 ", 1200, 7)),
    "few long words": Attack(_each("internationalization ", 2990, 2)),
    "few letters with six marks": Attack(_each("a" + _MARKS + " ", 2990, 2)),
    "long words": Attack(_each("internationalization ", 2990, 12)),
    "wide words": Attack(_each("w" * 38 + " ", 2990, 12)),
    "short paragraphs": Attack("w\n\n" * 1190),
    "marks": Attack(("*a* " * 149 + "\n\n") * 5),
    "links": Attack(("[a](https://e.org) " * 70 + "\n\n") * 5),
    "backslashes": Attack(("\\* " * 140 + "\n\n") * 5),
    "quotation marks": Attack(('" ' * 199 + "\n\n") * 10),
    "letters with six marks": Attack(_each("a" + _MARKS + " ", 2990, 6)),
    "40 copies": Attack("x", copies=_copies(40, 60)),
    "loops over 40 copies": Attack("x" + _NESTED.replace("%s", "") * 90, copies=_copies(40)),
    "a search in a huge constant": Attack(
        "x" + _NESTED.replace("%s", "{% if a.name in '" + "ab" * 20000 + "' %}{% endif %}"), copies=_copies(40)
    ),
    "fields": Attack("{{ contact.name }} " * 370, {"name": "x"}),
    "long fields": Attack("{{ contact.name }}\n\n" * 90, {"name": "word " * 50}),
    "quotations": Attack("> > > > > x\n\n" * 590),
    "full pages": Attack(_each("The armed forces of the state refrain from it, as the convention has it. ", 1900, 18)),
}  # fmt: skip
#: Of these, what is much like another one and costs as much: with --long.
ALIKE = frozenset(
    {
        "few figures",
        "few long words",
        "letters with six marks",
        "quotation marks",
        "marks",
        "links",
        "backslashes",
        "long fields",
    }
)


def order_of(attack: Attack) -> Order:
    order = order_in("en", "own")
    return replace(order, contact=replace(order.contact, **attack.contact), copies=attack.copies)


def _held(name: str) -> int:
    """KiB of resident memory: now ('VmRSS'), or at most since the last reset ('VmHWM')."""
    return int(next(line.split()[1] for line in _STATUS.read_text().splitlines() if line.startswith(name)))


def _try(printer: Printer, file: Path, attack: Attack) -> dict[str, object]:
    file.write_text(attack.file, "utf-8")
    _CLEAR.write_text("5")
    before, started = _held("VmRSS"), time.process_time()
    problems: list[tuple[str, str]] = []
    try:
        printer.render(order_of(attack))
    except TemplateError as error:
        problems = [(one.code, one.place) for one in error.problems]
    seconds = time.process_time() - started
    return {"seconds": seconds, "kib": _held("VmHWM") - before, "problems": problems}


def main(templates: Path, *, alike: bool) -> None:
    """Try them all, after a letter that loads what every letter needs; those that are `alike` only if wanted."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # what goes wrong here ends this process alone
    file = templates / "letters/own/en.md"
    printer = Printer(templates)
    _try(printer, file, Attack("Warm."))
    for name, attack in (REFUSED | COSTLY).items():
        if name in ALIKE and not alike:
            continue
        print(json.dumps({"name": name, **_try(printer, file, attack)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), alike="--long" in sys.argv)
