"""Every way in which a template can be wrong: found before a letter is made, with file, line and way out."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from letterbook import Own

from dispatcher.domain.errors import Problem, TemplateError
from dispatcher.letters import Order, Printer

WRONG = [
    ("{{ contact.stat }}", "E_TPL_UNDEF", "Did you mean state?"),
    ("{{ contcat.state }}", "E_TPL_UNDEF", "Did you mean contact?"),
    ("{{ contact.postal.first }}", "E_TPL_UNDEF", "Known here"),
    ("{% for copy in copies %}{{ copy.nmae }}{% endfor %}", "E_TPL_UNDEF", "Did you mean name?"),
    ("{{ copy.name }}", "E_TPL_UNDEF", "Did you mean copies?"),
    ("{{ contact.name", "E_TPL_SYNTAX", "Braces stand in pairs"),
    ("{% if contact.name %}never closed", "E_TPL_SYNTAX", "Braces stand in pairs"),
    ("{{ contact.__class__ }}", "E_TPL_FORBIDDEN", "__class__"),
    ("{{ ''.__class__.__mro__ }}", "E_TPL_FORBIDDEN", "__mro__"),
    ("{{ contact.name.upper() }}", "E_TPL_FORBIDDEN", "call"),
    ("{{ '{:9999999999}'.format(1) }}", "E_TPL_FORBIDDEN", "call"),
    ("{{ contact.name | format }}", "E_TPL_FORBIDDEN", "no filter format"),
    ("{{ contact.name | capitol }}", "E_TPL_FORBIDDEN", "Did you mean capital?"),
    ("{{ contact.name | join('aaaa') }}", "E_TPL_FORBIDDEN", "join needs a list"),
    ("{% for letter in contact.name %}x{% endfor %}", "E_TPL_FORBIDDEN", "is not a list"),
    ("{% set x = 'a' %}{{ x }}", "E_TPL_FORBIDDEN", "assign"),
    ("{% include '/etc/passwd' %}", "E_TPL_FORBIDDEN", "include"),
    ("{% import 'x' as y %}", "E_TPL_FORBIDDEN", "import"),
    ("{% macro m() %}{{ m() }}{% endmacro %}", "E_TPL_FORBIDDEN", "macro"),
    ("{{ 1 < contact.name }}", "E_TPL_FORBIDDEN", "compared"),
    ("{% for i in range(10**9) %}{% for j in range(10**9) %}x{% endfor %}{% endfor %}", "E_TPL_LIMIT", "range"),
    ("{{ '%1000000000d' % 1 }}", "E_TPL_LIMIT", "arithmetic"),
    ("{{ 'a' * 1000000000 }}", "E_TPL_LIMIT", "arithmetic"),
    ("{{ 9 ** 9 ** 9 ** 9 }}", "E_TPL_LIMIT", "arithmetic"),
    ("{% for a in copies %}{% for b in copies %}{% for c in copies %}x" + "{% endfor %}" * 3, "E_TPL_LIMIT", "nested"),
    ("{% if contact.name %}" * 40 + "x" + "{% endif %}" * 40, "E_TPL_LIMIT", "nested"),
    ("{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}", "E_TPL_LIMIT", "nested"),
    ("{{ " + "9" * 5000 + " }}", "E_TPL_LIMIT", "number"),
    ("word " * 14_000, "E_TPL_LIMIT", "longer than"),
    ("{% raw %}{{ contact.name }}{% endraw %}", "E_TPL_RESIDUE", "braces"),
    ("{{ none }}", "E_TPL_RESIDUE", "not text"),
    ("{{ contact.postal }}", "E_TPL_RESIDUE", "not text"),
    ("{{ '' }}", "E_TPL_RESIDUE", "empty"),
    ("   ", "E_TPL_RESIDUE", "comes out empty"),
    ("![seal](https://example.org/seal.png)", "E_TPL_FORBIDDEN", "image"),
    ("```\ncode\n```", "E_TPL_FORBIDDEN", "fence"),
    ("***", "E_TPL_FORBIDDEN", "hr"),
    ("[here](javascript:alert(1))", "E_TPL_FORBIDDEN", "neither https: nor mailto:"),
    ("[here]({{ contact.name }})", "E_TPL_FORBIDDEN", "neither https: nor mailto:"),
    ("A right\u202eleft trick", "E_TPL_SYNTAX", "U+202E"),
    ("A private \ue100 letter", "E_TPL_SYNTAX", "U+E100"),
    ("A 漢 in the text", "E_TPL_GLYPH", "U+6F22"),
]


@pytest.mark.parametrize(("body", "code", "hint"), WRONG, ids=[f"{code}:{body[:30]}" for body, code, _ in WRONG])
def test_a_wrong_template_is_named_with_its_line(body: str, code: str, hint: str, own: Own) -> None:
    started = time.perf_counter()
    text = f"\nA first line.\n\n{body}" if body.strip() else body
    problems = own(text).check("own", "cluster-munition-coalition", "en")
    assert time.perf_counter() - started < 10
    assert code in [problem.code for problem in problems]
    assert hint in "\n".join(map(str, problems))
    assert all(problem.place.startswith("letters/own") for problem in problems)


def test_all_faults_come_at_once_each_with_its_own_line(own: Own) -> None:
    front = "---\nsubject: '{{ sbuject }}'\nlanguage: en\nclosing: Sincerely,\n---\n"
    text = front + "One {{ onee }}.\n\nTwo {{ contact.nam }} {{ 2 * 2 }}.\n"
    problems = own(text).check("own", "cluster-munition-coalition", "en")
    assert [(p.place, p.code) for p in problems] == [
        ("letters/own/en.md:2", "E_TPL_UNDEF"),
        ("letters/own/en.md:6", "E_TPL_UNDEF"),
        ("letters/own/en.md:8", "E_TPL_UNDEF"),
        ("letters/own/en.md:8", "E_TPL_LIMIT"),
    ]


@pytest.mark.parametrize(
    ("front", "hint"),
    [
        ("subjet: x\nsubject: x\nlanguage: en\nclosing: y", "Did you mean subject?"),
        ("subject: x\nlanguage: en", "closing is missing"),
        ("subject: x\nsubject: y\nlanguage: en\nclosing: y", "stands here twice"),
        ("subject: [x]\nlanguage: en\nclosing: y", "is not a line of text"),
        ("subject: Re: x\nlanguage: en\nclosing: y", "is not YAML"),
        ("- subject", "holds no 'key: text' lines"),
        ("subject: x\nlanguage: fr\nclosing: y", "is the file for en"),
        ("subject: '*x*'\nlanguage: en\nclosing: y", "is not plain text"),
    ],
)
def test_a_wrong_front_matter_is_explained(front: str, hint: str, own: Own) -> None:
    problems = own(f"---\n{front}\n---\nText.\n").check("own", "cluster-munition-coalition", "en")
    assert hint in "\n".join(map(str, problems))
    assert {problem.code for problem in problems} == {"E_TPL_SYNTAX"}


def test_a_file_without_front_matter_is_explained(own: Own) -> None:
    assert "has no front matter" in str(own("---\nnothing").check("own", "cluster-munition-coalition", "en")[0])


def test_missing_files_are_named_with_a_near_name(printer: Printer) -> None:
    problems = printer.check("air-strike", "cluster-munition-coaliton", "en")
    assert [problem.code for problem in problems] == ["E_TPL_MISSING", "E_TPL_MISSING"]
    assert "Did you mean cluster-munition-coalition?" in str(problems[0])
    assert "Did you mean air-strikes?" in str(problems[1])


@pytest.mark.parametrize("name", ["../letters/air-strikes", "/etc", "", "Air", "a/b"])
def test_a_name_never_leaves_the_templates_folder(printer: Printer, order: Order, name: str) -> None:
    with pytest.raises(TemplateError, match="is no name of a letter"):
        printer.render(replace(order, letter=name))


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"salutation": "  "}, "salutation is empty"),
        ({"state": ""}, "state is empty, and letters/air-strikes/en.md:7, 9, 13, 15, 17 prints it"),
        ({"state": "None"}, "state is 'None'"),
        ({"name": "nan"}, "name is 'nan'"),
        ({"name": "", "office": "", "organisation": ""}, "name is empty"),
    ],
)
def test_gaps_in_the_data_stop_the_letter(printer: Printer, order: Order, change: dict[str, str], hint: str) -> None:
    with pytest.raises(TemplateError, match=hint) as caught:
        printer.render(replace(order, contact=replace(order.contact, **change)))
    assert {problem.code for problem in caught.value.problems} == {"E_TPL_RESIDUE"}


def test_a_character_that_no_face_has_is_named_with_its_place(printer: Printer, order: Order) -> None:
    with pytest.raises(TemplateError) as caught:
        printer.render(replace(order, contact=replace(order.contact, name="Rufus 漢 Firefly")))
    (problem,) = caught.value.problems
    assert isinstance(problem, Problem)
    assert problem.code == "E_TPL_GLYPH"
    assert "漢 (U+6F22), in the addressee: …" in problem.cause


def test_a_template_that_is_changed_counts_at_once(own: Own, order: Order) -> None:
    mine = replace(order, letter="own")
    printer = own("First words.")
    assert "First words." in printer.render(mine).parts["text"].decode()
    own("Other words.")
    assert "Other words." in printer.render(mine).parts["text"].decode()


def test_a_copy_for_nobody_stops_the_letter(printer: Printer, order: Order) -> None:
    nobody = replace(order.copies[0], honorific="", name="", office="", organisation="")
    with pytest.raises(TemplateError, match="contact ru-geneva: E_TPL_RESIDUE name is empty"):
        printer.render(replace(order, copies=(nobody,)))


def test_a_field_that_is_empty_is_named_with_its_contact_and_the_line_that_prints_it(own: Own, order: Order) -> None:
    mine = replace(order, letter="own", contact=replace(order.contact, state="", office=""), copies=())
    unsaid = "{% if contact.office %}{{ contact.office }}{% endif %}"
    body = "To {{ contact.state | capital }}.\n\n" + unsaid + "Dear {{ contact.in_text }}."
    with pytest.raises(TemplateError) as caught:
        own(body).render(mine)
    found = [(one.place, one.cause, one.code) for one in caught.value.problems]
    assert found == [
        ("contact ru-president", "state is empty, and letters/own/en.md:6 prints it", "E_TPL_RESIDUE"),
        ("contact ru-president", "in_text is empty, and letters/own/en.md:8 prints it", "E_TPL_RESIDUE"),
    ]
    assert "contacts repair ru-president" in caught.value.problems[0].way_out
